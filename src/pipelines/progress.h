// SPDX-License-Identifier: Apache-2.0
// How a long computation tells where it is, and notices that nobody waits for it any more.
#pragma once

#include <functional>
#include <string_view>

namespace pipelines {

enum class Phase { load, text, denoise, decode };
std::string_view name_of(Phase phase);

// report(phase, done, total) is called with done = 0 when a phase starts and after every step of
// it; between two calls lies at most one evaluation of the network, one group of frames or the
// twentieth of a part that is loaded. Loading may come between two steps of another phase, when one
// expert takes the other's place. It may throw base::Cancelled, which ends the computation. total
// is 0 where it is not known.
struct Progress {
  std::function<void(Phase phase, int done, int total)> report = [](Phase, int, int) {};
};

}  // namespace pipelines
