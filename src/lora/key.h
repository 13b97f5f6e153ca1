// SPDX-License-Identifier: Apache-2.0
// What a tensor in an adapter's file is for, read from its name: in whichever spelling a trainer
// chose. Source: reference/lora.md §1.1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lora {

// The part that a tensor plays in the change of a weight.
enum class Role {
  down,  // A [rank, in] and
  up,    // B [out, rank] of a low-rank pair
  alpha,
  dora_scale,
  hada_w1_a,  // the two pairs of a LoHa
  hada_w1_b,
  hada_w2_a,
  hada_w2_b,
  lokr_w1,  // the two factors of a LoKr, whole or as a pair
  lokr_w1_a,
  lokr_w1_b,
  lokr_w2,
  lokr_w2_a,
  lokr_w2_b,
  difference,             // of the weight, in full
  bias_difference,        // of the bias
  modulation_difference,  // of the block's modulation
  replacement,            // the weight itself
};

struct Key {
  std::string module;  // as the file spells it, without prefixes: "blocks_0_self_attn_q"
  Role role;
};

// Nothing where the name is no adapter's.
std::optional<Key> parse_key(std::string_view name);

// Whether the tensor belongs to a text encoder, which these adapters leave as it is.
bool is_of_text_encoder(std::string_view name);

}  // namespace lora
