// SPDX-License-Identifier: Apache-2.0
// The text stage: the encoder learns to read the grammar before anything is drawn. Every token's
// feature must tell the whole concept (colour, shape, background, motion, or that there is none)
// and the token itself, through linear probes that are thrown away. The transformer then finds in
// its first steps what it would otherwise have to discover through the noise.
#pragma once

#include "specs/specs.h"
#include "toyworld/run.h"

namespace toyworld {

// Trains an encoder in settings.folder until settings.steps.
void train_text(const specs::Umt5Spec& spec, const RunSettings& settings);

}  // namespace toyworld
