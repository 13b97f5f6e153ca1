// SPDX-License-Identifier: Apache-2.0
#include "toyworld/release.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"
#include "pipelines/open_model.h"
#include "toyworld/networks.h"
#include "toyworld/state.h"
#include "weights/test_files.h"

namespace {

using namespace toyworld;
namespace fs = std::filesystem;

class Release : public testing::Test {
 protected:
  Release() {
    save_tensors(at("dit"), new_dit(single.dit));
    save_tensors(at("text"), new_umt5(single.umt5));
    save_tensors(at("vae"), new_vae(single.vae));
  }
  fs::path at(const char* name) const { return folder / name; }

  const specs::ModelSpec& single = *specs::find_model("wan2.1-t2v-tiny");
  const specs::ModelSpec& pair = *specs::find_model("wan2.2-t2v-tiny");
  weights::test::Folder folder;
};

TEST_F(Release, LinksWhatAnotherOneHasAlready) {
  write_release(at("single"), single, {.text = at("text"), .vae = at("vae"), .dit = at("dit")});
  write_release(at("pair"), pair, {.share = at("single"), .dit = at("dit"), .high = at("dit")});
  EXPECT_TRUE(fs::is_symlink(at("pair") / "Wan2.1_VAE.safetensors"));
  fs::rename(at("pair"), at("moved"));
  EXPECT_EQ(pipelines::open_model(at("moved"))->spec.name, pair.name);
  EXPECT_EQ(pipelines::open_model(at("single"))->spec.name, single.name);
}

TEST_F(Release, RefusesWhatDoesNotFit) {
  EXPECT_THROW(
      write_release(at("x"), single, {.text = at("vae"), .vae = at("vae"), .dit = at("dit")}),
      base::Error);
  EXPECT_THROW(
      write_release(at("x"), pair, {.text = at("text"), .vae = at("vae"), .dit = at("dit")}),
      base::Error);  // no high-noise expert
  EXPECT_THROW(write_release(at("x"), single, {.share = at("nowhere"), .dit = at("dit")}),
               base::Error);
}

}  // namespace
