// SPDX-License-Identifier: Apache-2.0
// B batch, L tokens, S text rows, D width, E width of the feed-forward, N heads, H width of a head
#include "bench/operations.h"

#include <torch/types.h>

#include "kernels/ops.h"
#include "specs/cost.h"

namespace bench {
namespace {

using torch::Tensor;

constexpr int kCalls = 5;  // behind each other, so that starting one is hidden by the one before
constexpr double kEps = 1e-6;

// Times the operations as they are handed in.
class Stopwatch {
 public:
  explicit Stopwatch(const Setting& setting) : setting_(setting) {}

  // `run` happens `per_block` times in each block; it does `flops` and moves at least `bytes`.
  void time(const char* name,
            int per_block,
            double flops,
            double bytes,
            const std::function<void()>& run) {
    const auto timing = measure(setting_.placement.device, setting_.repeats, [&] {
      for (int i = 0; i < kCalls; ++i) run();
    });
    const int64_t count = int64_t{per_block} * setting_.model.dit.num_layers;
    operations.push_back({name, count, timing.median() / kCalls, flops, bytes});
  }

  std::vector<Operation> operations;

 private:
  const Setting& setting_;
};

// The tensors that blocks hand to each other.
struct Inputs {
  explicit Inputs(const Setting& setting) : spec(setting.model.dit) {
    const auto fp32 = torch::TensorOptions().device(setting.placement.device);
    const auto half = fp32.dtype(setting.placement.matrices);
    const auto shape = specs::latent_shape(setting.model.vae, setting.size, setting.frames);
    tokens = specs::token_count(shape);
    x_BLD = torch::randn({1, tokens, spec.dim}, fp32);
    y_BLD = torch::randn({1, tokens, spec.dim}, half);
    row_1D = torch::randn({1, spec.dim}, fp32);
    rows.index_BT = torch::zeros({1, 1}, fp32.dtype(torch::kInt64));
    rope = kernels::rope_3d(
        shape.frames, shape.height / 2, shape.width / 2, spec.head_dim(), fp32.device());
    text_BSNH = torch::randn({1, spec.text_len, spec.num_heads, spec.head_dim()}, half);
    options = half;
  }

  const specs::DitSpec& spec;
  int64_t tokens = 0;
  Tensor x_BLD, y_BLD, row_1D, text_BSNH;
  kernels::TokenRows rows;
  kernels::Rope rope;
  torch::TensorOptions options;
};

void time_linear(
    Stopwatch& watch, const Inputs& in, const char* name, int per_block, int64_t from, int64_t to) {
  const auto x_BLD = torch::randn({1, in.tokens, from}, in.options);
  const auto weight = torch::randn({to, from}, in.options) / std::sqrt(static_cast<double>(from));
  const auto bias = torch::randn({to}, in.options);
  const double flops = 2.0 * static_cast<double>(in.tokens) * static_cast<double>(from * to);
  watch.time(name, per_block, flops, 0, [&] { kernels::linear(x_BLD, weight, bias); });
}

void time_attention(Stopwatch& watch, const Inputs& in) {
  const auto n = static_cast<double>(in.tokens);
  const auto q_BLNH = in.y_BLD.unflatten(-1, {in.spec.num_heads, -1});
  watch.time("self attention", 1, 4 * n * n * in.spec.dim, 0, [&] {
    kernels::attention(q_BLNH, q_BLNH, q_BLNH);
  });
  watch.time("attention to the text", 1, 4 * n * in.spec.text_len * in.spec.dim, 0, [&] {
    kernels::attention(q_BLNH, in.text_BSNH, in.text_BSNH);
  });
}

void time_elementwise(Stopwatch& watch, const Inputs& in) {
  const auto numbers = static_cast<double>(in.x_BLD.numel());
  const auto half = static_cast<double>(in.y_BLD.element_size());
  const auto type = in.y_BLD.scalar_type();
  watch.time("layer norm", 3, 0, numbers * (4 + half), [&] {
    kernels::modulated_layer_norm(in.x_BLD, in.row_1D, in.row_1D, in.rows, kEps, type);
  });
  watch.time("gated residual", 2, 0, numbers * (8 + half), [&] {
    kernels::add_gated(in.x_BLD, in.y_BLD, in.row_1D, in.rows);
  });
  watch.time("residual", 1, 0, numbers * (8 + half), [&] { return in.x_BLD + in.y_BLD; });
  watch.time("rms norm and rotation", 2, 0, numbers * 2 * half, [&] {
    kernels::rms_norm_rope(in.y_BLD, in.row_1D[0], kEps, in.spec.num_heads, in.rope);
  });
  watch.time("rms norm", 1, 0, numbers * 2 * half, [&] {
    kernels::rms_norm(in.y_BLD, in.row_1D[0], kEps);
  });
  const auto wide_BLE = torch::randn({1, in.tokens, in.spec.ffn_dim}, in.options);
  watch.time("gelu", 1, 0, static_cast<double>(wide_BLE.numel()) * 2 * half, [&] {
    kernels::gelu_tanh(wide_BLE);
  });
}

}  // namespace

Result run_operations(const Setting& setting) {
  torch::InferenceMode guard;
  torch::manual_seed(1);
  Stopwatch watch(setting);
  const Inputs in(setting);
  const auto& spec = setting.model.dit;
  time_linear(watch, in, "linear, width to width", 6, spec.dim, spec.dim);
  time_linear(watch, in, "linear, feed-forward up", 1, spec.dim, spec.ffn_dim);
  time_linear(watch, in, "linear, feed-forward down", 1, spec.ffn_dim, spec.dim);
  time_attention(watch, in);
  time_elementwise(watch, in);

  const auto shape = specs::latent_shape(setting.model.vae, setting.size, setting.frames);
  double seconds = 0;
  for (const auto& operation : watch.operations) {
    seconds += static_cast<double>(operation.count) * operation.seconds;
  }
  return {.timing = {{seconds}},
          .flops = specs::dit_flops(spec, shape),
          .attention_flops = specs::dit_self_attention_flops(spec, shape),
          .operations = std::move(watch.operations)};
}

}  // namespace bench
