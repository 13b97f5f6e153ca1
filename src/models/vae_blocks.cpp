// SPDX-License-Identifier: Apache-2.0
#include "models/vae_blocks.h"

#include <torch/types.h>

#include "kernels/convolution.h"
#include "kernels/ops.h"

namespace models {
namespace {

// Two-dimensional work treats frames as a batch. In the channels-last layout both are views.
Tensor frames_as_batch(const Tensor& x_BCFHW) {
  return x_BCFHW.transpose(1, 2).flatten(0, 1);
}

Tensor batch_as_frames(const Tensor& x_NCHW, int64_t batch) {
  return x_NCHW.unflatten(0, {batch, -1}).transpose(1, 2);
}

// The two halves of the channels become two frames in place of one.
Tensor halves_to_frames(const Tensor& x_BCFHW) {
  const auto x_BSCFHW = x_BCFHW.unflatten(1, {2, -1});
  return x_BSCFHW.permute({0, 2, 3, 1, 4, 5}).flatten(2, 3);
}

}  // namespace

Kernel::Kernel(Weights from, std::string_view name, std::initializer_list<int64_t> shape) {
  auto w = from.in(name);
  weight = w.matrix("weight", shape);
  bias = w.matrix("bias", {*shape.begin()});
}

Tensor CausalConv3d::operator()(const Tensor& x_BCFHW,
                                Stream& stream,
                                const Tensor& add_BCFHW) const {
  const auto history = weight.size(2) - 1;
  if (weight.size(3) == 3) {
    const auto before_BCFHW = stream.before(this);
    stream.remember(this, x_BCFHW, history);
    return kernels::convolve({.before_BCFHW = before_BCFHW,
                              .x_BCFHW = x_BCFHW,
                              .weight_OCTHW = weight,
                              .bias_O = bias,
                              .add_BOFHW = add_BCFHW},
                             stream.scratch);
  }
  const auto input_BCFHW = history > 0 ? stream.join(this, x_BCFHW, history) : x_BCFHW;
  const auto y_BCFHW = kernels::conv3d(input_BCFHW, weight, bias);
  return add_BCFHW.defined() ? y_BCFHW + add_BCFHW : y_BCFHW;
}

ResidualBlock::ResidualBlock(Weights from, int64_t in, int64_t out)
    : norm1(from.fp32("residual.0.gamma", {in, 1, 1, 1})),
      norm2(from.fp32("residual.3.gamma", {out, 1, 1, 1})),
      conv1(from, "residual.2", {out, in, 3, 3, 3}),
      conv2(from, "residual.6", {out, out, 3, 3, 3}) {
  if (in != out) shortcut = CausalConv3d(from, "shortcut", {out, in, 1, 1, 1});
}

Tensor ResidualBlock::operator()(const Tensor& x_BCFHW, Stream& stream) const {
  auto y_BCFHW = conv1(kernels::rms_silu(x_BCFHW, norm1), stream);
  y_BCFHW = kernels::rms_silu(y_BCFHW, norm2);
  return conv2(y_BCFHW, stream, shortcut ? (*shortcut)(x_BCFHW, stream) : x_BCFHW);
}

AttentionBlock::AttentionBlock(Weights from, int64_t dim)
    : norm(from.fp32("norm.gamma", {dim, 1, 1})),
      to_qkv(from, "to_qkv", {3 * dim, dim, 1, 1}),
      proj(from, "proj", {dim, dim, 1, 1}) {}

Tensor AttentionBlock::operator()(const Tensor& x_BCFHW) const {
  const auto x_NCHW = frames_as_batch(x_BCFHW);
  const auto y_NLC = kernels::rms_channels(x_NCHW, norm).flatten(2).transpose(1, 2);
  const auto qkv_NLC = kernels::linear(y_NLC, to_qkv.weight.flatten(1), to_qkv.bias);
  const auto qkv = qkv_NLC.unsqueeze(2).chunk(3, -1);
  const auto mixed_NLC = kernels::attention(qkv[0], qkv[1], qkv[2]).squeeze(2);
  const auto out_NLC = kernels::linear(mixed_NLC, proj.weight.flatten(1), proj.bias);
  const auto out_NCHW = out_NLC.transpose(1, 2).unflatten(2, x_NCHW.sizes().slice(2));
  return x_BCFHW + batch_as_frames(out_NCHW, x_BCFHW.size(0));
}

Downsample::Downsample(Weights from, int64_t dim, Axes axes)
    : resample(from, "resample.1", {dim, dim, 3, 3}) {
  if (axes == Axes::space_and_time) {
    time_conv = Kernel(from, "time_conv", {dim, dim, 3, 1, 1});
  }
}

Tensor Downsample::operator()(const Tensor& x_BCFHW, Stream& stream) const {
  // One zero column on the right and one zero row below, nothing on the other sides.
  const auto padded_NCHW = torch::constant_pad_nd(frames_as_batch(x_BCFHW), {0, 1, 0, 1});
  const auto half_NCHW = kernels::conv2d(padded_NCHW, resample.weight, resample.bias, /*stride=*/2);
  auto half_BCFHW = batch_as_frames(half_NCHW, x_BCFHW.size(0));
  if (!time_conv) return half_BCFHW;

  const auto joined_BCFHW = stream.join(this, half_BCFHW, 1);
  const auto pairs = [&](const Tensor& frames_BCFHW) {
    return kernels::conv3d(frames_BCFHW, time_conv->weight, time_conv->bias, {2, 1, 1});
  };
  if (!stream.first) return pairs(joined_BCFHW);
  // The video's frame 0 passes unchanged and is the history of the pair that follows it.
  if (half_BCFHW.size(2) == 1) return half_BCFHW;
  return torch::cat({half_BCFHW.slice(2, 0, 1), pairs(half_BCFHW)}, 2);
}

Upsample::Upsample(Weights from, int64_t in, int64_t out, Axes axes)
    : resample(from, "resample.1", {out, in, 3, 3}) {
  if (axes == Axes::space_and_time) {
    time_conv = CausalConv3d(from, "time_conv", {2 * in, in, 3, 1, 1});
  }
}

Tensor Upsample::operator()(const Tensor& x_BCFHW, Stream& stream) const {
  auto frames_BCFHW = x_BCFHW;
  if (time_conv) {
    // The video's frame 0 passes unchanged and is not in the history of the frames after it.
    const auto later_BCFHW = x_BCFHW.slice(2, stream.first ? 1 : 0);
    std::vector<Tensor> parts;
    if (stream.first) parts.push_back(x_BCFHW.slice(2, 0, 1));
    if (later_BCFHW.size(2) > 0)
      parts.push_back(halves_to_frames((*time_conv)(later_BCFHW, stream)));
    frames_BCFHW = torch::cat(parts, 2);
  }
  return kernels::convolve({.before_BCFHW = {},
                            .x_BCFHW = frames_BCFHW,
                            .weight_OCTHW = resample.weight.unsqueeze(2),
                            .bias_O = resample.bias,
                            .sampling = kernels::Sampling::twice},
                           stream.scratch);
}

Middle::Middle(Weights from, int64_t dim)
    : before(from.in("0"), dim, dim), attention(from.in("1"), dim), after(from.in("2"), dim, dim) {}

Tensor Middle::operator()(const Tensor& x_BCFHW, Stream& stream) const {
  return after(attention(before(x_BCFHW, stream)), stream);
}

Head::Head(Weights from, int64_t in, int64_t out)
    : norm(from.fp32("0.gamma", {in, 1, 1, 1})), conv(from, "2", {out, in, 3, 3, 3}) {}

Tensor Head::operator()(const Tensor& x_BCFHW, Stream& stream) const {
  return conv(kernels::rms_silu(x_BCFHW, norm), stream);
}

}  // namespace models
