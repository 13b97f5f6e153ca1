// SPDX-License-Identifier: Apache-2.0
#include "toyworld/batch.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include "toyworld/prompts.h"
#include "toyworld/render.h"
#include "toyworld/tokens.h"

namespace toyworld {
namespace {

constexpr double kUnconditional = 0.1;
constexpr double kDense = 0.25;

// Where objects turn, or move in two directions, a token has the most different pictures to learn:
// training sees such motions more often than the rest.
double share_of(Motion motion) {
  switch (motion) {
    case Motion::orbit:
      return 4;
    case Motion::spin:
      return 3;
    case Motion::bounce:
      return 2;
    default:
      return 1;
  }
}

Concept concept_to_learn(Random& random) {
  while (true) {
    const Concept drawn = sample_concept(random, Split::training);
    if (random.chance(share_of(drawn.motion) / share_of(Motion::orbit))) return drawn;
  }
}

// Calls fill(item) for every item of a batch, on all threads.
template <typename Fill>
void for_each_item(int64_t batch, const Fill& fill) {
  at::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) fill(i);
  });
}

}  // namespace

Tokens Tokens::to(torch::Device device) const {
  return {ids_BL.to(device), mask_BL.to(device), lengths};
}

Tokens tokenise(const std::vector<std::string>& prompts) {
  std::vector<std::vector<int64_t>> rows;
  size_t longest = 0;
  for (const auto& prompt : prompts) {
    rows.push_back(encode(prompt));
    longest = std::max(longest, rows.back().size());
  }
  Tokens tokens;
  const auto batch = static_cast<int64_t>(rows.size()), length = static_cast<int64_t>(longest);
  tokens.ids_BL = torch::full({batch, length}, kPadId, torch::kInt64);
  tokens.mask_BL = torch::zeros({batch, length}, torch::kBool);
  for (int64_t b = 0; b < batch; ++b) {
    const auto& row = rows[static_cast<size_t>(b)];
    const auto count = static_cast<int64_t>(row.size());
    tokens.lengths.push_back(count);
    tokens.ids_BL[b].narrow(0, 0, count).copy_(torch::tensor(row, torch::kInt64));
    tokens.mask_BL[b].narrow(0, 0, count).fill_(true);
  }
  return tokens;
}

Random random_for(uint64_t seed, Data data, int64_t step, int64_t batch, int64_t item) {
  return {seed, static_cast<uint64_t>(data), static_cast<uint64_t>(step * batch + item)};
}

Captioned draw_captioned(uint64_t seed, int64_t step, int64_t batch, int frames) {
  Captioned drawn;
  const auto size = static_cast<size_t>(batch);
  std::vector<Tensor> clips(size);
  std::vector<Places> places(size);
  drawn.concepts.resize(size);
  drawn.prompts.resize(size);
  const Data data = frames == 1 ? Data::images : Data::clips;
  for_each_item(batch, [&](int64_t i) {
    Random random = random_for(seed, data, step, batch, i);
    const auto at = static_cast<size_t>(i);
    drawn.concepts[at] = concept_to_learn(random);
    const Scene scene = make_scene(drawn.concepts[at], frames, random);
    clips[at] = render(scene, frames);
    places[at] = places_of(scene, frames);
    drawn.prompts[at] = random.chance(kUnconditional) ? random_unconditional(random)
                                                      : random_prompt(drawn.concepts[at], random);
  });
  drawn.clips_BCFHW = torch::stack(clips);
  drawn.places = stack(places);
  return drawn;
}

Tensor draw_clips(uint64_t seed, int64_t step, int64_t batch, int frames) {
  std::vector<Tensor> clips(static_cast<size_t>(batch));
  for_each_item(batch, [&](int64_t i) {
    Random random = random_for(seed, Data::autoencoder, step, batch, i);
    const Scene scene = random.chance(kDense)
                            ? make_dense_scene(frames, random)
                            : make_scene(sample_concept(random, Split::training), frames, random);
    clips[static_cast<size_t>(i)] = render(scene, frames);
  });
  return torch::stack(clips);
}

Sentences draw_sentences(uint64_t seed, int64_t step, int64_t batch) {
  Sentences drawn;
  for (int64_t i = 0; i < batch; ++i) {
    Random random = random_for(seed, Data::text, step, batch, i);
    drawn.concepts.push_back(sample_concept(random, Split::training));
    drawn.is_prompt.push_back(!random.chance(kUnconditional));
    drawn.prompts.push_back(drawn.is_prompt.back() ? random_prompt(drawn.concepts.back(), random)
                                                   : random_unconditional(random));
  }
  return drawn;
}

}  // namespace toyworld
