// SPDX-License-Identifier: Apache-2.0
#include "parity/parity.h"

#include <algorithm>
#include <set>

#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "weights/safetensors.h"

namespace parity {
namespace {

namespace fs = std::filesystem;
using base::text;

struct Module {
  std::string_view name;
  Outputs (*run)(const Case&);
  std::string_view lacks = {};  // the libraries without which it cannot run, where one is not here
};

#if defined(ZOETROPE_WITH_SENTENCEPIECE) && defined(ZOETROPE_WITH_UTF8PROC)
constexpr std::string_view kTokenizerLacks;
#else
constexpr std::string_view kTokenizerLacks = "sentencepiece and utf8proc";
#endif

// A module that is not here is reported as skipped, by name.
constexpr Module kModules[] = {
    {"tokenizer", run_tokenizer, kTokenizerLacks},
    {"umt5", run_umt5},
    {"clip_vision", run_clip_vision},
    {"dit", run_dit},
    {"sampler", run_sampler},
    {"pipeline", run_pipeline},
    {"image_condition", run_image_condition},
    {"vae21", run_vae21},
    {"vae22", run_vae22},
    {"checkpoint_load", run_checkpoint_load},
    {"lora_apply", run_lora_apply},
};

const Module* find_module(std::string_view name) {
  const auto* found = std::ranges::find(kModules, name, &Module::name);
  return found == std::end(kModules) ? nullptr : found;
}

TensorResult compare(const std::string& name,
                     const Tensor& got_any,
                     const Tensor& want_any,
                     const base::Json& tolerance) {
  TensorResult result{.name = name, .atol = tolerance.at("atol"), .rtol = tolerance.at("rtol")};
  if (got_any.sizes() != want_any.sizes()) {
    result.problem = text("shape ", got_any.sizes(), ", expected ", want_any.sizes());
    return result;
  }
  const auto got = got_any.to(torch::kCPU, torch::kFloat64);
  const auto want = want_any.to(torch::kFloat64);
  if (want.numel() == 0) {
    result.passed = true;
    return result;
  }
  const auto error = (got - want).abs();
  result.worst_absolute = error.max().item<double>();
  result.worst_relative = (error / want.abs().clamp_min(1e-12)).max().item<double>();
  result.passed = (error <= result.atol + result.rtol * want.abs()).all().item<bool>();
  return result;
}

// Every tensor that the case expects, and every one it has a tolerance for: neither is passed over.
std::set<std::string> names_to_compare(const Case& c) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : c.tensors) {
    if (name.starts_with("out.")) names.insert(name);
  }
  for (const auto& [name, tolerance] : c.tolerance.items()) names.insert(name);
  return names;
}

TensorResult compare_named(const Case& c, const Outputs& outputs, const std::string& name) {
  const auto got = outputs.find(name);
  const auto want = c.tensors.find(name);
  if (want == c.tensors.end()) {
    return {.name = name, .problem = "the case has a tolerance for it but no tensor"};
  }
  if (!c.tolerance.contains(name)) {
    return {.name = name, .problem = "the case has no tolerance for it"};
  }
  if (got == outputs.end()) return {.name = name, .problem = "not computed"};
  return compare(name, got->second, want->second, c.tolerance.at(name));
}

std::vector<TensorResult> compare_all(const Case& c, const Outputs& outputs) {
  std::vector<TensorResult> results;
  for (const auto& name : names_to_compare(c)) results.push_back(compare_named(c, outputs, name));
  return results;
}

bool expects_error(const Case& c) {
  return c.args.contains("expect") && c.args.at("expect") == "error";
}

// The names a refusal must contain and does not.
std::vector<std::string> missing_names(const Case& c, std::string_view message) {
  std::vector<std::string> missing;
  for (const auto& name : c.args.value("error_names", std::vector<std::string>{})) {
    if (message.find(name) == std::string_view::npos) missing.push_back(name);
  }
  return missing;
}

