// SPDX-License-Identifier: Apache-2.0
#include "models/vae22.h"

#include <torch/types.h>

namespace models {

Tensor patchify(const Tensor& x_BCFHW) {
  const auto x_BCFHPWQ = x_BCFHW.unflatten(3, {-1, 2}).unflatten(5, {-1, 2});
  return x_BCFHPWQ.permute({0, 1, 6, 4, 2, 3, 5}).flatten(1, 3);
}

Tensor unpatchify(const Tensor& x_BCFHW) {
  const auto x_BCQPFHW = x_BCFHW.unflatten(1, {-1, 2, 2});
  return x_BCQPFHW.permute({0, 1, 4, 5, 3, 6, 2}).flatten(3, 4).flatten(4, 5);
}

Tensor average_down(const Tensor& x_BCFHW, int64_t out, int64_t time, int64_t space) {
  const auto missing = (time - x_BCFHW.size(2) % time) % time;
  const auto x = missing > 0 ? torch::constant_pad_nd(x_BCFHW, {0, 0, 0, 0, missing, 0}) : x_BCFHW;
  // P, Q, R: the place inside a block of frames, rows and columns.
  const auto x_BCFPHQWR =
      x.unflatten(2, {-1, time}).unflatten(4, {-1, space}).unflatten(6, {-1, space});
  const auto folded_BCFHW = x_BCFPHQWR.permute({0, 1, 3, 5, 7, 2, 4, 6}).flatten(1, 4);
  return folded_BCFHW.unflatten(1, {out, -1}).mean(2);
}

Tensor duplicate_up(
    const Tensor& x_BCFHW, int64_t out, int64_t time, int64_t space, const Stream& stream) {
  const auto repeats = out * time * space * space / x_BCFHW.size(1);
  const auto repeated_BCFHW = x_BCFHW.repeat_interleave(repeats, 1);
  const auto x_BCPQRFHW = repeated_BCFHW.unflatten(1, {out, time, space, space});
  const auto up_BCFHW =
      x_BCPQRFHW.permute({0, 1, 5, 2, 6, 3, 7, 4}).flatten(2, 3).flatten(3, 4).flatten(4, 5);
  return stream.first ? up_BCFHW.slice(2, time - 1) : up_BCFHW;
}

}  // namespace models
