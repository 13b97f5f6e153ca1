// SPDX-License-Identifier: Apache-2.0
// What `zoetrope pull` knows by name: which files of which repositories make a model or an adapter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hub {

enum class Layout {
  official,     // as the makers of the model publish it
  comfyui,      // ComfyUI's single files in 16 bit
  comfyui_fp8,  // the same with 8-bit matrices
  adapter       // LoRAs
};
std::string_view name_of(Layout layout);  // "official", "comfyui", "comfyui-fp8", "lora"

struct OfferedFile {
  std::string_view repository;
  std::string_view path;
  std::string_view to;  // its path in the folder of what it belongs to
};

struct Offer {
  std::string_view name;  // that of the model's spec, or the LoRA's
  Layout layout = Layout::official;
  std::string_view repository;     // official: everything in it that is needed
  std::vector<OfferedFile> files;  // else these
  uint64_t bytes = 0;              // about; the hub knows better

  // Below the folder of models or of adapters. A model in another layout than the official one
  // stands beside it.
  std::string folder() const;
};

// In the order in which they are listed.
std::vector<Offer> offers();

// The offer of this name, which may also be that of the official repository. Throws
// Error(not_found) that lists what there is, Error(invalid) where it is not there in this layout.
Offer find_offer(std::string_view name, Layout layout);

// Whether a file of an official repository is part of the model: not the pictures and texts about
// it.
bool is_part_of_model(std::string_view path);

}  // namespace hub