void judge_refusal(const Case& c, const base::Error& error, CaseResult& result) {
  const auto missing = missing_names(c, error.what());
  result.verdict = missing.empty() ? Verdict::passed : Verdict::failed;
  result.reason =
      missing.empty()
          ? text("refused: ", error.what())
          : text("refused without naming ", base::join(missing, ", "), ": ", error.what());
}

void run(const Case& c, const Module& module, CaseResult& result) {
  try {
    const auto outputs = module.run(c);
    if (expects_error(c)) {
      result.reason = "accepted, although it must be refused";
      return;
    }
    result.tensors = compare_all(c, outputs);
    // A table is checked by the module itself, row by row.
    if (result.tensors.empty() && !c.args.contains("table")) {
      result.reason = "nothing to compare: the case has no tensor out.*";
      return;
    }
    const bool all = std::ranges::all_of(result.tensors, &TensorResult::passed);
    result.verdict = all ? Verdict::passed : Verdict::failed;
  } catch (const base::Error& error) {
    result.reason = error.what();
    if (expects_error(c)) judge_refusal(c, error, result);
  }
}

}  // namespace

Case::Case(const fs::path& case_folder, Options case_options)
    : folder(case_folder), options(case_options) {
  const auto json = base::read_json(folder / "case.json");
  module = json.at("module");
  config = json.value("config", base::Json::object());
  args = json.value("args", base::Json::object());
  tolerance = json.value("tolerance", base::Json::object());
  if (!fs::exists(folder / "tensors.safetensors")) return;
  for (const auto& [name, view] :
       weights::read_safetensors(folder / "tensors.safetensors").tensors) {
    tensors[name] = models::as_tensor(view);
  }
}

Tensor Case::in(const std::string& name) const {
  const auto found = tensors.find("in." + name);
  if (found == tensors.end()) {
    throw base::Error(base::Fault::invalid, text(folder.string(), ": no tensor in.", name));
  }
  return found->second.to(options.device);
}

bool Case::has(const std::string& name) const {
  return tensors.contains("in." + name);
}

std::vector<Tensor> Case::list(const std::string& name) const {
  std::vector<Tensor> items;
  while (has(text(name, "_", items.size()))) items.push_back(in(text(name, "_", items.size())));
  return items;
}

models::Weights Case::weights(const std::string& file) const {
  const auto path = folder / file;
  return {weights::read_safetensors(path).tensors,
          path.string(),
          {.device = options.device, .matrices = torch::kFloat32}};
}

fs::path Case::checkpoint() const {
  // <goldens>/<module>/<case> -> <goldens>/checkpoints/<name>
  return folder.parent_path().parent_path() / args.at("checkpoint").get<std::string>();
}

std::vector<fs::path> find_cases(const fs::path& folder) {
  std::vector<fs::path> cases;
  // "case/" and "case" are the same folder; only the second one has a name and the right parent.
  if (fs::exists(folder / "case.json")) return {(folder / "").parent_path()};
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().filename() == "case.json") cases.push_back(entry.path().parent_path());
  }
  std::ranges::sort(cases);
  return cases;
}

CaseResult run_case(const fs::path& folder, Options options) {
  CaseResult result{.folder = folder};
  try {
    torch::InferenceMode guard;
    const Case c(folder, options);
    result.module = c.module;
    const auto* module = find_module(c.module);
    if (module == nullptr) {
      result.verdict = Verdict::skipped;
      result.reason = text("module ", c.module, " is not known here");
      return result;
    }
    if (!module->lacks.empty()) {
      result.verdict = Verdict::skipped;
      result.reason = text("this program was built without ", module->lacks);
      return result;
    }
    run(c, *module, result);
  } catch (...) {
    const auto error = base::current_error();
    result.reason = text(error.what(), error.detail().empty() ? "" : ": ", error.detail());
  }
  return result;
}

}  // namespace parity
