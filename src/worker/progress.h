// SPDX-License-Identifier: Apache-2.0
// How far a video is, as one number and the time that is left.
#pragma once

#include <cstdint>
#include <map>

#include "pipelines/progress.h"
#include "worker/server.h"

namespace worker {

class ProgressEstimate {
 public:
  // What the pipeline reports, at a time in milliseconds that does not jump. The percentage never
  // goes back.
  Progress at(pipelines::Phase phase, int done, int total, int64_t now);

  // Milliseconds that went into each phase so far.
  const std::map<pipelines::Phase, int64_t>& phases() const { return phases_; }
  int denoising_steps() const { return denoising_steps_; }

 private:
  int64_t last_ = 0;
  int64_t spent_ = 0;  // in this phase, without what was loaded meanwhile
  double percent_ = 0;
  std::map<pipelines::Phase, int64_t> phases_;
  int denoising_steps_ = 0;
};

}  // namespace worker
