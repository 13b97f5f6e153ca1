// SPDX-License-Identifier: Apache-2.0
#include "models/vae_stream.h"

#include <torch/types.h>

namespace models {

Tensor Stream::join(const void* owner, const Tensor& x_BCFHW, int64_t frames) {
  Tensor& before_BCFHW = history[owner];
  if (!before_BCFHW.defined()) {
    auto shape = x_BCFHW.sizes().vec();
    shape[2] = frames;
    before_BCFHW = torch::zeros(shape, x_BCFHW.options());
  }
  const auto joined_BCFHW = torch::cat({before_BCFHW, x_BCFHW}, 2);
  if (last) {
    before_BCFHW.reset();
  } else {
    // A copy: a view would keep the whole chunk in memory.
    const auto size = joined_BCFHW.size(2);
    before_BCFHW = joined_BCFHW.slice(2, size - frames).clone();
  }
  return joined_BCFHW;
}

}  // namespace models
