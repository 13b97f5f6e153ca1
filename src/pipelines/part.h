// SPDX-License-Identifier: Apache-2.0
// A part of a model (text encoder, network, autoencoder) that is loaded when first needed and can
// be let go of.
#pragma once

#include <functional>
#include <optional>
#include <utility>

namespace pipelines {

// Whether parts stay loaded after their turn, or each makes room for the next.
enum class Residency { all, one_at_a_time };

template <typename Model>
class Part {
 public:
  Part() = default;
  explicit Part(std::function<Model()> load) : load_(std::move(load)) {}

  // Whether the model has this part at all.
  explicit operator bool() const { return load_ != nullptr; }

  // Loads at the first call. The reference holds until release().
  const Model& get() {
    if (!model_) model_.emplace(load_());
    return *model_;
  }

  bool is_loaded() const { return model_.has_value(); }
  void release() { model_.reset(); }

 private:
  std::function<Model()> load_;
  std::optional<Model> model_;
};

}  // namespace pipelines
