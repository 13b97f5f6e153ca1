// SPDX-License-Identifier: Apache-2.0
#include "models/vae_stream.h"

#include <torch/types.h>

namespace models {

namespace {

Tensor joined(const Tensor& before_BCFHW, const Tensor& x_BCFHW, int64_t frames) {
  if (before_BCFHW.defined()) return torch::cat({before_BCFHW, x_BCFHW}, 2);
  auto shape = x_BCFHW.sizes().vec();
  shape[2] = frames;
  // In the layout of x: torch::cat of two layouts would give a third, and every kernel after it the
  // slow one.
  const auto zeros_BCFHW =
      torch::empty(shape, x_BCFHW.options(), x_BCFHW.suggest_memory_format()).zero_();
  return torch::cat({zeros_BCFHW, x_BCFHW}, 2);
}

}  // namespace

Tensor Stream::join(const void* owner, const Tensor& x_BCFHW, int64_t frames) {
  auto joined_BCFHW = joined(before(owner), x_BCFHW, frames);
  remember(owner, joined_BCFHW, frames);
  return joined_BCFHW;
}

Tensor Stream::before(const void* owner) const {
  const auto found = history.find(owner);
  return found == history.end() ? Tensor() : found->second;
}

void Stream::remember(const void* owner, const Tensor& x_BCFHW, int64_t frames) {
  if (last) {
    history.erase(owner);
    return;
  }
  const auto size = x_BCFHW.size(2);
  const auto all_BCFHW = size < frames ? joined(before(owner), x_BCFHW, frames) : x_BCFHW;
  // A copy: a view would keep the whole chunk in memory.
  history[owner] =
      all_BCFHW.slice(2, all_BCFHW.size(2) - frames).clone(all_BCFHW.suggest_memory_format());
}

}  // namespace models
