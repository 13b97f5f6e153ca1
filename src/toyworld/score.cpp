// SPDX-License-Identifier: Apache-2.0
#include "toyworld/score.h"

#include "base/text.h"
#include "toyworld/batch.h"

namespace toyworld {

void Score::add(const Adherence& adherence) {
  ++clips;
  colour += adherence.colour;
  shape += adherence.shape;
  background += adherence.background;
  motion += adherence.motion;
  all += adherence.all();
}

std::string Score::line() const {
  const auto percent = [&](int right) {
    return clips == 0 ? 0 : (200 * right + clips) / (2 * clips);
  };
  return base::text(clips,
                    " clips: colour ",
                    percent(colour),
                    " %, shape ",
                    percent(shape),
                    " %, background ",
                    percent(background),
                    " %, motion ",
                    percent(motion),
                    " %, all ",
                    percent(all),
                    " %");
}

std::vector<Concept> concepts_to_score(uint64_t seed, int count, Split split) {
  std::vector<Concept> concepts;
  for (int i = 0; i < count; ++i) {
    Random random = random_for(seed, Data::score, 0, count, i);
    concepts.push_back(sample_concept(random, split));
  }
  return concepts;
}

}  // namespace toyworld
