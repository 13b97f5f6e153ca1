// SPDX-License-Identifier: Apache-2.0
// Training data, drawn afresh for every step: scenes rendered, prompts written and tokenised.
// B batch, L tokens, C channels, F frames, H rows, W columns
#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

#include "toyworld/probes.h"
#include "toyworld/world.h"

namespace toyworld {

using torch::Tensor;

// Prompts as the text encoder takes them: padded on the right with zeros.
struct Tokens {
  Tensor ids_BL, mask_BL;  // int64, bool
  std::vector<int64_t> lengths;

  Tokens to(torch::Device device) const;
};

Tokens tokenise(const std::vector<std::string>& prompts);

enum class Data : uint64_t { text = 1, images = 2, clips = 3, autoencoder = 4, pca = 5, score = 6 };

// What is drawn for item `item` of step `step`: the same whoever asks, and whenever.
Random random_for(uint64_t seed, Data data, int64_t step, int64_t batch, int64_t item);

struct Captioned {
  Tensor clips_BCFHW;  // fp32 in -1..1, on the CPU
  std::vector<Concept> concepts;
  std::vector<std::string> prompts;  // a tenth of them stand for no prompt
  Places places;
};

// Scenes of the training split.
Captioned draw_captioned(uint64_t seed, int64_t step, int64_t batch, int frames);

// Scenes for the autoencoder: three quarters of the world, one quarter dense.
Tensor draw_clips(uint64_t seed, int64_t step, int64_t batch, int frames);

// Prompts of both kinds with their concepts; `is_prompt` is false where a text stands for none.
struct Sentences {
  std::vector<std::string> prompts;
  std::vector<Concept> concepts;
  std::vector<bool> is_prompt;
};
Sentences draw_sentences(uint64_t seed, int64_t step, int64_t batch);

}  // namespace toyworld
