// SPDX-License-Identifier: Apache-2.0
#include "kernels/parallel.h"

#include <ATen/Parallel.h>

#ifndef _OPENMP
#error "at::parallel_for would be serial here: compile this file with -fopenmp"
#endif

namespace kernels {

void parallel_for(int64_t count,
                  int64_t grain,
                  const std::function<void(int64_t begin, int64_t end)>& range) {
  at::parallel_for(0, count, grain, range);
}

}  // namespace kernels
