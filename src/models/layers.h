// SPDX-License-Identifier: Apache-2.0
// The layers every model is made of: structs of tensors built from the weights by name.
// B batch, L tokens, D width in, E width out
#pragma once

#include <string_view>

#include <torch/types.h>

#include "models/weights.h"

namespace models {

// y = x Wᵀ + b. The input is cast to the weight's type; the result has that type.
struct Linear {
  // Takes `name`.weight [out,in] and, unless bias is no, `name`.bias [out].
  enum class Bias { yes, no };
  // fp32: the official code keeps this layer in full precision whatever the model's type.
  enum class Precision { matrices, fp32 };

  Linear(Weights& from,
         std::string_view name,
         int64_t in,
         int64_t out,
         Bias bias = Bias::yes,
         Precision precision = Precision::matrices);

  Tensor operator()(const Tensor& x_BLD) const;

  Tensor weight, bias;
};

}  // namespace models
