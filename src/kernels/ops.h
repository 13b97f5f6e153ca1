// SPDX-License-Identifier: Apache-2.0
// The dozen operations that decide the speed. Each has a plain ATen version (differentiable, any
// device, the reference) and, where it pays, a fast one behind one visible `if` in its own file.
// B batch, L tokens, S keys, N heads, H width of a head, D width, P pairs of a head (H/2)
// U distinct timesteps, T 1 where all tokens of a sample share a timestep, else L
#pragma once

#include <torch/types.h>

namespace kernels {

using torch::Tensor;

// x Wᵀ + b, the bias optional; x and W have one type, which the result has.
Tensor linear(const Tensor& x_BLD, const Tensor& weight_ED, const Tensor& bias_E);

// x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x³))) / 2.
Tensor gelu_tanh(const Tensor& x);

// softmax(q kᵀ / sqrt(H) + bias) v, without a mask. `bias_BS` (fp32, optional) is added to the
// logits of a key whatever the query; -inf leaves a key out. On a GPU it is rounded to the type of
// q. The result has the type of q.
Tensor attention(const Tensor& q_BLNH,
                 const Tensor& k_BSNH,
                 const Tensor& v_BSNH,
                 const Tensor& bias_BS = {});

// (x - mean) / sqrt(variance + eps), then * weight + bias where given (fp32). Computed in fp32
// whatever the type of x, and given in `result`.
Tensor layer_norm(const Tensor& x_BLD,
                  const Tensor& weight_D,
                  const Tensor& bias_D,
                  double eps,
                  torch::ScalarType result);

// Which row of a table [U,…] each token takes.
struct TokenRows {
  Tensor index_BT;  // int64
};

// layer_norm(x) * (1 + scale) + shift in fp32, given in `result`.
Tensor modulated_layer_norm(const Tensor& x_BLD,
                            const Tensor& shift_UD,
                            const Tensor& scale_UD,
                            const TokenRows& rows,
                            double eps,
                            torch::ScalarType result);

// x + y * gate in fp32: the residual stream stays fp32.
Tensor add_gated(const Tensor& x_BLD,
                 const Tensor& y_BLD,
                 const Tensor& gate_UD,
                 const TokenRows& rows);

// x / sqrt(mean(x²) + eps) * weight over all D channels. Statistics in fp32, the normalised value
// rounded to the type of x before the fp32 weight, as the official code does; type of x.
Tensor rms_norm(const Tensor& x_BLD, const Tensor& weight_D, double eps);

// Rotation angles of every token, as fp32 tables made in double.
struct Rope {
  Tensor cos_LP, sin_LP;
};

// Positions of a grid of frames x height x width, tokens in that order. A head is split into
// (H - 4*floor(H/6), 2*floor(H/6), 2*floor(H/6)) channels for time, height and width.
Rope rope_3d(int64_t frames, int64_t height, int64_t width, int64_t head_dim, torch::Device device);

// rms_norm over all channels, split into heads, then each pair (2j, 2j+1) turned by its angle.
// Gives [B,L,N,H] in the type of x.
Tensor rms_norm_rope(
    const Tensor& x_BLD, const Tensor& weight_D, double eps, int64_t heads, const Rope& rope);

// x / max(|x|, 1e-12) * sqrt(C) * gamma with the norm over channels (dimension 1): RMS_norm of
// wan/modules/vae2_1.py. gamma has C elements in any shape. Statistics in fp32 at least; the result
// has the type of x.
Tensor rms_channels(const Tensor& x_BCX, const Tensor& gamma);

// silu(rms_channels(x, gamma)), channels last where a fast kernel makes it. The second is the plain
// form of the first.
Tensor rms_silu(const Tensor& x_BCFHW, const Tensor& gamma);
Tensor rms_silu_reference(const Tensor& x_BCFHW, const Tensor& gamma);

}  // namespace kernels
