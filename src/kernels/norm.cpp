// SPDX-License-Identifier: Apache-2.0
// Layer norm (plain, affine, modulated by the timestep) and the gated residual.
#include "kernels/ops.h"

namespace kernels {
namespace {

// The row of every token, [B,T,D]; T = 1 broadcasts over a sample.
Tensor gather(const Tensor& table_UD, const TokenRows& rows) {
  return table_UD.index({rows.index_BT});
}

}  // namespace

Tensor layer_norm(const Tensor& x_BLD,
                  const Tensor& weight_D,
                  const Tensor& bias_D,
                  double eps,
                  torch::ScalarType result) {
  return torch::layer_norm(x_BLD.to(torch::kFloat32), {x_BLD.size(-1)}, weight_D, bias_D, eps)
      .to(result);
}

Tensor modulated_layer_norm(const Tensor& x_BLD,
                            const Tensor& shift_UD,
                            const Tensor& scale_UD,
                            const TokenRows& rows,
                            double eps,
                            torch::ScalarType result) {
  const auto normed_BLD = layer_norm(x_BLD, {}, {}, eps, torch::kFloat32);
  return torch::addcmul(gather(shift_UD, rows), normed_BLD, gather(scale_UD + 1, rows)).to(result);
}

Tensor add_gated(const Tensor& x_BLD,
                 const Tensor& y_BLD,
                 const Tensor& gate_UD,
                 const TokenRows& rows) {
  return torch::addcmul(
      x_BLD.to(torch::kFloat32), y_BLD.to(torch::kFloat32), gather(gate_UD, rows));
}

}  // namespace kernels
