// SPDX-License-Identifier: Apache-2.0
// From the reference's own configuration keys to our specs.
#pragma once

#include "models/dit.h"
#include "models/vae.h"
#include "models/weights.h"
#include "parity/parity.h"
#include "specs/specs.h"

namespace parity {

// Arguments of WanModel. The switches that they lack are read off the weights.
models::Dit dit_of(const base::Json& config, models::Weights w);

// Arguments of WanVAE_ (`dec_dim` in the 2.2 autoencoder only).
models::Vae vae_of(const base::Json& config, specs::VaeKind kind, models::Weights w);

}  // namespace parity
