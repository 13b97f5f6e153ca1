// SPDX-License-Identifier: Apache-2.0
// Loops over torch's own threads. at::parallel_for runs serially in every file that is compiled
// without OpenMP; parallel.cpp is the one compiled with it.
#pragma once

#include <cstdint>
#include <functional>

namespace kernels {

// Cuts 0 … count-1 into ranges, one per thread and none shorter than `grain` unless it is the last,
// and returns when all are done. An exception of a range is thrown here.
void parallel_for(int64_t count,
                  int64_t grain,
                  const std::function<void(int64_t begin, int64_t end)>& range);

}  // namespace kernels
