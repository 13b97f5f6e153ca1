// SPDX-License-Identifier: Apache-2.0
// P place in a transformed tile, R rows of a product (tile by tile, frame by frame)
#include "kernels/convolution.h"

#include "kernels/cpu.h"
#include "kernels/gemm_loops.h"
#include "kernels/parallel.h"
#include "kernels/winograd_loops.h"

namespace kernels {
namespace {

using c10::BFloat16;
using winograd::kOut;
using winograd::kPlaces;

constexpr auto kChannelsLast = torch::MemoryFormat::ChannelsLast3d;

// Transformed inputs and products of one block of tiles stay in the last-level cache together.
constexpr int64_t kBlockFloats = 2 << 20;
// With fewer rows than this the weight would not pay for being read.
constexpr int64_t kLeastRows = 96;
// Panels that stay in the second-level cache while all rows of a block pass by.
constexpr int64_t kPanelFloats = 40 << 10;
// Places of a tile do not fall on the same line of the cache.
constexpr int64_t kSkew = 80;

// One sample of a convolution, in numbers.
struct Plan {
  explicit Plan(const Convolution& c)
      : twice(c.sampling == Sampling::twice),
        frames(c.x_BCFHW.size(2)),
        height(c.x_BCFHW.size(3) << twice),
        width(c.x_BCFHW.size(4) << twice),
        in(c.x_BCFHW.size(1)),
        out(c.weight_OCTHW.size(0)),
        taps(c.weight_OCTHW.size(2)),
        columns((width + kOut - 1) / kOut),
        tiles((height + kOut - 1) / kOut * columns),
        seen(frames + taps - 1),
        panels((out + kPanelColumns - 1) / kPanelColumns),
        depth(taps * in),
        weight_stride(panels * depth * kPanelColumns + kSkew) {
    const int64_t per_tile = kPlaces * (seen * in + frames * panels * kPanelColumns);
    const int64_t least = (kLeastRows + frames - 1) / frames;
    block_tiles = std::min(tiles, std::max(least, kBlockFloats / per_tile));
    input_stride = block_tiles * seen * in + kSkew;
    product_stride = whole_tiles(block_tiles * frames) * panels * kPanelColumns + kSkew;
  }

  winograd::Tile tile(int64_t i) const {
    return {.height = height, .width = width, .y = i / columns * kOut, .x = i % columns * kOut};
  }
  int64_t scratch_floats() const {
    return kPlaces * (weight_stride + input_stride + product_stride);
  }

  int twice;
  int64_t frames, height, width, in, out, taps;
  int64_t columns, tiles;
  int64_t seen;  // frames that are read
  int64_t panels, depth;
  int64_t weight_stride;  // of a place
  int64_t block_tiles = 0, input_stride = 0, product_stride = 0;
};

struct Buffers {
  float* weight;    // [P] panels
  float* input;     // [P, tile, frame, C]
  float* products;  // [P, tile, frame, O]
};

// A weight [O,C,T,3,3] whose pictures are whole.
template <typename T>
void transform_weights(const Plan& plan, const Tensor& weight_OCTHW, float* to) {
  const auto* weight = weight_OCTHW.const_data_ptr<T>();
  const int64_t next_out = weight_OCTHW.stride(0);
  const int64_t next_in = weight_OCTHW.stride(1);
  const int64_t next_tap = weight_OCTHW.stride(2);
  parallel_for(plan.panels * plan.in, 32, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t panel = i / plan.in;
      const int64_t c = i % plan.in;
      const int64_t first = panel * kPanelColumns;
      for (int64_t tap = 0; tap < plan.taps; ++tap) {
        winograd::transform_weight(weight + first * next_out + c * next_in + tap * next_tap,
                                   next_out,
                                   std::min(kPanelColumns, plan.out - first),
                                   to + (panel * plan.depth + tap * plan.in + c) * kPanelColumns,
                                   plan.weight_stride);
      }
    }
  });
}

// Tiles begin … end-1 of all frames that are seen. pictures[f] is null for a frame of zeros.
template <typename T>
void transform_inputs(const Plan& plan,
                      const std::vector<const T*>& pictures,
                      int64_t first_tile,
                      int64_t tiles,
                      float* to) {
  parallel_for(tiles, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t f = 0; f < plan.seen; ++f) {
        winograd::transform_input(pictures[f],
                                  plan.tile(first_tile + i),
                                  plan.twice,
                                  plan.in,
                                  to + (i * plan.seen + f) * plan.in,
                                  plan.input_stride);
      }
    }
  });
}

