// SPDX-License-Identifier: Apache-2.0
#include "weights/tensor_set.h"

#include <gtest/gtest.h>

#include "weights/test_files.h"

namespace {

using namespace weights;
using test::contains;
using test::refusal;

std::string one(std::string_view tensor) {
  return test::safetensors(
      base::text(R"({")", tensor, R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})"), "1");
}

class TensorSetTest : public testing::Test {
 protected:
  void write_shards() {
    folder_.write("m-00001-of-00002.safetensors", one("a"));
    folder_.write("m-00002-of-00002.safetensors", one("b"));
  }

  void write_index(std::string_view second = "m-00002-of-00002.safetensors") {
    folder_.write(
        "m.safetensors.index.json",
        base::text(
            R"({"weight_map": {"a": "m-00001-of-00002.safetensors", "b": ")", second, "\"}}"));
  }

  // Reads the only set of the folder.
  TensorSet read() { return read_tensor_set(find_tensor_sets(folder_.path()).at(0)); }
  std::string refused() {
    return refusal([&] { read(); });
  }

  test::Folder folder_;
};

TEST_F(TensorSetTest, ReadsShardsWithAnIndex) {
  write_shards();
  write_index();
  const auto set = read();
  EXPECT_EQ(set.tensors.size(), 2u);
  EXPECT_EQ(set.files.size(), 2u);
}

TEST_F(TensorSetTest, ReadsShardsWithoutAnIndex) {
  write_shards();
  EXPECT_EQ(find_tensor_sets(folder_.path()).size(), 1u);
  EXPECT_EQ(read().tensors.size(), 2u);
}

TEST_F(TensorSetTest, MissesAShardWithoutAnIndex) {
  write_shards();
  std::filesystem::remove(folder_ / "m-00001-of-00002.safetensors");
  EXPECT_TRUE(contains(refused(), "1 of 2 shards of m are there"));
}

TEST_F(TensorSetTest, NamesTheShardThatIsNotThere) {
  write_shards();
  write_index("m-00003-of-00003.safetensors");
  EXPECT_TRUE(contains(refused(), "m-00003-of-00003.safetensors, which is not there"));
}

TEST_F(TensorSetTest, NeverOpensAFileOutsideTheFolder) {
  write_shards();
  const test::Folder other;
  const auto outside = other.write("y.safetensors", one("b"));
  for (const std::string& name : {outside.string(),
                                  "../" + other.path().filename().string() + "/y.safetensors",
                                  std::string("./m-00002-of-00002.safetensors"),
                                  std::string(".."),
                                  std::string("")}) {
    write_index(name);
    EXPECT_TRUE(contains(refused(), base::text("the shard \"", name, "\""))) << refused();
  }
}

TEST_F(TensorSetTest, NamesATensorThatIsNotWhereTheIndexSays) {
  write_shards();
  write_index("m-00001-of-00002.safetensors");
  EXPECT_TRUE(contains(refused(), "puts tensor b into m-00001-of-00002.safetensors"));
}

TEST_F(TensorSetTest, NamesATensorThatIsInTwoShards) {
  write_shards();
  folder_.write("m-00002-of-00002.safetensors", one("a"));
  EXPECT_TRUE(contains(refused(), "tensor a is also in m-00001-of-00002.safetensors"));
}

TEST_F(TensorSetTest, RefusesAnIndexThatIsNone) {
  write_shards();
  folder_.write("m.safetensors.index.json", "{");
  EXPECT_TRUE(contains(refused(), "m.safetensors.index.json: not valid JSON"));
  folder_.write("m.safetensors.index.json", "{}");
  EXPECT_TRUE(contains(refused(), "has no weight_map"));
  folder_.write("m.safetensors.index.json", R"({"weight_map": {"a": 1}})");
  EXPECT_TRUE(contains(refused(), "tensor a has no shard"));
}

TEST_F(TensorSetTest, PrefersSafetensorsToPthOfTheSameName) {
  folder_.write("Wan2.1_VAE.pth", "broken");
  folder_.write("Wan2.1_VAE.safetensors", one("a"));
  folder_.write("README.md", "text");
  EXPECT_EQ(find_tensor_sets(folder_.path()).size(), 1u);
  EXPECT_EQ(read().tensors.size(), 1u);
}

TEST_F(TensorSetTest, TellsTheFormatByContent) {
  folder_.write("x.safetensors", test::pth(test::state_dict({{"w", test::pickled({})}})));
  EXPECT_TRUE(read().tensors.contains("w"));
  folder_.write("x.safetensors", one("w"));
  std::filesystem::rename(folder_ / "x.safetensors", folder_ / "x.pth");
  EXPECT_TRUE(contains(refused(), "x.pth: is neither a zip archive nor"));
}

TEST(TensorFile, AFileOfAnotherKindIsToldAsSuch) {
  const test::Folder folder;
  const auto refused = [&](std::string_view content) {
    const auto file = folder.write("README.md", content);
    return refusal([&] { read_tensor_file(file); });
  };
  EXPECT_TRUE(contains(refused("# A heading, and words"), "README.md: is no weights file"));
  EXPECT_TRUE(contains(refused("short"), "README.md: is no weights file"));
  // A safetensors file that is cut off is one all the same.
  EXPECT_TRUE(contains(refused(test::raw<uint64_t>(1000) + "{}"), "the header claims 1000 bytes"));
}

}  // namespace
