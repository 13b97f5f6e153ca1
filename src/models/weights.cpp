// SPDX-License-Identifier: Apache-2.0
#include "models/weights.h"

#include <cstring>
#include <set>
#include <vector>

#include <sys/mman.h>
#include <torch/types.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "models/merge.h"

namespace models {
namespace {

using base::text;

torch::ScalarType scalar_type(weights::Dtype dtype) {
  switch (dtype) {
    case weights::Dtype::f64:
      return torch::kFloat64;
    case weights::Dtype::f32:
      return torch::kFloat32;
    case weights::Dtype::f16:
      return torch::kFloat16;
    case weights::Dtype::bf16:
      return torch::kBFloat16;
    case weights::Dtype::f8_e4m3:
      return torch::kFloat8_e4m3fn;
    case weights::Dtype::f8_e5m2:
      return torch::kFloat8_e5m2;
    case weights::Dtype::i64:
      return torch::kInt64;
    case weights::Dtype::i32:
      return torch::kInt32;
    case weights::Dtype::i16:
      return torch::kInt16;
    case weights::Dtype::i8:
      return torch::kInt8;
    case weights::Dtype::u8:
      return torch::kUInt8;
    case weights::Dtype::boolean:
      return torch::kBool;
  }
  throw std::logic_error("unknown weights::Dtype");
}

constexpr size_t kNamesInAnError = 5;

// The stored numbers over the mapped bytes.
Tensor stored(const weights::TensorView& view) {
  const auto options = torch::TensorOptions().dtype(scalar_type(view.dtype));
  if (view.bytes.empty()) return torch::empty(view.shape, options);
  auto* data = const_cast<std::byte*>(view.bytes.data());
  const auto size = weights::bytes_per_element(view.dtype);
  if (reinterpret_cast<uintptr_t>(data) % size != 0) {
    const auto flat = torch::empty({static_cast<int64_t>(view.bytes.size() / size)}, options);
    std::memcpy(flat.data_ptr(), data, view.bytes.size());
    return view.strides.empty() ? flat.view(view.shape)
                                : flat.as_strided(view.shape, view.strides).contiguous();
  }
  const auto keep_mapped = [file = view.file](void*) {};
  if (view.strides.empty()) return torch::from_blob(data, view.shape, keep_mapped, options);
  return torch::from_blob(data, view.shape, view.strides, keep_mapped, options);
}

// Lets go of mapped bytes; whoever reads them again reads the file again.
void release_pages(std::span<const std::byte> bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto before = (page - reinterpret_cast<uintptr_t>(bytes.data()) % page) % page;
  if (bytes.size() < before + page) return;
  const auto whole_pages = (bytes.size() - before) / page * page;
  ::madvise(const_cast<std::byte*>(bytes.data() + before), whole_pages, MADV_DONTNEED);
}

// One factor, or one for each row, shaped so that it multiplies the weight.
Tensor scale_of(const weights::TensorView& view, torch::Device device) {
  std::vector<int64_t> shape(view.shape.size(), 1);
  const auto count = view.scale->elements();
  if (count > 1) shape.at(0) = count;
  return stored(*view.scale).to(device, torch::kFloat32).reshape(shape);
}

}  // namespace

struct Weights::Store {
  weights::TensorMap views;
  NamedTensors tensors;
  TensorMaker make;
  std::string origin;
  Placement placement;
  std::set<std::string, std::less<>> taken;
  Watch watch;
  lora::AdapterSet adapters;
  NamedTensors* kept = nullptr;

