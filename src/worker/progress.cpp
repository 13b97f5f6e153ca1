// SPDX-License-Identifier: Apache-2.0
#include "worker/progress.h"

#include <algorithm>

namespace worker {
namespace {

using pipelines::Phase;

// Where a phase begins and ends, in per cent of the whole: a text takes moments, a decoder a tenth
// of what the steps take. Loading counts for nothing, because it is done once for many videos.
struct Share {
  double begin = 0, end = 0;
};

Share share_of(Phase phase) {
  switch (phase) {
    case Phase::load:
      return {0, 0};
    case Phase::text:
      return {0, 2};
    case Phase::denoise:
      return {2, 90};
    case Phase::decode:
      return {90, 99};
  }
  return {};
}

// The time of what comes after a phase, in units of that phase's own.
double time_behind(Phase phase) {
  return phase == Phase::denoise ? (99 - share_of(phase).end) / share_of(phase).end : 0;
}

}  // namespace

Progress ProgressEstimate::at(Phase phase, int done, int total, int64_t now) {
  // The time since the last report went into the step that is reported.
  if (phase != Phase::load) spent_ = done == 0 ? 0 : spent_ + now - last_;
  if (done > 0) phases_[phase] += now - last_;
  if (phase == Phase::denoise) denoising_steps_ = total;
  last_ = now;

  const auto [begin, end] = share_of(phase);
  if (total > 0) percent_ = std::max(percent_, begin + (end - begin) * done / total);
  Progress progress{.phase = std::string(pipelines::name_of(phase)),
                    .step = done,
                    .steps = total,
                    .percent = percent_};
  if ((phase == Phase::denoise || phase == Phase::decode) && done > 0) {
    const double per_step = spent_ / 1000.0 / done;
    progress.eta_seconds = per_step * (total - done) + per_step * total * time_behind(phase);
  }
  return progress;
}

}  // namespace worker
