// SPDX-License-Identifier: Apache-2.0
#include "weights/pth.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "weights/test_files.h"
#include "weights/zip.h"

namespace {

using namespace weights;
using test::contains;
using test::number;
using test::pickled;
using test::PickledTensor;
using test::pth;
using test::refusal;
using test::state_dict;

TensorMap read(const std::string& content) {
  const test::Folder folder;
  return read_pth(std::make_shared<const base::MappedFile>(folder.write("x.pth", content)));
}

std::string refusal_of(const std::string& content) {
  const auto message = refusal([&] { read(content); });
  return message == "accepted" || contains(message, "x.pth: ") ? message : "unnamed";
}

std::string refusal_of(const PickledTensor& tensor) {
  return refusal_of(pth(state_dict({{"w", pickled(tensor)}})));
}

float element(const TensorView& view, size_t i) {
  float value = 0;
  std::memcpy(&value, view.bytes.data() + 4 * i, 4);
  return value;
}

// ── what loads ──

TEST(Pth, ReadsAStateDict) {
  const auto tensors = read(pth(state_dict({{"w", pickled({})}})));
  const auto& w = tensors.at("w");
  EXPECT_EQ(w.dtype, Dtype::f32);
  EXPECT_EQ(w.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(w.strides.empty());
  EXPECT_EQ(element(w, 5), 5.f);
}

TEST(Pth, ReadsZip64) {
  const auto file = test::zip(
      {{"x/data.pkl", state_dict({{"w", pickled({})}})}, {"x/data/0", test::floats(6)}}, true);
  EXPECT_EQ(element(read(file).at("w"), 5), 5.f);
}

TEST(Pth, AViewStartsAtItsOffset) {
  const PickledTensor tail{.shape = {2}, .strides = {1}, .offset = number(4)};
  const auto tensors = read(pth(state_dict({{"w", pickled(tail)}})));
  EXPECT_EQ(element(tensors.at("w"), 0), 4.f);
  EXPECT_EQ(tensors.at("w").bytes.size(), 8u);
}

TEST(Pth, ATransposedViewKeepsItsStrides) {
  const PickledTensor transposed{.shape = {3, 2}, .strides = {1, 3}};
  const auto tensors = read(pth(state_dict({{"w", pickled(transposed)}})));
  EXPECT_EQ(tensors.at("w").strides, (std::vector<int64_t>{1, 3}));
}

TEST(Pth, TensorsMayShareAStorage) {
  const PickledTensor first{.shape = {3}, .strides = {1}};
  const PickledTensor second{.shape = {3}, .strides = {1}, .offset = number(3)};
  const auto tensors = read(pth(state_dict({{"a", pickled(first)}, {"b", pickled(second)}})));
  EXPECT_EQ(element(tensors.at("b"), 0) - element(tensors.at("a"), 0), 3.f);
}

TEST(Pth, MetadataOfAStateDictIsPassedOver) {
  // OrderedDict(), filled, then BUILD with {"_metadata": {}}, as state_dict() is pickled.
  const auto pickle = "\x80\x02" + test::global("collections", "OrderedDict") + ")R(" +
                      test::text("w") + pickled({}) + "u}" + test::text("_metadata") + "}sb.";
  EXPECT_EQ(read(pth(pickle)).size(), 1u);
}

TEST(Pth, AParameterIsItsTensor) {
  const auto parameter = test::global("torch._utils", "_rebuild_parameter") +
                         test::tuple({pickled({}), "\x88", "}"}) + "R";
  EXPECT_EQ(read(pth(state_dict({{"w", parameter}}))).size(), 1u);
}

std::string legacy(const std::string& pickle, const std::vector<std::string>& keys = {"0"}) {
  std::string list = "\x80\x02](";
  std::string data;
  for (const auto& key : keys) {
    list += test::text(key);
    data += test::raw<uint64_t>(6) + test::floats(6);
  }
  const auto system = "\x80\x02}(" + test::text("little_endian") + "\x88u.";
  return std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15) +
         std::string("\x80\x02M\xe9\x03.", 6) + system + pickle + list + "e." + data;
}

PickledTensor legacy_tensor() {
  PickledTensor tensor;
  tensor.view = "N";
  return tensor;
}

TEST(Pth, ReadsTheFormBeforeTheZipForm) {
  const auto tensors = read(legacy(state_dict({{"w", pickled(legacy_tensor())}})));
  EXPECT_EQ(element(tensors.at("w"), 5), 5.f);
}

TEST(Pth, ReadsAViewOfAStorageInTheOlderForm) {
  PickledTensor tensor{.shape = {2}, .strides = {1}};
  tensor.view = test::tuple({test::text("7"), number(3), number(2)});
  EXPECT_EQ(element(read(legacy(state_dict({{"w", pickled(tensor)}}))).at("w"), 0), 3.f);
  tensor.view = test::tuple({test::text("7"), number(5), number(2)});
  EXPECT_TRUE(contains(refusal_of(legacy(state_dict({{"w", pickled(tensor)}}))), "data/0"));
}

// ── what does not ──

TEST(Pth, RefusesEveryNameThatIsNotInItsTable) {
  for (const auto& [module, name] : std::vector<std::pair<std::string, std::string>>{
           {"os", "system"},
           {"builtins", "eval"},
           {"torch._utils", "_rebuild_qtensor"},
           {"torch.storage", "_load_from_bytes"},
           {"numpy.core.multiarray", "_reconstruct"}}) {
    const auto call = test::global(module, name) + test::tuple({test::text("true")}) + "R";
    const auto full_name = base::text(module, '.', name);
    const auto message = refusal_of(pth(state_dict({{"w", call}})));
    EXPECT_TRUE(contains(message, full_name)) << message;
    const auto older = refusal_of(legacy(state_dict({{"w", call}})));
    EXPECT_TRUE(contains(older, full_name)) << older;
  }
}

TEST(Pth, RefusesInstructionsThatWeightsDoNotNeed) {
  // NEWOBJ, INST, OBJ, REDUCE of a class that only names a type.
  EXPECT_TRUE(contains(refusal_of(pth("\x80\x02)\x81.")), "instruction"));
  EXPECT_TRUE(contains(refusal_of(pth("\x80\x02(ios\nsystem\n.")), "instruction"));
  EXPECT_TRUE(contains(refusal_of(pth("\x80\x02(o.")), "instruction"));
  const auto call = test::global("torch", "FloatStorage") + ")R";
  EXPECT_TRUE(contains(refusal_of(pth(state_dict({{"w", call}}))), "cannot be called"));
}

TEST(Pth, RefusesAPickleThatTakesWhatIsNotThere) {
  for (const char* pickle : {"\x80\x02.",
                             "\x80\x02t.",
                             "\x80\x02(K\x01N0"
                             "0.",
                             "\x80\x02h\x01.",
                             "\x80\x02K\x01"
                             "a.",
                             "\x80\x02}K\x01K\x02K\x03u.",
                             "\x80\x09N.",
                             "\x80\x02Q.",
                             "\x80\x02NNR."}) {
    EXPECT_NE(refusal_of(pth(pickle)), "accepted") << pickle;
    EXPECT_NE(refusal_of(pth(pickle)), "unnamed") << pickle;
  }
}

TEST(Pth, RefusesWhatIsNoDictOfTensors) {
  EXPECT_TRUE(contains(refusal_of(pth("\x80\x02].")), "no dict of tensors"));
  EXPECT_TRUE(
      contains(refusal_of(pth(state_dict({{"step", number(3)}}))), "entry step is not a tensor"));
}

TEST(Pth, FreesDeepNestingWithoutRecursion) {
  const std::string lists(300'000, ']');
  const auto pickle = "\x80\x02" + lists + std::string(lists.size() - 1, 'a') + ".";
  EXPECT_TRUE(contains(refusal_of(pth(pickle)), "no dict of tensors"));
}

TEST(Pth, RefusesMoreValuesThanWeightsNeed) {
  EXPECT_TRUE(contains(refusal_of(pth("\x80\x02" + std::string(1'000'001, 'N') + ".")), "1000000"));
  EXPECT_TRUE(contains(refusal_of(pth("\x80\x02" + std::string(10'001, '(') + "N.")), "deeper"));
}

TEST(Pth, RefusesAViewOutsideItsStorage) {
  EXPECT_EQ(refusal_of(PickledTensor{}), "accepted");
  EXPECT_TRUE(contains(refusal_of(PickledTensor{.offset = number(1)}), "tensor w of shape [2, 3]"));
  EXPECT_TRUE(contains(refusal_of(PickledTensor{.shape = {2, 4}, .strides = {4, 1}}), "tensor w"));
  EXPECT_TRUE(contains(refusal_of(PickledTensor{.strides = {4, 1}}), "tensor w"));
  // An offset of 2^63 - 1 elements; a negative one.
  const auto huge = "\x8a\x08" + test::raw<int64_t>(INT64_MAX);
  EXPECT_TRUE(contains(refusal_of(PickledTensor{.offset = huge}), "tensor w"));
  const auto negative = "J" + test::raw<int32_t>(-1);
  EXPECT_TRUE(contains(refusal_of(PickledTensor{.offset = negative}), "tensor w"));
}

TEST(Pth, RefusesAShapeThatRepeatsItsStorage) {
  // Stride 0 lies in the storage, but a copy would have 255 * 255 elements.
  EXPECT_TRUE(
      contains(refusal_of(PickledTensor{.shape = {255, 255}, .strides = {0, 0}}), "tensor w"));
}

TEST(Pth, RefusesAStorageOfAnotherLength) {
  EXPECT_TRUE(contains(refusal_of(PickledTensor{.elements = 5}), "data/0 has 24 bytes"));
  EXPECT_TRUE(contains(refusal_of(PickledTensor{.storage_class = "HalfStorage"}), "data/0"));
  EXPECT_TRUE(contains(refusal_of(PickledTensor{.storage = "7"}), "data/7 is missing"));
}

TEST(Pth, RefusesBigEndianNumbers) {
  const auto file = test::zip({{"x/data.pkl", state_dict({})}, {"x/byteorder", "big"}});
  EXPECT_TRUE(contains(refusal_of(file), "not little-endian"));
}

TEST(Zip, RefusesCompressedAndEncryptedEntriesByName) {
  EXPECT_TRUE(contains(refusal_of(test::zip({{"x/data/0", "abc", 8}})), "entry x/data/0: comp"));
  EXPECT_TRUE(contains(refusal_of(test::zip({{"x/data/0", "abc", 0, 1}})), "x/data/0: encrypted"));
}

TEST(Zip, RefusesSizesBeyondTheFile) {
  for (const uint64_t size : {uint64_t{200}, uint64_t{1} << 40, UINT64_MAX - 1}) {
    const auto file = test::zip({{.name = "x/data/0", .content = "abc", .claimed = size}}, true);
    EXPECT_TRUE(contains(refusal_of(file), "entry x/data/0: claims")) << size;
  }
}

TEST(Zip, RefusesTheSameEntryTwice) {
  const auto file = test::zip({{"x/data/0", "a"}, {"x/data/0", "b"}});
  EXPECT_TRUE(contains(refusal_of(file), "entry x/data/0 is there twice"));
}

TEST(Zip, RefusesAnArchiveWithoutItsEnd) {
  const auto file = pth(state_dict({{"w", pickled({})}}));
  EXPECT_TRUE(contains(refusal_of(file.substr(0, file.size() / 2)), "cut off or damaged"));
}

// ── damage ──

// Reads one file after the other in one folder.
std::function<void(const std::string&)> reader_in(const test::Folder& folder) {
  return [&folder](const std::string& content) {
    read_pth(std::make_shared<const base::MappedFile>(folder.write("x.pth", content)));
  };
}

TEST(Pth, EveryDamagedFileIsReadOrRefused) {
  const test::Folder folder;
  const auto whole = pth(state_dict({{"a", pickled({})}, {"b", pickled({.strides = {1, 2}})}}));
  test::damage(whole, 3000, reader_in(folder));
}

TEST(Pth, EveryDamagedFileOfTheOlderFormIsReadOrRefused) {
  const test::Folder folder;
  test::damage(legacy(state_dict({{"a", pickled(legacy_tensor())}})), 3000, reader_in(folder));
}

}  // namespace
