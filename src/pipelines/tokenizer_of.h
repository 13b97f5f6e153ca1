// SPDX-License-Identifier: Apache-2.0
// The tokenizer that a checkpoint brings, wherever its layout keeps it.
#pragma once

#include "text/tokenizer.h"
#include "weights/checkpoint.h"

namespace pipelines {

// tokenizer.json where there is one, because the official code means that; else the SentencePiece
// model, as a file or as ComfyUI keeps it, inside the text encoder's file. Throws Error(invalid)
// where the checkpoint has none, and what text::Tokenizer throws.
text::Tokenizer tokenizer_of(const weights::Checkpoint& checkpoint);

}  // namespace pipelines
