// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine make-checkpoint: a model of any size with random weights, in the official layout,
// so that loading, memory and speed of the real sizes can be tested without the real weights.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"
#include "specs/specs.h"
#include "toyworld/tokens.h"
#include "weights/checkpoint_writer.h"
#include "weights/inventory.h"

namespace cli {
namespace {

using base::text;
using weights::TensorHeader;

struct Request {
  std::string model, folder;
  std::string dtype = "bf16";
  std::optional<int64_t> layers;
  int64_t seed = 0;
  bool only_dit = false;
};

constexpr std::string_view kDtypes[] = {"bf16", "fp16", "fp32"};

constexpr Option<Request> kOptions[] = {
    {"MODEL", "", &Request::model, "Whose dimensions: wan2.1-t2v-1.3b, …", {.required = true}},
    {"DIR", "", &Request::folder, "Where to; it is made.", {.required = true}},
    {"--dtype",
     "TYPE",
     &Request::dtype,
     "Type of the diffusion transformer.",
     {.choices = kDtypes}},
    {"--layers",
     "N",
     &Request::layers,
     "Layers of the transformer and at most of the text encoder.",
     {.min = 1, .max = 1000}},
    {"--seed", "N", &Request::seed, "Of the random numbers.", {.min = 0}},
    {"--only-dit", "", &Request::only_dit, "Neither text encoder nor VAE nor tokenizer."},
};
constexpr Form<Request> kForm = {
    "zoetrope make-checkpoint",
    "Writes a model with random weights in the official layout.",
    kOptions,
    "The text encoder is bf16 and the VAE fp32, as released. The tokenizer is that of the demo\n"
    "family, whose few ids every model has."};

// How many numbers are made at a time: 64 MiB of fp32.
constexpr int64_t kChunk = 1 << 24;

weights::Dtype dtype_of(std::string_view name) {
  if (name == "fp32") return weights::Dtype::f32;
  return name == "fp16" ? weights::Dtype::f16 : weights::Dtype::bf16;
}

torch::ScalarType scalar_type(weights::Dtype dtype) {
  if (dtype == weights::Dtype::f32) return torch::kFloat32;
  return dtype == weights::Dtype::f16 ? torch::kFloat16 : torch::kBFloat16;
}

// FNV-1a, so that a tensor is the same whatever else is written.
uint64_t hash(std::string_view name) {
  uint64_t value = 14695981039346656037ull;
  for (const char c : name) value = (value ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  return value;
}

// Activations keep their size: matrices and kernels 1/sqrt(fan in), norms 1, biases 0.
struct Filling {
  double mean = 0;
  double deviation = 0;
};

Filling filling_of(const TensorHeader& tensor) {
  const bool is_bias = tensor.name.ends_with(".bias");
  const bool is_norm = tensor.name.ends_with("gamma") ||
                       (tensor.shape.size() == 1 && tensor.name.ends_with(".weight"));
  if (is_bias) return {};
  if (is_norm) return {.mean = 1};
  int64_t fan_in = 1;
  for (size_t i = 1; i < tensor.shape.size(); ++i) fan_in *= tensor.shape[i];
  return {.deviation = 1 / std::sqrt(static_cast<double>(fan_in))};
}

weights::TensorSource random_source(int64_t seed) {
  return [seed](const TensorHeader& tensor, const weights::TensorSink& sink) {
    auto generator =
        at::detail::createCPUGenerator(static_cast<uint64_t>(seed) ^ hash(tensor.name));
    const auto [mean, deviation] = filling_of(tensor);
    const auto size = static_cast<int64_t>(weights::bytes_per_element(tensor.dtype));
    auto left = static_cast<int64_t>(tensor.bytes()) / size;
    while (left > 0) {
      auto numbers = torch::empty({std::min(left, kChunk)});
      if (deviation > 0) {
        numbers.normal_(mean, deviation, generator);
      } else {
        numbers.fill_(mean);
      }
      numbers = numbers.to(scalar_type(tensor.dtype));
      sink({static_cast<const std::byte*>(numbers.data_ptr()), numbers.nbytes()});
      left -= numbers.numel();
    }
  };
}

// One part of the checkpoint: where it goes and what it consists of.
struct Job {
  std::filesystem::path folder;
  std::string_view stem;
  std::vector<TensorHeader> tensors;
  const specs::DitSpec* config = nullptr;
};

template <typename Spec>
Job job(const std::filesystem::path& folder,
        std::string_view stem,
        const Spec& spec,
        weights::Dtype dtype) {
  Job result{.folder = folder, .stem = stem};
  for (auto& tensor : weights::tensors_of(spec)) {
    result.tensors.push_back({std::move(tensor.name), dtype, std::move(tensor.shape)});
  }
  return result;
}

std::vector<Job> jobs_of(const specs::ModelSpec& model, const Request& request) {
  const std::filesystem::path folder = request.folder;
  const auto dtype = dtype_of(request.dtype);
  std::vector<std::filesystem::path> networks = {folder};
  if (model.boundary > 0) networks = {folder / "high_noise_model", folder / "low_noise_model"};
  std::vector<Job> jobs;
  for (const auto& network : networks) {
    jobs.push_back(job(network, weights::kDitStem, model.dit, dtype));
    jobs.back().config = &model.dit;
  }
  if (request.only_dit) return jobs;
  jobs.push_back(job(folder, weights::kTextEncoderStem, model.umt5, weights::Dtype::bf16));
  jobs.push_back(job(folder, weights::vae_stem(model.vae.kind), model.vae, weights::Dtype::f32));
  return jobs;
}

uint64_t bytes_of(const Job& job) {
  uint64_t total = 0;
  for (const auto& tensor : job.tensors) total += tensor.bytes();
  return total;
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (!problem) return;
  throw base::Error(base::Fault::invalid,
                    text("DIR: ", folder, " cannot be made: ", problem.message()));
}

// Refuses before the first byte what the disk cannot hold.
void check_space(const std::vector<Job>& jobs, const std::filesystem::path& folder) {
  uint64_t needed = 0;
  for (const auto& job : jobs) needed += bytes_of(job);
  const auto free = std::filesystem::space(folder).available;
  if (needed <= free) return;
  throw base::Error(base::Fault::exhausted,
                    text(folder.string(),
                         ": needs ",
                         base::human_bytes(needed),
                         ", ",
                         base::human_bytes(free),
                         " are free"));
}

specs::ModelSpec model_of(const Request& request) {
  const auto* found = specs::find_model(request.model);
  if (found == nullptr) {
    std::vector<std::string_view> names;
    for (const auto& model : specs::models()) names.push_back(model.name);
    throw base::Error(
        base::Fault::invalid,
        text("MODEL: \"", request.model, "\" is not one of ", base::join(names, ", ")));
  }
  auto model = *found;
  if (request.layers) {
    model.dit.num_layers = static_cast<int>(*request.layers);
    model.umt5.num_layers = std::min(model.umt5.num_layers, model.dit.num_layers);
  }
  return model;
}

}  // namespace

int make_checkpoint(Arguments arguments) {
  const auto request = read_options(kForm, arguments);
  if (!request) return kDone;
  const auto model = model_of(*request);
  const auto jobs = jobs_of(model, *request);
  make_folder(request->folder);
  check_space(jobs, request->folder);
  auto seed = request->seed;
  for (const auto& job : jobs) {
    std::cout << (job.folder / job.stem).string() << ": " << job.tensors.size() << " tensors, "
              << base::human_bytes(bytes_of(job)) << std::endl;
    weights::write_shards(job.folder, job.stem, job.tensors, random_source(seed++));
    if (job.config != nullptr) weights::write_config(job.folder, *job.config);
  }
  if (!request->only_dit) {
    toyworld::write_tokenizer(std::filesystem::path(request->folder) / weights::kTokenizerFolder);
  }
  return kDone;
}

}  // namespace cli
