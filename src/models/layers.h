// SPDX-License-Identifier: Apache-2.0
// The layers every model is made of: structs of tensors built from the weights by name.
// B batch, L tokens, D width in, E width out
#pragma once

#include <string_view>

#include <torch/types.h>

#include "models/weights.h"

namespace models {

// y = x Wᵀ + b. The input is cast to the weight's type and the result has that type, except under
// autocast (training), which multiplies in its own type whatever the weight's; fp32 layers are
// exempt from it.
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

  // The type the product is made in.
  torch::ScalarType compute_type() const;

  Tensor weight, bias;
  Precision precision;
};

}  // namespace models
