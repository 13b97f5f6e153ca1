// SPDX-License-Identifier: Apache-2.0
// Full attention over all keys.
#include <mutex>

#include <ATen/Context.h>
#include <torch/types.h>

#include "kernels/cpu.h"
#include "kernels/ops.h"

namespace kernels {
namespace {

// The logits are formed and normalised in one piece: the fastest form for the few hundred tokens
// that training on a CPU sees, where flash attention takes a third of the step.
Tensor attention_plain(const Tensor& q_BNLH,
                       const Tensor& k_BNSH,
                       const Tensor& v_BNSH,
                       const Tensor& bias_B11S) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(q_BNLH.size(-1)));
  auto logits_BNLS = torch::matmul(q_BNLH * scale, k_BNSH.transpose(-2, -1));
  if (bias_B11S.defined()) logits_BNLS = logits_BNLS + bias_B11S;
  const auto weights_BNLS = torch::softmax(logits_BNLS, -1, torch::kFloat32);
  return torch::matmul(weights_BNLS.to(v_BNSH.scalar_type()), v_BNSH);
}

// torch tries its kernels in this order and takes the first that can do the job. Its own order
// begins with the second version of flash attention, which on Hopper runs at half the speed of
// cuDNN's.
void prefer_cudnn() {
  using at::SDPBackend;
  const auto number = [](SDPBackend backend) { return static_cast<int64_t>(backend); };
  at::globalContext().setSDPPriorityOrder({number(SDPBackend::cudnn_attention),
                                           number(SDPBackend::flash_attention),
                                           number(SDPBackend::efficient_attention),
                                           number(SDPBackend::math)});
}

}  // namespace

Tensor attention(const Tensor& q_BLNH,
                 const Tensor& k_BSNH,
                 const Tensor& v_BSNH,
                 const Tensor& bias_BS) {
  if (is_slow_bf16({q_BLNH}) && !q_BLNH.requires_grad()) {
    const auto fp32 = [](const Tensor& x) { return x.to(torch::kFloat32); };
    return attention(fp32(q_BLNH), fp32(k_BSNH), fp32(v_BSNH), bias_BS).to(torch::kBFloat16);
  }
  const auto q_BNLH = q_BLNH.transpose(1, 2);
  const auto k_BNSH = k_BSNH.transpose(1, 2);
  const auto v_BNSH = v_BSNH.transpose(1, 2);
  Tensor bias_B11S;
  if (bias_BS.defined()) bias_B11S = bias_BS.unsqueeze(1).unsqueeze(1);

  if (q_BLNH.requires_grad() && q_BLNH.is_cpu()) {
    return attention_plain(q_BNLH, k_BNSH, v_BNSH, bias_B11S).transpose(1, 2);
  }
  static std::once_flag ordered;
  if (q_BLNH.is_cuda()) std::call_once(ordered, prefer_cudnn);
  // On the CPU a mask may stay fp32: ln(500) rounded to bf16 would change weights by one percent.
  std::optional<Tensor> mask;
  if (bias_B11S.defined()) {
    mask = q_BLNH.is_cpu() ? bias_B11S.to(torch::kFloat32) : bias_B11S.to(q_BLNH.scalar_type());
  }
  return at::scaled_dot_product_attention(q_BNLH, k_BNSH, v_BNSH, mask).transpose(1, 2);
}

}  // namespace kernels
