// SPDX-License-Identifier: Apache-2.0
// An adapter's file in one form, whatever dialect it was written in: which weights of a network it
// changes, and how. Nothing is computed here; the tensors stay mapped. Rules and their sources:
// reference/lora.md §1, docs/lora.md.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lora/hint.h"
#include "specs/specs.h"
#include "weights/tensor_file.h"

namespace lora {

using weights::TensorView;

// factor * up · down, flattened to a matrix and back where the weight has more dimensions.
struct LowRank {
  TensorView down, up;
};

// factor * (w1_a · w1_b) ⊙ (w2_a · w2_b)
struct LoHa {
  TensorView w1_a, w1_b, w2_a, w2_b;
};

// factor * w1 ⊗ w2, each of them one matrix or the product of two.
struct LoKr {
  std::vector<TensorView> w1, w2;
};

// Added as it is.
struct Difference {
  TensorView difference;
};

// Takes the weight's place, at any scale.
struct Replacement {
  TensorView weight;
};

struct Change {
  std::variant<LowRank, LoHa, LoKr, Difference, Replacement> form;
  double factor = 1;  // alpha / rank, where the file has an alpha
  // DoRA: the length that each row [out, 1] or column [1, in] of the changed weight gets.
  std::optional<TensorView> magnitude;
};

struct Adapter {
  std::string identity;  // of the file as it was read: its path, size and time
  std::string origin;    // names it in messages
  std::map<std::string, std::vector<Change>, std::less<>> changes;  // by official names
  int modules = 0;                                                  // that are changed
  Hint hint = Hint::none;

  // Names in the file that changed nothing: of a text encoder; of parts that only other models have
  // or of another shape; of nothing that is known.
  std::vector<std::string> ignored, skipped, unknown;

  // What whoever asked for the adapter should know; empty where all of it is applied.
  std::vector<std::string> warnings() const;
};

// Throws Error(invalid) with everything that is wrong, each line with a code first
// (lora_shape_mismatch: …), where the file is none or damaged, where a tensor is not finite, where
// a pair is incomplete or of another shape than the weight, and where nothing in it is for this
// network; the message says for which model it seems made.
std::shared_ptr<const Adapter> read_adapter(const std::filesystem::path& file,
                                            const specs::DitSpec& spec);

}  // namespace lora
