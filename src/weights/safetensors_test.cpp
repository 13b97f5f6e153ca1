// SPDX-License-Identifier: Apache-2.0
#include "weights/safetensors.h"

#include <gtest/gtest.h>

#include "weights/test_files.h"

namespace {

using namespace weights;
using test::contains;
using test::refusal;
using test::safetensors;

std::string refusal_of(const std::string& content) {
  const test::Folder folder;
  const auto file = folder.write("x.safetensors", content);
  const auto message = refusal([&] { read_safetensors(file); });
  // Every refusal names the file.
  return message == "accepted" || message.starts_with(file.string()) ? message : "unnamed";
}

std::string refusal_of_header(std::string_view header, std::string_view data = "12345678") {
  return refusal_of(safetensors(header, data));
}

constexpr std::string_view kTwoFloats = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

TEST(Safetensors, ReadsWhatItWrote) {
  const test::Folder folder;
  const auto numbers = test::floats(6);
  TensorMap tensors;
  tensors["b"] = {.dtype = Dtype::f32, .shape = {3}, .bytes = test::bytes_of(numbers).first(12)};
  tensors["a"] = {.dtype = Dtype::bf16, .shape = {2, 3}, .bytes = test::bytes_of(numbers).last(12)};
  tensors["none"] = {.dtype = Dtype::u8, .shape = {0}};
  write_safetensors(folder / "x", tensors, {{"format", "pt"}});

  const auto file = read_safetensors(folder / "x");
  ASSERT_EQ(file.tensors.size(), 3u);
  EXPECT_EQ(file.metadata.at("format"), "pt");
  EXPECT_EQ(file.tensors.at("a").shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(file.tensors.at("a").dtype, Dtype::bf16);
  EXPECT_TRUE(std::ranges::equal(file.tensors.at("b").bytes, tensors.at("b").bytes));
  EXPECT_TRUE(std::ranges::equal(file.tensors.at("a").bytes, tensors.at("a").bytes));
}

TEST(Safetensors, TensorsAreViewsThatKeepTheFileMapped) {
  const test::Folder folder;
  folder.write("x", safetensors(kTwoFloats, test::floats(2)));
  TensorView view;
  { view = read_safetensors(folder / "x").tensors.at("a"); }
  std::filesystem::remove(folder / "x");
  EXPECT_EQ(reinterpret_cast<const float*>(view.bytes.data())[1], 1.f);
}

TEST(Safetensors, AcceptsTheSmallestFile) {
  EXPECT_EQ(refusal_of(safetensors("{}", "")), "accepted");
}

TEST(Safetensors, RefusesAFileWithoutRoomForALength) {
  EXPECT_TRUE(contains(refusal_of(""), "0 bytes are no safetensors file"));
  EXPECT_TRUE(contains(refusal_of("1234567"), "7 bytes are no safetensors file"));
}

TEST(Safetensors, RefusesAHeaderLongerThanTheFile) {
  EXPECT_TRUE(contains(refusal_of(test::raw<uint64_t>(3) + "{}"), "the header claims 3 bytes"));
}

TEST(Safetensors, RefusesAHeaderWhoseLengthOverflows) {
  EXPECT_TRUE(
      contains(refusal_of(test::raw<uint64_t>(UINT64_MAX - 7) + "{}"), "the header claims"));
}

TEST(Safetensors, RefusesAHeaderOver16MiB) {
  const std::string header = "{" + std::string(16u << 20, ' ') + "}";
  EXPECT_TRUE(contains(refusal_of(safetensors(header, "")), "at most 16777216"));
}

TEST(Safetensors, RefusesAHeaderThatIsNoObject) {
  EXPECT_TRUE(contains(refusal_of_header("[]"), "not a JSON object"));
  EXPECT_TRUE(contains(refusal_of_header("{"), "not valid JSON"));
}

TEST(Safetensors, RefusesTheSameTensorTwice) {
  const auto twice = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                     R"("a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})";
  EXPECT_TRUE(contains(refusal_of_header(twice), "the key \"a\" twice"));
}