// Frame f of a tile is followed by frame f+1, so that the frames a kernel sees are one row.
void multiply(const Plan& plan, int64_t tiles, const Buffers& buffers) {
  const int64_t panel_floats = plan.depth * kPanelColumns;
  const int64_t together = std::clamp<int64_t>(kPanelFloats / panel_floats, 1, plan.panels);
  const int64_t groups = (plan.panels + together - 1) / together;
  parallel_for(kPlaces * groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t place = i / groups;
      const int64_t panel = i % groups * together;
      multiply_panels({.x = buffers.input + place * plan.input_stride,
                       .rows = tiles * plan.frames,
                       .group = plan.frames,
                       .group_stride = plan.seen * plan.in,
                       .row_stride = plan.in,
                       .panels = buffers.weight + place * plan.weight_stride + panel * panel_floats,
                       .panel_count = std::min(together, plan.panels - panel),
                       .depth = plan.depth,
                       .y = buffers.products + place * plan.product_stride + panel * kPanelColumns,
                       .y_stride = plan.panels * kPanelColumns,
                       .add = false});
    }
  });
}

template <typename T>
void transform_outputs(const Plan& plan,
                       int64_t first_tile,
                       int64_t tiles,
                       const winograd::Output<T>& sample) {
  const int64_t picture = plan.height * plan.width * plan.out;
  parallel_for(tiles, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t f = 0; f < plan.frames; ++f) {
        auto output = sample;
        output.products += (i * plan.frames + f) * plan.panels * kPanelColumns;
        output.picture += f * picture;
        if (output.add != nullptr) output.add += f * picture;
        winograd::transform_output(output, plan.tile(first_tile + i));
      }
    }
  });
}

// Where the frames of a sample begin; x and before are channels last.
template <typename T>
std::vector<const T*> find_pictures(const Convolution& c, int64_t sample) {
  std::vector<const T*> pictures;
  const auto append = [&](const Tensor& from_BCFHW) {
    const int64_t frames = from_BCFHW.size(2);
    const int64_t picture = from_BCFHW[0].numel() / frames;
    for (int64_t f = 0; f < frames; ++f) {
      pictures.push_back(from_BCFHW.const_data_ptr<T>() + (sample * frames + f) * picture);
    }
  };
  if (c.before_BCFHW.defined()) {
    append(c.before_BCFHW);
  } else {
    pictures.resize(c.weight_OCTHW.size(2) - 1);
  }
  append(c.x_BCFHW);
  return pictures;
}

template <typename T>
void convolve_sample(const Plan& plan,
                     const Convolution& c,
                     const Buffers& buffers,
                     const float* bias,
                     int64_t sample,
                     const Tensor& y_BOFHW) {
  const auto pictures = find_pictures<T>(c, sample);
  const int64_t offset = sample * y_BOFHW[0].numel();
  const winograd::Output<T> output{
      .products = buffers.products,
      .stride = plan.product_stride,
      .bias = bias,
      .add = c.add_BOFHW.defined() ? c.add_BOFHW.const_data_ptr<T>() + offset : nullptr,
      .picture = y_BOFHW.mutable_data_ptr<T>() + offset,
      .channels = plan.out};
  for (int64_t first = 0; first < plan.tiles; first += plan.block_tiles) {
    const int64_t tiles = std::min(plan.block_tiles, plan.tiles - first);
    transform_inputs(plan, pictures, first, tiles, buffers.input);
    multiply(plan, tiles, buffers);
    transform_outputs(plan, first, tiles, output);
  }
}

template <typename T>
Tensor convolve_winograd(const Convolution& c, Tensor& scratch) {
  const Plan plan(c);
  const auto& x = c.x_BCFHW;
  const auto fp32 = x.options().dtype(torch::kFloat32);
  if (!scratch.defined() || scratch.numel() < plan.scratch_floats()) {
    scratch.reset();
    scratch = torch::empty({plan.scratch_floats()}, fp32);
  }
  auto* floats = scratch.mutable_data_ptr<float>();
  const Buffers buffers{.weight = floats,
                        .input = floats + kPlaces * plan.weight_stride,
                        .products = floats + kPlaces * (plan.weight_stride + plan.input_stride)};
  auto bias = torch::zeros({plan.panels * kPanelColumns}, fp32);
  bias.narrow(0, 0, plan.out).copy_(c.bias_O);
  auto y_BOFHW = torch::empty({x.size(0), plan.out, plan.frames, plan.height, plan.width},
                              x.options().memory_format(kChannelsLast));

  transform_weights<T>(plan, c.weight_OCTHW, buffers.weight);
  for (int64_t sample = 0; sample < x.size(0); ++sample) {
    convolve_sample<T>(plan, c, buffers, bias.const_data_ptr<float>(), sample, y_BOFHW);
  }
  return y_BOFHW;
}

