// SPDX-License-Identifier: Apache-2.0
#include "toyworld/state.h"

#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "weights/safetensors.h"

namespace toyworld {
namespace {

weights::Dtype dtype_of(const Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case torch::kFloat32:
      return weights::Dtype::f32;
    case torch::kBFloat16:
      return weights::Dtype::bf16;
    case torch::kInt64:
      return weights::Dtype::i64;
    default:
      throw base::Error(base::Fault::internal,
                        base::text("a training state holds no ", tensor.dtype().name()));
  }
}

}  // namespace

void save_tensors(const std::filesystem::path& file,
                  const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata) {
  NamedTensors kept;  // the views point into these until the file is written
  weights::TensorMap views;
  for (const auto& [name, tensor] : tensors) {
    const auto here = tensor.detach().to(torch::kCPU).contiguous();
    kept[name] = here;
    views[name] = {dtype_of(here),
                   here.sizes().vec(),
                   {},
                   {static_cast<const std::byte*>(here.const_data_ptr()), here.nbytes()},
                   nullptr};
  }
  weights::write_safetensors(file, views, metadata);
}

NamedTensors load_tensors(const std::filesystem::path& file) {
  NamedTensors tensors;
  for (const auto& [name, view] : weights::read_safetensors(file).tensors) {
    tensors[name] = models::as_tensor(view).clone();
  }
  return tensors;
}

}  // namespace toyworld
