// SPDX-License-Identifier: Apache-2.0
// From the stages' weights to folders in the official layout, in bf16: what users install.
#pragma once

#include <filesystem>

#include "specs/specs.h"

namespace toyworld {

// Weights files of the stages (Run's weights_file).
struct Trained {
  std::filesystem::path text, vae;
  // Another release with the same text encoder and VAE, which are linked to and not written again;
  // text and vae are empty then.
  std::filesystem::path share;
  std::filesystem::path dit;   // the only network, or the low-noise expert
  std::filesystem::path high;  // the high-noise expert; empty where the model has none
};

// Writes `folder`. Throws Error(invalid) where a file lacks a tensor of the model's networks, has
// another shape of it or one too many, or where an expert is missing or not wanted.
void write_release(const std::filesystem::path& folder,
                   const specs::ModelSpec& model,
                   const Trained& trained);

}  // namespace toyworld
