// SPDX-License-Identifier: Apache-2.0
#include "weights/inventory.h"

#include <gtest/gtest.h>

#include "weights/test_files.h"

namespace {

using namespace weights;
using test::contains;
using test::refusal;

struct Count {
  size_t tensors;
  int64_t parameters;
  bool operator==(const Count&) const = default;
};

template <typename Spec>
Count count(const Spec& spec) {
  const auto tensors = tensors_of(spec);
  return {tensors.size(), count_parameters(tensors)};
}

std::ostream& operator<<(std::ostream& out, const Count& count) {
  return out << count.tensors << " tensors, " << count.parameters << " parameters";
}

specs::DitSpec dit(std::string_view model) {
  return specs::find_model(model)->dit;
}

// The published models, counted from their files.
TEST(Inventory, CountsTheTensorsAndParametersOfEveryDit) {
  EXPECT_EQ(count(dit("wan2.1-t2v-1.3b")), (Count{825, 1'418'996'800}));
  EXPECT_EQ(count(dit("wan2.1-t2v-14b")), (Count{1095, 14'288'491'584}));
  EXPECT_EQ(count(dit("wan2.2-ti2v-5b")), (Count{825, 4'999'787'712}));
  auto image = dit("wan2.2-t2v-a14b");
  image.in_dim = 36;
  EXPECT_EQ(count(image), (Count{1095, 14'288'901'184}));
  image.clip_dim = 1280;
  EXPECT_EQ(count(image), (Count{1303, 16'394'878'784}));
  image.image_tokens = 514;
  EXPECT_EQ(count(image).tensors, 1304u);
}

// Sizes of the files in the official repositories: 57.2 GB for each network of 14B, 11.4 GB for the
// text encoder, 0.5 GB for the VAE, …
TEST(Inventory, KnowsHowMuchThereIsToFetch) {
  const std::pair<std::string_view, uint64_t> sizes[] = {{"wan2.1-t2v-1.3b", 17},
                                                         {"wan2.1-t2v-14b", 69},
                                                         {"wan2.2-t2v-a14b", 126},
                                                         {"wan2.2-ti2v-5b", 34}};
  for (const auto& [name, gigabytes] : sizes) {
    EXPECT_EQ(published_bytes(*specs::find_model(name)) / 1'000'000'000, gigabytes) << name;
  }
}

TEST(Inventory, CountsTheTensorsAndParametersOfTheOtherParts) {
  EXPECT_EQ(count(specs::VaeSpec{}), (Count{194, 126'892'531}));
  EXPECT_EQ(count(specs::VaeSpec{specs::VaeKind::vae22, 160, 256, 48}), (Count{196, 704'688'668}));
  EXPECT_EQ(count(specs::Umt5Spec{}), (Count{242, 5'680'910'336}));
}

const specs::Umt5Spec kSmall = {
    .vocab = 8, .dim = 4, .dim_attn = 6, .dim_ffn = 5, .num_heads = 2, .num_layers = 2};

TEST(Inventory, AcceptsExactlyWhatIsExpected) {
  EXPECT_EQ(refusal([] { check_tensors(test::network(kSmall), tensors_of(kSmall), "x"); }),
            "accepted");
}

TEST(Inventory, NamesEveryComplaintAtOnce) {
  auto tensors = test::network(kSmall);
  tensors.erase("norm.weight");
  tensors["blocks.0.attn.q.weight"] = test::zeros({6, 3});
  tensors["blocks.1.attn.q.weight"] = test::zeros({6, 4}, Dtype::i32);
  tensors["gate"] = test::zeros({1});
  EXPECT_EQ(refusal([&] { check_tensors(tensors, tensors_of(kSmall), "x"); }),
            "x: no tensor norm.weight; tensor blocks.0.attn.q.weight has shape [6, 3], expected "
            "[6, 4]; tensor blocks.1.attn.q.weight is I32, expected a float type; belonging to no "
            "part of the model: gate");
}

TEST(Inventory, CountsWhatItDoesNotName) {
  TensorMap tensors;
  const auto message = refusal([&] { check_tensors(tensors, tensors_of(kSmall), "x"); });
  EXPECT_TRUE(contains(message, "no tensor token_embedding.weight"));
  EXPECT_TRUE(contains(message, "and 17 more")) << message;
}

}  // namespace