TEST(Safetensors, RefusesDeepNesting) {
  EXPECT_TRUE(contains(refusal_of_header(R"({"a":[[[[1]]]]})"), "nested deeper"));
}

TEST(Safetensors, RefusesMoreThan65536Tensors) {
  std::string header = "{";
  for (int i = 0; i <= 65536; ++i) {
    header += base::text(
        i > 0 ? "," : "", "\"", i, R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})");
  }
  EXPECT_TRUE(contains(refusal_of_header(header + "}", ""), "at most 65536"));
}

TEST(Safetensors, RefusesRankNine) {
  const auto header = R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8]}})";
  EXPECT_TRUE(contains(refusal_of_header(header), "tensor a: its shape is no list of at most 8"));
}

TEST(Safetensors, RefusesShapesThatAreNoNaturalNumbers) {
  for (const char* shape : {"[-1]", "[1.5]", "[\"2\"]", "[99999999999999999999]", "2", "[null]"}) {
    const auto header =
        base::text(R"({"a":{"dtype":"U8","shape":)", shape, R"(,"data_offsets":[0,8]}})");
    EXPECT_TRUE(contains(refusal_of_header(header), "tensor a: ")) << shape;
  }
}

TEST(Safetensors, RefusesShapesWhoseProductOverflows) {
  for (const char* shape : {"[4611686018427387904,4]", "[9223372036854775807,2,2]"}) {
    const auto header =
        base::text(R"({"a":{"dtype":"F32","shape":)", shape, R"(,"data_offsets":[0,8]}})");
    EXPECT_TRUE(contains(refusal_of_header(header), "overflows 64 bits")) << shape;
  }
}

TEST(Safetensors, RefusesOffsetsThatDoNotFit) {
  for (const char* offsets : {"[0,16]", "[8,0]", "[-8,0]", "[0]", "[0,8,8]", "[0.0,8.0]", "{}"}) {
    const auto header =
        base::text(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)", offsets, "}}");
    EXPECT_TRUE(contains(refusal_of_header(header), "tensor a: ")) << offsets;
  }
}

TEST(Safetensors, RefusesASizeThatDiffersFromTheShape) {
  const auto header = R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})";
  EXPECT_TRUE(
      contains(refusal_of_header(header), "tensor a: shape [3] of F32 needs 12 bytes, it has 8"));
}

TEST(Safetensors, RefusesAnUnknownDtypeByName) {
  const auto header = R"({"a":{"dtype":"F13","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_TRUE(contains(refusal_of_header(header), "tensor a: unknown dtype F13"));
}

TEST(Safetensors, RefusesAnEntryThatLacksSomething) {
  EXPECT_TRUE(contains(refusal_of_header(R"({"a":{"shape":[2],"data_offsets":[0,8]}})"),
                       "tensor a: has no dtype"));
  EXPECT_TRUE(contains(refusal_of_header(R"({"a":1})"), "tensor a: has no dtype"));
}

TEST(Safetensors, RefusesHolesOverlapsAndSurplus) {
  const auto two = [](int begin) {
    return base::text(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)",
                      R"("b":{"dtype":"U8","shape":[3],"data_offsets":[)",
                      begin,
                      ",",
                      begin + 3,
                      "]}}");
  };
  EXPECT_EQ(refusal_of_header(two(4), "1234567"), "accepted");
  EXPECT_TRUE(contains(refusal_of_header(two(5), "12345678"), "tensor b: its data leaves a hole"));
  EXPECT_TRUE(contains(refusal_of_header(two(3), "123456"), "overlaps"));
  EXPECT_TRUE(contains(refusal_of_header(two(4), "12345678"), "end 1 bytes before"));
}

TEST(Safetensors, RefusesMetadataThatIsNoText) {
  EXPECT_TRUE(contains(refusal_of_header(R"({"__metadata__":{"a":1}})", ""), "is not a string"));
}

TEST(Safetensors, EveryDamagedFileIsReadOrRefused) {
  const test::Folder folder;
  const auto whole = safetensors(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("b.weight":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]}})",
      "123456789012");
  test::damage(whole, 3000, [&](const std::string& damaged) {
    read_safetensors(folder.write("x", damaged));
  });
}

}  // namespace
