// SPDX-License-Identifier: Apache-2.0
#include "weights/installed.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "weights/checkpoint_writer.h"
#include "weights/test_files.h"

namespace {

using namespace weights;
using test::contains;
using test::refusal;

class Installed : public testing::Test {
 protected:
  template <typename Spec>
  void write_part(const std::string& name, std::string_view stem, const Spec& spec) {
    const auto tensors = test::network(spec, Dtype::f8_e4m3);
    write_shards(folder_ / name, stem, headers_of(tensors), source_of(tensors));
  }

  void write_transformer(const std::string& name) {
    write_part(name, kDitStem, tiny_.dit);
    write_config(folder_ / name, tiny_.dit);
  }

  void write_whole(const std::string& name) {
    write_transformer(name);
    write_part(name, kTextEncoderStem, tiny_.umt5);
    write_part(name, vae_stem(tiny_.vae.kind), tiny_.vae);
    folder_.write(name + "/google/umt5-xxl/tokenizer.json", "{}");
  }

  const specs::ModelSpec& tiny_ = *specs::find_model("wan2.1-t2v-tiny");
  test::Folder folder_;
  ModelFolders folders_{.own = folder_ / "own", .demo = folder_ / "demo"};
};

TEST_F(Installed, ListsTheFoldersThatHoldWeights) {
  EXPECT_TRUE(installed_models(folders_).empty());
  write_whole("demo/tiny");
  write_whole("own/mine");
  folder_.write("own/notes/README.md", "nothing here");
  const auto models = installed_models(folders_);
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "mine");
  EXPECT_EQ(models[0].specs.at(0)->name, "wan2.1-t2v-tiny");
  EXPECT_EQ(models[0].parts, (std::vector<std::string>{"dit", "text_encoder", "vae"}));
  EXPECT_EQ(models[0].problem, "");
  EXPECT_EQ(models[1].path, folder_ / "demo/tiny");
}

TEST_F(Installed, WhatIsStillBeingFetchedIsNoModel) {
  write_whole("own/.mine.0123456789ab.partial");
  EXPECT_TRUE(installed_models(folders_).empty());
}

TEST_F(Installed, ModelsAreListedBelowAnyFolder) {
  write_transformer("somewhere/b");
  write_transformer("somewhere/a");
  const auto models = models_in(folder_ / "somewhere");
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "a");
  EXPECT_TRUE(models_in(folder_ / "nowhere").empty());
}

TEST_F(Installed, SaysWhyABrokenModelCannotBeOpened) {
  folder_.write("own/broken/x.safetensors", "broken");
  const auto models = installed_models(folders_);
  ASSERT_EQ(models.size(), 1u);
  EXPECT_TRUE(contains(models[0].problem, "x.safetensors"));
}

TEST_F(Installed, SaysWhichPartsOfAModelAreMissing) {
  write_transformer("own/bare");
  write_whole("own/mute");
  std::filesystem::remove_all(folder_ / "own/mute/google");
  const auto models = installed_models(folders_);
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].problem,
            (folder_ / "own/bare").string() + ": has not the text encoder, the VAE, the tokenizer");
  EXPECT_EQ(models[0].specs.at(0)->name, tiny_.name);
  EXPECT_EQ(models[1].problem, (folder_ / "own/mute").string() + ": has not the tokenizer");
}

TEST_F(Installed, OnlyAWholeModelIsFoundByItsSpecification) {
  write_transformer("own/bare");
  EXPECT_TRUE(contains(refusal([&] { find_installed(tiny_.name, folders_); }),
                       "bare: has not the text encoder"));
  write_whole("own/whole");
  EXPECT_EQ(find_installed(tiny_.name, folders_), folder_ / "own/whole");
  EXPECT_EQ(find_installed("bare", folders_), folder_ / "own/bare");
}

TEST_F(Installed, AModelIsFoundByFolderBySpecificationAndByPath) {
  write_whole("own/mine");
  const auto path = folder_ / "own/mine";
  EXPECT_EQ(find_installed("mine", folders_), path);
  EXPECT_EQ(find_installed("wan2.1-t2v-tiny", folders_), path);
  EXPECT_EQ(find_installed(path.string(), folders_), path);
}

TEST_F(Installed, AnUnknownOrAmbiguousNameSaysWhatThereIs) {
  EXPECT_TRUE(contains(refusal([&] { find_installed("mine", folders_); }), "none at all"));
  write_whole("own/a");
  write_whole("own/b");
  EXPECT_TRUE(contains(refusal([&] { find_installed("mine", folders_); }), "there are: a, b"));
  EXPECT_TRUE(contains(refusal([&] { find_installed("wan2.1-t2v-tiny", folders_); }),
                       "several models are wan2.1-t2v-tiny"));
}

TEST_F(Installed, AReleasedModelThatIsNotThereComesWithTheCommandThatFetchesIt) {
  const auto& model = *specs::find_model("wan2.2-t2v-a14b");
  const std::string command = "zoetrope pull wan2.2-t2v-a14b";
  EXPECT_EQ(fetch_command(model), command);
  EXPECT_TRUE(contains(refusal([&] { find_installed(model.name, folders_); }),
                       "; it is 117.5 GiB to fetch: " + command));
  EXPECT_EQ(fetch_command(*specs::find_model("wan2.1-t2v-tiny")), "");
  EXPECT_FALSE(contains(refusal([&] { find_installed("mine", folders_); }), "fetch"));
}

TEST_F(Installed, TheEnvironmentNamesTheFolder) {
  const char* before = std::getenv("ZOETROPE_MODELS");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("ZOETROPE_MODELS", "/some/where", 1);
  EXPECT_EQ(model_folders().own, "/some/where");
  if (before == nullptr) {
    ::unsetenv("ZOETROPE_MODELS");
  } else {
    ::setenv("ZOETROPE_MODELS", kept.c_str(), 1);
  }
}

}  // namespace