  [[noreturn]] void refuse(const std::string& why) const {
    throw base::Error(base::Fault::invalid, text(origin, ": ", why));
  }
};

Tensor as_tensor(const weights::TensorView& view, torch::Device device) {
  if (!view.stacked.empty()) {
    std::vector<Tensor> pieces;
    for (const auto& piece : view.stacked) pieces.push_back(as_tensor(piece, device));
    return torch::cat(pieces, 0).view(view.shape);
  }
  const auto tensor = stored(view).to(device);
  return view.scale == nullptr ? tensor : tensor.to(torch::kFloat32) * scale_of(view, device);
}

Weights::Weights(weights::TensorMap tensors, std::string origin, Placement placement)
    : store_(std::make_shared<Store>()) {
  store_->views = std::move(tensors);
  store_->origin = std::move(origin);
  store_->placement = placement;
}

Weights::Weights(NamedTensors tensors, std::string origin, Placement placement)
    : store_(std::make_shared<Store>()) {
  store_->tensors = std::move(tensors);
  store_->origin = std::move(origin);
  store_->placement = placement;
}

Weights::Weights(TensorMaker make, Placement placement) : store_(std::make_shared<Store>()) {
  store_->make = std::move(make);
  store_->origin = "made tensors";
  store_->placement = placement;
}

Weights::Weights(std::shared_ptr<Store> store, std::string prefix)
    : store_(std::move(store)), prefix_(std::move(prefix)) {}

Weights Weights::in(std::string_view name) const {
  return {store_, text(prefix_, name, ".")};
}

bool Weights::has(std::string_view name) const {
  const auto full = text(prefix_, name);
  return store_->views.contains(full) || store_->tensors.contains(full);
}

Tensor Weights::matrix(std::string_view name, std::initializer_list<int64_t> shape) {
  return take(name, shape, store_->placement.matrices);
}

Tensor Weights::fp32(std::string_view name, std::initializer_list<int64_t> shape) {
  return take(name, shape, torch::kFloat32);
}

Tensor Weights::take(std::string_view name,
                     std::initializer_list<int64_t> shape,
                     torch::ScalarType dtype) {
  const auto device = store_->placement.device;
  const auto found = find(name, shape, device);
  auto tensor = found.to(device, dtype).contiguous();
  // A copy was made: what was read of the file need not stay in memory beside it.
  const auto full = text(prefix_, name);
  const auto view = store_->views.find(full);
  const bool copied = tensor.data_ptr() != found.data_ptr();
  if (copied && view != store_->views.end()) release_pages(view->second.bytes);
  if (store_->watch) {
    store_->watch(store_->taken.size(), store_->views.size() + store_->tensors.size());
  }
  if (store_->kept != nullptr) (*store_->kept)[full] = tensor;
  return merged(tensor, full, store_->adapters).to(dtype);
}

Tensor Weights::as_stored(std::string_view name, std::initializer_list<int64_t> shape) {
  return find(name, shape, torch::kCPU);
}

Tensor Weights::find(std::string_view name,
                     std::initializer_list<int64_t> shape,
                     torch::Device device) {
  const auto full = text(prefix_, name);
  const auto check = [&](torch::IntArrayRef found, bool is_float, std::string_view type) {
    if (found != torch::IntArrayRef(shape)) {
      store_->refuse(
          text("tensor ", full, " has shape ", found, ", expected ", torch::IntArrayRef(shape)));
    }
    if (!is_float) store_->refuse(text("tensor ", full, " is ", type, ", expected a float type"));
    store_->taken.insert(full);
  };
  if (const auto found = store_->views.find(full); found != store_->views.end()) {
    const auto& view = found->second;
    const bool is_float = weights::is_floating(view.dtype) || view.scale != nullptr;
    check(view.shape, is_float, weights::name_of(view.dtype));
    return as_tensor(view, device);
  }
  const auto found = store_->tensors.find(full);
  if (found == store_->tensors.end() && !store_->make) store_->refuse(text("no tensor ", full));
  auto tensor = found == store_->tensors.end() ? store_->make(full, shape) : found->second;
  check(tensor.sizes(), tensor.is_floating_point(), tensor.dtype().name());
  return tensor;
}

const Placement& Weights::placement() const {
  return store_->placement;
}

void Weights::skip(std::string_view name) {
  store_->taken.insert(text(prefix_, name));
}

void Weights::skip_below(std::string_view name) {
  const auto start = text(prefix_, name, ".");
  const auto take_all = [&](const auto& named) {
    for (auto at = named.lower_bound(start); at != named.end() && at->first.starts_with(start);
         ++at) {
      store_->taken.insert(at->first);
    }
  };
  take_all(store_->views);
  take_all(store_->tensors);
}

void Weights::on_take(Watch watch) {
  store_->watch = std::move(watch);
}

void Weights::keep(NamedTensors* kept) {
  store_->kept = kept;
}

void Weights::merge(lora::AdapterSet adapters) {
  store_->adapters = std::move(adapters);
}

void Weights::finish() const {
  std::vector<std::string> left;
  const auto collect = [&](const auto& named) {
    for (const auto& [name, tensor] : named) {
      if (!store_->taken.contains(name)) left.push_back(name);
    }
  };
  collect(store_->views);
  collect(store_->tensors);
  if (left.empty()) return;
  const size_t count = left.size();
  if (count > kNamesInAnError) left.resize(kNamesInAnError);
  store_->refuse(text(count,
                      " tensors belong to no part of the model: ",
                      base::join(left, ", "),
                      count > left.size() ? ", …" : ""));
}

}  // namespace models
