// SPDX-License-Identifier: Apache-2.0
// How much arithmetic a network does: floating-point operations, a multiply-add counted as two.
// Benchmarks divide by these; the memory plan uses the token counts.
#pragma once

#include <cstdint>

#include "specs/specs.h"

namespace specs {

// A video as the networks see it.
struct LatentShape {
  int64_t frames = 0, height = 0, width = 0;
  bool operator==(const LatentShape&) const = default;
};

// The latent of `frames` (4n+1) frames of `size` pixels.
LatentShape latent_shape(const VaeSpec& vae, Size size, int frames);

// Tokens of the transformer: patches of 1x2x2.
int64_t token_count(const LatentShape& latent);

// One forward for one sample. `text_rows` is text_len, padding included, as the official code has
// it.
double dit_flops(const DitSpec& dit, const LatentShape& latent);

// Self-attention's part of it: 4 N² d per layer.
double dit_self_attention_flops(const DitSpec& dit, const LatentShape& latent);

double umt5_flops(const Umt5Spec& umt5, int64_t tokens);

double vae_decode_flops(const VaeSpec& vae, const LatentShape& latent);
double vae_encode_flops(const VaeSpec& vae, const LatentShape& latent);

}  // namespace specs