// fp32 always: a quarter of the products outweighs wider registers. bf16 only where the library
// would have to multiply it without instructions.
bool is_fast(const Convolution& c) {
  const auto type = c.x_BCFHW.scalar_type();
  const bool known = type == torch::kFloat32 || is_slow_bf16({c.x_BCFHW});
  const auto& add = c.add_BOFHW.defined() ? c.add_BOFHW : c.x_BCFHW;
  const auto& before = c.before_BCFHW.defined() ? c.before_BCFHW : c.x_BCFHW;
  return known && has_gemm_loops() && c.x_BCFHW.size(1) % 8 == 0 &&
         c.weight_OCTHW.scalar_type() == type && add.scalar_type() == type &&
         before.scalar_type() == type &&
         is_fast_on_cpu({c.x_BCFHW, c.weight_OCTHW, c.bias_O, add, before});
}

Tensor fp32(const Tensor& x) {
  return x.to(torch::kFloat32);
}

// The plain form where frames are independent: they become a batch of pictures, in the
// channels-last layout a view.
Tensor convolve_pictures(const Convolution& c) {
  auto x_NCHW = c.x_BCFHW.transpose(1, 2).flatten(0, 1);
  if (c.sampling == Sampling::twice) {
    x_NCHW = at::upsample_nearest2d(x_NCHW, {x_NCHW.size(2) * 2, x_NCHW.size(3) * 2});
  }
  const auto y_NOHW = conv2d(x_NCHW, c.weight_OCTHW.squeeze(2), c.bias_O, 1, 1);
  return y_NOHW.unflatten(0, {c.x_BCFHW.size(0), -1}).transpose(1, 2);
}

}  // namespace

Tensor convolve_reference(const Convolution& c) {
  const int64_t history = c.weight_OCTHW.size(2) - 1;
  Tensor y_BOFHW;
  if (c.sampling == Sampling::twice || history == 0) {
    y_BOFHW = convolve_pictures(c);
  } else {
    auto shape = c.x_BCFHW.sizes().vec();
    shape[2] = history;
    const auto layout = c.x_BCFHW.suggest_memory_format();  // or torch::cat would give another
    const auto before_BCFHW = c.before_BCFHW.defined()
                                  ? c.before_BCFHW
                                  : torch::empty(shape, c.x_BCFHW.options(), layout).zero_();
    y_BOFHW =
        conv3d(torch::cat({before_BCFHW, c.x_BCFHW}, 2), c.weight_OCTHW, c.bias_O, 1, {0, 1, 1});
  }
  return c.add_BOFHW.defined() ? y_BOFHW + c.add_BOFHW : y_BOFHW;
}

Tensor convolve(const Convolution& given, Tensor& scratch) {
  if (!is_fast(given)) return convolve_reference(given);
  auto c = given;
  c.x_BCFHW = c.x_BCFHW.contiguous(kChannelsLast);
  if (c.before_BCFHW.defined()) c.before_BCFHW = c.before_BCFHW.contiguous(kChannelsLast);
  if (c.add_BOFHW.defined()) c.add_BOFHW = c.add_BOFHW.contiguous(kChannelsLast);
  c.weight_OCTHW = c.weight_OCTHW.contiguous();
  // A single frame with nothing but zeros before it.
  if (!c.before_BCFHW.defined() && c.x_BCFHW.size(2) == 1) {
    c.weight_OCTHW = c.weight_OCTHW.narrow(2, c.weight_OCTHW.size(2) - 1, 1);
  }
  return c.x_BCFHW.scalar_type() == torch::kFloat32 ? convolve_winograd<float>(c, scratch)
                                                    : convolve_winograd<BFloat16>(c, scratch);
}

Tensor conv3d(const Tensor& x_BCFHW,
              const Tensor& weight_OCTHW,
              const Tensor& bias_O,
              torch::IntArrayRef stride,
              torch::IntArrayRef padding) {
  if (!is_slow_bf16({x_BCFHW, weight_OCTHW})) {
    return torch::conv3d(x_BCFHW, weight_OCTHW, bias_O, stride, padding);
  }
  return torch::conv3d(fp32(x_BCFHW), fp32(weight_OCTHW), fp32(bias_O), stride, padding)
      .to(torch::kBFloat16);
}

Tensor conv2d(const Tensor& x_NCHW,
              const Tensor& weight_OCHW,
              const Tensor& bias_O,
              torch::IntArrayRef stride,
              torch::IntArrayRef padding) {
  if (!is_slow_bf16({x_NCHW, weight_OCHW})) {
    return torch::conv2d(x_NCHW, weight_OCHW, bias_O, stride, padding);
  }
  return torch::conv2d(fp32(x_NCHW), fp32(weight_OCHW), fp32(bias_O), stride, padding)
      .to(torch::kBFloat16);
}

}  // namespace kernels
