// SPDX-License-Identifier: Apache-2.0
#include "weights/checkpoint.h"

#include <fstream>

#include <gtest/gtest.h>

#include "weights/checkpoint_writer.h"
#include "weights/test_files.h"

namespace {

using namespace weights;
using test::contains;
using test::refusal;

const specs::DitSpec kDit = {
    .dim = 32, .ffn_dim = 8, .num_heads = 4, .num_layers = 2, .freq_dim = 8, .text_dim = 4};
const specs::Umt5Spec kText = {
    .vocab = 8, .dim = 4, .dim_attn = 6, .dim_ffn = 5, .num_heads = 2, .num_layers = 2};
const specs::VaeSpec kVae = {.dim = 2, .decoder_dim = 2};

template <typename Spec>
void write_network(const std::filesystem::path& folder,
                   std::string_view stem,
                   const Spec& spec,
                   uint64_t shard_bytes = kShardBytes) {
  const auto tensors = test::network(spec, Dtype::bf16);
  write_shards(folder, stem, headers_of(tensors), source_of(tensors), shard_bytes);
}

void write_dit(const std::filesystem::path& folder, const specs::DitSpec& spec = kDit) {
  write_network(folder, kDitStem, spec, 20'000);
  write_config(folder, spec);
}

void write_official(const test::Folder& folder) {
  write_dit(folder.path());
  write_network(folder.path(), kTextEncoderStem, kText);
  write_network(folder.path(), vae_stem(kVae.kind), kVae);
  folder.write("google/umt5-xxl/tokenizer.json", "{}");
}

std::string refused(const std::filesystem::path& path) {
  return refusal([&] { open_checkpoint(path); });
}

void replace(const std::filesystem::path& file, std::string_view old_text, std::string_view text) {
  auto content = base::read_file(file, 1 << 20);
  const auto at = content.find(old_text);
  ASSERT_NE(at, std::string::npos) << old_text;
  base::write_file(file, content.replace(at, old_text.size(), text));
}

TEST(Checkpoint, OpensWhatItWrote) {
  const test::Folder folder;
  write_official(folder);
  const auto checkpoint = open_checkpoint(folder.path());
  ASSERT_TRUE(checkpoint.dit && checkpoint.text_encoder && checkpoint.vae);
  EXPECT_EQ(checkpoint.layout, Layout::official);
  EXPECT_EQ(checkpoint.dit->spec, kDit);
  EXPECT_EQ(checkpoint.text_encoder->spec, kText);
  EXPECT_EQ(checkpoint.vae->spec, kVae);
  EXPECT_GT(checkpoint.dit->files.size(), 1u);
  EXPECT_EQ(checkpoint.tokenizer, folder / "google/umt5-xxl");
  EXPECT_FALSE(checkpoint.dit_low || checkpoint.image_encoder || checkpoint.boundary);
}

TEST(Checkpoint, WritingAgainLeavesNoOlderShards) {
  const test::Folder folder;
  write_dit(folder.path());
  write_network(folder.path(), kDitStem, kDit);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
  EXPECT_EQ(open_checkpoint(folder.path()).dit->files.size(), 1u);
}

TEST(Checkpoint, AFailedWriteLeavesNothing) {
  const test::Folder folder;
  const auto tensors = test::network(kDit);
  const auto headers = headers_of(tensors);
  const auto whole = source_of(tensors);
  const auto breaking = [&](const TensorHeader& tensor, const TensorSink& sink) {
    if (tensor.name == headers.back().name) throw base::Error(base::Fault::exhausted, "disk full");
    whole(tensor, sink);
  };
  EXPECT_EQ(refusal([&] { write_shards(folder.path(), "x", headers, breaking, 20'000); }),
            "disk full");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 0);
}

TEST(Checkpoint, FindsBothExperts) {
  const test::Folder folder;
  write_dit(folder / "high_noise_model");
  write_dit(folder / "low_noise_model");
  const auto checkpoint = open_checkpoint(folder.path());
  EXPECT_EQ(checkpoint.dit->expert, Expert::high_noise);
  EXPECT_EQ(checkpoint.dit_low->expert, Expert::low_noise);
  EXPECT_TRUE(contains(checkpoint.dit->origin, "high_noise_model"));
}

TEST(Checkpoint, TheExpertsMustBeAlike) {
  const test::Folder folder;
  auto other = kDit;
  other.num_heads = 2;
  write_dit(folder / "high_noise_model");
  write_dit(folder / "low_noise_model", other);
  EXPECT_TRUE(contains(refused(folder.path()), "the experts differ"));
}

TEST(Checkpoint, SingleFilesNameTheirExpert) {
  const test::Folder folder;
  auto wide = kDit;
  wide.dim = 128;
  wide.num_heads = 1;  // a file without config has heads of 128
  write_network(folder.path(), "wan2.2_t2v_high_noise_14B_fp16", wide);
  write_network(folder.path(), "Wan2.2-T2V-A14B-LowNoise", wide);
  const auto checkpoint = open_checkpoint(folder.path());
  EXPECT_EQ(checkpoint.dit->expert, Expert::high_noise);
  EXPECT_EQ(checkpoint.dit_low->spec, wide);
}

TEST(Checkpoint, TwoCandidatesForOnePartAreNamed) {
  const test::Folder folder;
  write_network(folder.path(), "vae_a", kVae);
  write_network(folder.path(), "vae_b", kVae);
  EXPECT_TRUE(contains(refused(folder.path()), "vae_a.safetensors and "));
  EXPECT_EQ(refused(folder / "vae_b.safetensors"), "accepted");
}

TEST(Checkpoint, FilesAndFoldersGivenTogetherAreOneCheckpoint) {
  const test::Folder folder;
  write_dit(folder / "diffusion_models/high_noise_model");
  write_dit(folder / "diffusion_models/low_noise_model");
  write_network(folder / "text_encoders", "encoder", kText);
  write_network(folder / "vae", "vae_a", kVae);
  write_network(folder / "vae", "vae_b", kVae);
  folder.write("words/tokenizer.json", "{}");
  const std::filesystem::path paths[] = {folder / "diffusion_models/low_noise_model",
                                         folder / "diffusion_models/high_noise_model",
                                         folder / "text_encoders/encoder.safetensors",
                                         folder / "vae/vae_b.safetensors",
                                         folder / "words"};
  const auto checkpoint = open_checkpoint(paths);
  EXPECT_TRUE(contains(checkpoint.dit->origin, "high_noise_model"));
  EXPECT_TRUE(contains(checkpoint.dit_low->origin, "low_noise_model"));
  EXPECT_TRUE(contains(checkpoint.vae->origin, "vae_b"));
  EXPECT_EQ(checkpoint.text_encoder->spec, kText);
  EXPECT_EQ(checkpoint.tokenizer, folder / "words");
}

TEST(Checkpoint, AFileWithoutAnExpertInItsNameIsToldByItsFolder) {
  const test::Folder folder;
  write_dit(folder / "HighNoise");
  write_dit(folder / "plain");
  EXPECT_EQ(open_checkpoint(folder / "HighNoise").dit->expert, Expert::high_noise);
  EXPECT_EQ(open_checkpoint(folder / "plain").dit->expert, Expert::only);
}

TEST(Checkpoint, NothingFoundIsAnError) {
  const test::Folder folder;
  EXPECT_TRUE(contains(refused(folder.path()), "holds no part of a Wan model"));
  folder.write("notes.safetensors", test::safetensors("{}", ""));
  EXPECT_TRUE(contains(refused(folder.path()), "notes.safetensors"));
  EXPECT_TRUE(contains(refused(folder / "absent"), "absent"));
}

TEST(Checkpoint, ABrokenFileIsNeverPassedOver) {
  const test::Folder folder;
  write_official(folder);
  folder.write("other.safetensors", "broken");
  EXPECT_TRUE(contains(refused(folder.path()), "other.safetensors"));
}

TEST(Checkpoint, TheConfigMustAgreeWithTheWeights) {
  const std::pair<const char*, const char*> changes[] = {
      {R"("dim": 32)", R"("dim": 64)"},
      {R"("num_heads": 4)", R"("num_heads": 5)"},
      {R"("num_heads": 4)", R"("num_heads": 0)"},
      {R"("num_heads": 4)", R"("num_heads": "4")"},
      {R"("in_dim": 16)", R"("in_dim": 36)"},
      {R"("ffn_dim": 8)", R"("ffn_dim": -8)"}};
  for (const auto& [is, becomes] : changes) {
    const test::Folder folder;
    write_dit(folder.path());
    replace(folder / "config.json", is, becomes);
    const std::string_view key = std::string_view(is).substr(1, std::string_view(is).find(':') - 2);
    EXPECT_TRUE(contains(refused(folder.path()), base::text("config.json: ", key, " is")))
        << refused(folder.path());
  }
}

TEST(Checkpoint, ALayerTooFewOrTooManyIsNamed) {
  const test::Folder folder;
  write_dit(folder.path());
  replace(folder / "config.json", R"("num_layers": 2)", R"("num_layers": 3)");
  EXPECT_TRUE(contains(refused(folder.path()), "no blocks.2"));
  replace(folder / "config.json", R"("num_layers": 3)", R"("num_layers": 1)");
  EXPECT_TRUE(contains(refused(folder.path()), "blocks.1 is left over"));
}

TEST(Checkpoint, WithoutAConfigTheHeadsAre128Wide) {
  const test::Folder folder;
  write_network(folder.path(), kDitStem, kDit);
  EXPECT_TRUE(contains(refused(folder.path()), "no config.json says num_heads"));
}

TEST(Checkpoint, OddChannelsAreRefused) {
  const test::Folder folder;
  auto control = kDit;
  control.in_dim = 48;
  write_dit(folder.path(), control);
  EXPECT_TRUE(contains(refused(folder.path()), "48 input channels"));
}

TEST(Checkpoint, NamesTheModelsThatFit) {
  const test::Folder folder;
  const auto& tiny = *specs::find_model("wan2.1-t2v-tiny");
  write_dit(folder / "one", tiny.dit);
  EXPECT_EQ(matching_models(open_checkpoint(folder / "one")).at(0)->name, "wan2.1-t2v-tiny");
  write_dit(folder / "two/high_noise_model", tiny.dit);
  write_dit(folder / "two/low_noise_model", tiny.dit);
  const auto matching = matching_models(open_checkpoint(folder / "two"));
  ASSERT_EQ(matching.size(), 1u);
  EXPECT_EQ(matching[0]->name, "wan2.2-t2v-tiny");
  write_dit(folder / "strange");
  EXPECT_TRUE(matching_models(open_checkpoint(folder / "strange")).empty());
}

TEST(Checkpoint, APairOfExpertsRunsAsAPairAndOneOfThemDoesNot) {
  const test::Folder folder;
  const auto& tiny = *specs::find_model("wan2.2-t2v-tiny");
  write_dit(folder / "high_noise_model", tiny.dit);
  const auto one = runnable_models(open_checkpoint(folder.path()));
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0]->name, "wan2.1-t2v-tiny");
  write_dit(folder / "low_noise_model", tiny.dit);
  EXPECT_EQ(runnable_models(open_checkpoint(folder.path())).at(0)->name, tiny.name);
}

TEST(Checkpoint, NamesThePartsThatAreMissing) {
  const test::Folder folder;
  write_official(folder);
  EXPECT_TRUE(missing_parts(open_checkpoint(folder.path())).empty());
  std::filesystem::remove_all(folder / "google");
  EXPECT_EQ(missing_parts(open_checkpoint(folder.path())),
            std::vector<std::string_view>{"the tokenizer"});
  write_dit(folder / "alone");
  EXPECT_EQ(base::join(missing_parts(open_checkpoint(folder / "alone")), ", "),
            "the text encoder, the VAE, the tokenizer");
}

TEST(Checkpoint, EveryDamagedFolderIsReadOrRefused) {
  const test::Folder folder;
  const specs::Umt5Spec small = {
      .vocab = 2, .dim = 1, .dim_attn = 1, .dim_ffn = 1, .num_heads = 1, .num_layers = 1};
  write_network(folder.path(), "t", small);
  const auto whole = base::read_file(folder / "t.safetensors", 1 << 20);
  test::damage(whole, 3000, [&](const std::string& damaged) {
    open_checkpoint(folder.write("t.safetensors", damaged));
  });
}

}  // namespace
