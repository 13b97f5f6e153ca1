// SPDX-License-Identifier: Apache-2.0
// Numbers of a mapped tensor, looked at without an engine.
#pragma once

#include "weights/tensor_file.h"

namespace lora {

// Whether every number is one: neither infinite nor NaN. Of float types.
bool is_finite(const weights::TensorView& view);

// The only number of a tensor of a float type.
double first_number(const weights::TensorView& view);

}  // namespace lora
