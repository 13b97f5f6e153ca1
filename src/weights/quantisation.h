// SPDX-License-Identifier: Apache-2.0
// 8-bit weights with a factor per tensor or per row, in the spellings of ComfyUI and LightX2V.
#pragma once

#include <map>
#include <string>

#include "weights/tensor_file.h"

namespace weights {

// Gives each quantised tensor its scale and drops the tensors that only describe the quantisation:
//   X.scale_weight or X.weight_scale  the factor: one number, or [rows, 1]
//   X.scale_input or X.input_scale    for quantised activations, which this program does not use
//   X.comfy_quant                     JSON text that names the format; so does
//                                     _quantization_metadata in the file's metadata
//   scaled_fp8                        marks a file with factors
// Throws Error(invalid) that starts with `origin` and names the tensor: an 8-bit tensor without a
// factor in a file that has factors (it would load and give nonsense), a factor of another shape or
// without a tensor, an unknown format.
void attach_scales(TensorMap& tensors,
                   const std::map<std::string, std::string>& metadata,
                   const std::string& origin);

}  // namespace weights
