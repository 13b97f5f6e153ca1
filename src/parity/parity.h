// SPDX-License-Identifier: Apache-2.0
// Runs golden cases (folders of case.json + tensors.safetensors + weights) and compares every
// expected output. The form of a case is described in tests/parity/README.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <torch/types.h>

#include "base/json.h"
#include "models/weights.h"

namespace parity {

using models::NamedTensors;
using torch::Tensor;

struct Options {
  torch::Device device = torch::kCPU;
};

// One case as read from its folder.
class Case {
 public:
  explicit Case(const std::filesystem::path& folder, Options options);

  std::filesystem::path folder;
  std::string module;
  base::Json config, args, tolerance;
  NamedTensors tensors;
  Options options;

  // Tensor `in.<name>`, on the device; throws Error(invalid) naming it when absent.
  Tensor in(const std::string& name) const;
  bool has(const std::string& name) const;  // whether in.<name> is there
  // in.<name>_0, in.<name>_1, … in order.
  std::vector<Tensor> list(const std::string& name) const;
  // A safetensors file of the case, in fp32: the goldens are fp32 arithmetic.
  models::Weights weights(const std::string& file = "weights.safetensors") const;
  // goldens/<args.checkpoint>: whole folders live beside the modules.
  std::filesystem::path checkpoint() const;
};

// What a module computes: `out.<name>` -> tensor. What the case does not expect is not compared.
using Outputs = NamedTensors;

// The modules, one file each: parity/<module>.cpp. Each builds the model from case.config and the
// weights, runs it on case.in(...) and returns every out.* of the case.
Outputs run_dit(const Case&);
Outputs run_sampler(const Case&);
Outputs run_pipeline(const Case&);
Outputs run_image_condition(const Case&);
Outputs run_umt5(const Case&);
Outputs run_tokenizer(const Case&);
Outputs run_clip_vision(const Case&);
Outputs run_vae21(const Case&);
Outputs run_vae22(const Case&);
Outputs run_checkpoint_load(const Case&);
Outputs run_lora_apply(const Case&);

struct TensorResult {
  std::string name;
  double worst_absolute = 0, worst_relative = 0;
  double atol = 0, rtol = 0;
  bool passed = false;
  // A missing tensor or tolerance, another shape; empty when the numbers decide.
  std::string problem;
};

enum class Verdict { passed, failed, skipped };

struct CaseResult {
  std::filesystem::path folder;
  std::string module;
  Verdict verdict = Verdict::failed;
  std::string reason;  // why skipped, or the error that ended the case
  std::vector<TensorResult> tensors;
};

// All cases at or below `folder`, in order of path.
std::vector<std::filesystem::path> find_cases(const std::filesystem::path& folder);

// Passes where every out.* of the case has a tolerance and keeps to it; a case without any fails.
// Never throws: an error of the engine is a failed case, unless args.expect is "error", where it
// must name every string of args.error_names.
CaseResult run_case(const std::filesystem::path& folder, Options options);

}  // namespace parity
