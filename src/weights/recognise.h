// SPDX-License-Identifier: Apache-2.0
// What a state dict is: which parts of a model it holds and in whose spelling, decided by the names
// of its tensors alone, and the same under the official names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weights/tensor_set.h"

namespace weights {

enum class PartKind { dit, text_encoder, vae, image_encoder };
std::string_view name_of(PartKind kind);

// Whose names: those of the official repositories, or of diffusers and transformers. ComfyUI uses
// the former for the DiT and the VAE, the latter for the encoders.
enum class Naming { official, diffusers };
std::string_view name_of(Naming naming);

struct RecognisedPart {
  PartKind kind = PartKind::dit;
  Naming naming = Naming::official;
  std::string prefix;  // what an all-in-one file puts before the names: "model.diffusion_model."
  TensorMap tensors;   // under the official names, quantised ones with their scales
  std::optional<TensorView> tokenizer;  // ComfyUI keeps the SentencePiece model beside the encoder
};

// The parts in a state dict, or none when it is something else (a LoRA, another network). Tensors
// that are known to be of no use are dropped. Throws Error(invalid) that names
// - the variant and the tensor it is known by, for relatives of Wan that this program does not run
//   (VACE, Fun, S2V, Animate, HuMo, camera control);
// - a quantised tensor without its scale, or of a format that is not known.
std::vector<RecognisedPart> recognise(const TensorSet& set);

// Whether the names are those of a LoRA or its like.
bool is_adapter(const TensorMap& tensors);

}  // namespace weights
