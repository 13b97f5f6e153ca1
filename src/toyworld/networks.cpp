// SPDX-License-Identifier: Apache-2.0
// The starting values matter more than usual, because these networks are trained for minutes: each
// rule that departs from plain variance-preserving weights says what it is for.
#include "toyworld/networks.h"

#include <array>
#include <functional>
#include <span>

#include <torch/types.h>

#include "weights/inventory.h"

namespace toyworld {
namespace {

using Sizes = std::vector<int64_t>;

bool is_bias(const std::string& name) {
  return name.ends_with(".bias");
}

// Normal with standard deviation gain / sqrt(inputs).
Tensor preserving(const Sizes& shape, double gain = 1) {
  const auto values = torch::randn(shape);
  return values * (gain / std::sqrt(static_cast<double>(values[0].numel())));
}

NamedTensors made(const std::vector<weights::ExpectedTensor>& tensors,
                  const std::function<Tensor(const std::string& name, const Sizes& shape)>& rule) {
  NamedTensors result;
  for (const auto& [name, shape] : tensors) {
    result[name] = rule(name, shape).contiguous().requires_grad_(true);
  }
  return result;
}

// Where a head looks at first, in tokens of time, height and width.
using Offset = std::array<int, 3>;
constexpr Offset kOffsets[2][4] = {{{0, 0, -1}, {0, 0, 1}, {0, -1, 0}, {0, 1, 0}},
                                   {{-1, 0, 0}, {1, 0, 0}, {0, -1, -1}, {0, 1, 1}}};

// Sets the biases of queries and keys so that head h attends to the token at offsets[h]: positions
// are known only through the rotation of pairs, and a sum over neighbours does not tell which one
// said what, so every direction needs a head of its own. A pair of frequency f with the key turned
// by -f * offset adds cos(f * (distance - offset)) to the logit.
void look_aside(NamedTensors& dit,
                const std::string& self_attn,
                const specs::DitSpec& spec,
                std::span<const Offset> offsets) {
  constexpr float kStrength = 3;
  constexpr double kLogitScale = 2;  // by the norms behind the biases
  constexpr int64_t kFastPairs = 2;
  const int64_t head_dim = spec.head_dim(), side = head_dim / 6;
  const int64_t pairs[3] = {head_dim / 2 - 2 * side, side, side};
  auto query = torch::zeros({spec.num_heads, head_dim / 2, 2}), key = query.clone();
  for (int64_t head = 0; head < spec.num_heads; ++head) {
    const auto& offset = offsets[static_cast<size_t>(head) % offsets.size()];
    int64_t first = 0;
    for (size_t axis = 0; axis < 3; first += pairs[axis++]) {
      for (int64_t pair = 0; pair < std::min(kFastPairs, pairs[axis]); ++pair) {
        const double frequency = std::pow(10000.0, -double(pair) / double(pairs[axis]));
        const auto angle = static_cast<float>(-frequency * offset[axis]);
        query[head][first + pair][0] = kStrength;
        key[head][first + pair][0] = kStrength * std::cos(angle);
        key[head][first + pair][1] = kStrength * std::sin(angle);
      }
    }
  }
  dit.at(self_attn + ".q.bias").copy_(query.flatten());
  dit.at(self_attn + ".k.bias").copy_(key.flatten());
  for (const char* norm : {".norm_q.weight", ".norm_k.weight"}) {
    dit.at(self_attn + norm).fill_(kLogitScale);
  }
}

// The DiT's 512 text rows are mostly padding, one row with ln(512 - L) on its logit, which leaves
// the prompt 3 % of the attention at first. With this query bias and its opposite as the key bias
// the padding row, whose key is that bias alone, starts below the prompt's.
void prefer_words(NamedTensors& dit, const std::string& cross_attn, int64_t dim) {
  constexpr double kKeyShare = -0.3;
  const auto signs = torch::randint(0, 2, {dim}).to(torch::kFloat32) * 2 - 1;
  dit.at(cross_attn + ".q.bias").copy_(signs);
  dit.at(cross_attn + ".k.bias").copy_(signs * kKeyShare);
}

Tensor dit_rule(const std::string& name, const Sizes& shape) {
  if (name.ends_with(".modulation")) {
    auto rows = torch::zeros(shape);
    // Open gates: a closed residual branch learns nothing in its first steps.
    if (shape[1] == 6) rows.index_put_({torch::indexing::Slice(), torch::tensor({2, 5})}, 0.3f);
    return rows;
  }
  if (is_bias(name)) return torch::zeros(shape);
  if (name.find("norm") != std::string::npos) return torch::ones(shape);
  if (name == "head.head.weight") return torch::zeros(shape);
  if (name == "time_projection.1.weight") return preserving(shape, 0.1);
  if (name.starts_with("time_embedding")) return preserving(shape, 0.3);
  return preserving(shape);
}

Tensor vae_rule(const std::string& name, const Sizes& shape) {
  if (is_bias(name)) return torch::zeros(shape);
  if (name.ends_with("gamma")) return torch::ones(shape);
  // Residual branches start closed, so that the signal reaches both ends at once.
  const bool closes_branch = name.ends_with("residual.6.weight") || name.ends_with("proj.weight");
  if (closes_branch) return torch::zeros(shape);
  if (name.ends_with("time_conv.weight")) {
    // Frames pass unchanged (and both new frames of an upsampler are copies).
    auto kernel = torch::zeros(shape);
    const auto one = torch::eye(shape[1]).repeat({shape[0] / shape[1], 1});
    kernel.select(2, 2).copy_(one.reshape({shape[0], shape[1], 1, 1}));
    return kernel;
  }
  if (shape.size() == 5 && shape[2] == 3) {
    // Most of the weight on the present frame.
    auto kernel =
        torch::randn(shape) / std::sqrt(static_cast<double>(shape[1] * shape[3] * shape[4]));
    kernel.slice(2, 0, 2).mul_(0.1);
    return kernel;
  }
  return preserving(shape);
}

}  // namespace

NamedTensors new_dit(const specs::DitSpec& spec) {
  auto dit = made(weights::tensors_of(spec), dit_rule);
  const torch::NoGradGuard no_grad;
  for (int i = 0; i < spec.num_layers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    prefer_words(dit, block + ".cross_attn", spec.dim);
    if (i % 2 == 1) look_aside(dit, block + ".self_attn", spec, kOffsets[i / 2 % 2]);
  }
  return dit;
}

NamedTensors new_umt5(const specs::Umt5Spec& spec) {
  return made(weights::tensors_of(spec), [&](const std::string& name, const Sizes& shape) {
    if (name == "token_embedding.weight") return torch::randn(shape);
    if (name.find("norm") != std::string::npos) return torch::ones(shape);
    if (name.ends_with("pos_embedding.embedding.weight")) return torch::randn(shape) * 0.1;
    // Logits are not scaled by the width of a head, so the queries are.
    const double head = static_cast<double>(spec.dim_attn) / spec.num_heads;
    return preserving(shape, name.ends_with("attn.q.weight") ? 1 / std::sqrt(head) : 1);
  });
}

NamedTensors new_vae(const specs::VaeSpec& spec) {
  return made(weights::tensors_of(spec), vae_rule);
}

NamedTensors as_leaves(const NamedTensors& tensors, torch::Device device) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    result[name] =
        tensor.detach().to(device, torch::kFloat32, false, true).contiguous().requires_grad_(true);
  }
  return result;
}

}  // namespace toyworld
