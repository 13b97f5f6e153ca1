// SPDX-License-Identifier: Apache-2.0
// A cursor into named tensors. A layer takes its tensors by the checkpoint's own names; whatever is
// missing, of another shape or left over is an error that names it.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <torch/types.h>

#include "lora/adapter_set.h"
#include "weights/tensor_file.h"

namespace models {

using torch::Tensor;
using NamedTensors = std::map<std::string, Tensor, std::less<>>;

// Invents the tensor of this full name and shape.
using TensorMaker = std::function<Tensor(const std::string& name, torch::IntArrayRef shape)>;

// Where weights go and in which type matrices are held. Norms, modulation and the time embedding
// are fp32 whatever `matrices` says: the official precision contract.
struct Placement {
  torch::Device device = torch::kCPU;
  torch::ScalarType matrices = torch::kBFloat16;
};

// A tensor over the file's mapped bytes; the mapping lives as long as the tensor. Copied are only
// bytes that lie off their alignment and tensors that the file has in pieces. A quantised tensor
// comes back as fp32: the stored numbers times their scale. The memory of a mapped tensor is
// read-only: whoever changes a weight in place must clone it first.
Tensor as_tensor(const weights::TensorView& view, torch::Device device = torch::kCPU);

class Weights {
 public:
  // From a checkpoint. Tensors stay mapped until taken. `origin` names the file or folder in
  // errors.
  Weights(weights::TensorMap tensors, std::string origin, Placement placement);

  // From tensors at hand (training, tests). A tensor that already has the wanted type and device is
  // taken as it is, not copied, so gradients reach it.
  Weights(NamedTensors tensors, std::string origin, Placement placement);

  // From nothing: whatever a layer asks for is made. Building a model this way lists its tensors
  // (to initialise a training) or fills it with random numbers (to time it).
  Weights(TensorMaker make, Placement placement);

  // The same weights seen from below `name`: w.in("blocks.0").in("self_attn").
  Weights in(std::string_view name) const;

  bool has(std::string_view name) const;

  // A matrix or kernel in placement.matrices; throws Error(invalid) naming the tensor, the shape
  // expected and the shape found. Quantised weights are scaled in fp32 and rounded once.
  Tensor matrix(std::string_view name, std::initializer_list<int64_t> shape);

  // The same in fp32: norms, modulation, the time embedding.
  Tensor fp32(std::string_view name, std::initializer_list<int64_t> shape);

  // The tensor as the file has it: mapped, in its own type (fp32 where quantised), on the CPU. For
  // tables of which few rows are read. A tensor at hand is returned as it is.
  Tensor as_stored(std::string_view name, std::initializer_list<int64_t> shape);

  // Counts a tensor as used without reading it: parts of a file that this model does not need.
  void skip(std::string_view name);

  // The same for every tensor below `name`: skip_below("textual") skips textual.*.
  void skip_below(std::string_view name);

  // Calls watch(taken, all) after every tensor that is taken from now on. It may throw, which ends
  // the loading.
  using Watch = std::function<void(size_t taken, size_t all)>;
  void on_take(Watch watch);

  // Keeps every tensor that is taken from now on in `kept`, by its full name, as it is without
  // adapters.
  void keep(NamedTensors* kept);

  // Puts the changes of these adapters into every tensor that is taken from now on.
  void merge(lora::AdapterSet adapters);

  // Throws Error(invalid) naming the first left-over tensors, if any was neither taken nor skipped.
  void finish() const;

  const Placement& placement() const;

 private:
  struct Store;

  Weights(std::shared_ptr<Store> store, std::string prefix);
  Tensor find(std::string_view name, std::initializer_list<int64_t> shape, torch::Device device);
  Tensor take(std::string_view name, std::initializer_list<int64_t> shape, torch::ScalarType dtype);

  std::shared_ptr<Store> store_;
  std::string prefix_;
};

}  // namespace models
