// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine bench dit|operations|vae|umt5|e2e|lora: how fast this engine is here, beside what
// is possible.
#include <cstdio>
#include <iostream>

#include <torch/types.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "bench/adapters.h"
#include "bench/floors.h"
#include "bench/operations.h"
#include "bench/subjects.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"
#include "cli/zoetrope_engine/device.h"
#include "weights/safetensors.h"

namespace cli {
namespace {

using bench::Result;
using bench::Setting;

struct Request {
  std::vector<std::string> subjects;
  std::string model = "wan2.1-t2v-1.3b";
  std::string size = "832x480";
  int64_t frames = 81;
  int64_t steps = 2;
  int64_t layers = 0;
  int64_t umt5_layers = 0;
  int64_t repeats = 3;
  std::string device = "auto";
  std::string dtype = "bf16";
  bool random_weights = false;
  std::string weights, inputs, output;
  bool json = false;
};

constexpr Option<Request> kOptions[] = {
    {"SUBJECT",
     "",
     &Request::subjects,
     "dit, operations (of dit), vae, umt5, e2e, lora (changing it), or peak."},
    {"--model", "NAME", &Request::model, "Whose dimensions (zoetrope models lists them)."},
    {"--size", "WxH", &Request::size, "Pixels of the video."},
    {"--frames", "N", &Request::frames, "Frames of the video.", {.min = 1}},
    {"--steps", "N", &Request::steps, "Denoising steps of e2e.", {.min = 1}},
    {"--layers",
     "N",
     &Request::layers,
     "Fewer transformer layers than the model; 0: all.",
     {.min = 0}},
    {"--umt5-layers", "N", &Request::umt5_layers, "Fewer text encoder layers; 0: all.", {.min = 0}},
    {"--repeats", "N", &Request::repeats, "Counted runs.", {.min = 1}},
    {"--device", "D", &Request::device, "auto, cpu or cuda:N."},
    {"--dtype", "T", &Request::dtype, "Type of the matrices.", {.choices = kDtypes}},
    {"--random-weights", "", &Request::random_weights, "Make weights up (the default)."},
    {"--weights", "DIR", &Request::weights, "Take these weights instead."},
    {"--inputs", "FILE", &Request::inputs, "Safetensors with the inputs, instead of random ones."},
    {"--output", "FILE", &Request::output, "Save what was computed, to compare it."},
    {"--json", "", &Request::json, "One object instead of lines."},
};

constexpr Form<Request> kForm = {
    .command = "zoetrope-engine bench",
    .summary = "Times one network, or the whole pipeline, and prints rates beside the floors.",
    .options = kOptions,
};

struct Subject {
  std::string_view name;
  Result (*run)(const Setting&);
};
// The matrix product alone is no network: it has a line of its own.
constexpr std::string_view kPeak = "peak";
constexpr Subject kSubjects[] = {{"dit", bench::run_dit},
                                 {"operations", bench::run_operations},
                                 {"vae", bench::run_vae},
                                 {"umt5", bench::run_umt5},
                                 {"e2e", bench::run_pipeline},
                                 {"lora", bench::run_adapter_swap}};

const Subject* find_subject(const std::vector<std::string>& names, Complaints& complaints) {
  if (names.size() == 1) {
    const auto* found = std::ranges::find(kSubjects, names[0], &Subject::name);
    if (found != std::end(kSubjects)) return found;
  }
  complaints.add(
      base::text("bench: one of dit, operations, vae, umt5, e2e, lora, peak is needed, found \"",
                 base::join(names, " "),
                 "\""));
  return nullptr;
}

specs::Size read_size(const std::string& words, Complaints& complaints) {
  specs::Size size;
  char rest = 0;
  if (std::sscanf(words.c_str(), "%dx%d%c", &size.width, &size.height, &rest) != 2 ||
      size.width < 1 || size.height < 1) {
    complaints.add(base::text("--size: \"", words, "\" is not WIDTHxHEIGHT"));
  }
  return size;
}

Setting read_setting(const Request& request, Complaints& complaints) {
  Setting setting{
      .size = read_size(request.size, complaints),
      .frames = static_cast<int>(request.frames),
      .steps = static_cast<int>(request.steps),
      .repeats = static_cast<int>(request.repeats),
      .placement = {.device = read_device("--device", request.device, complaints),
                    .matrices = request.dtype == "bf16" ? torch::kBFloat16 : torch::kFloat32},
      .weights = request.weights,
      .inputs = request.inputs};
  const auto* model = specs::find_model(request.model);
  if (model == nullptr) {
    complaints.add(base::text("--model: no model is called \"", request.model, "\""));
    return setting;
  }
  setting.model = *model;
  if (request.layers > 0) setting.model.dit.num_layers = static_cast<int>(request.layers);
  if (request.umt5_layers > 0)
    setting.model.umt5.num_layers = static_cast<int>(request.umt5_layers);
  return setting;
}

void print_operation(const bench::Operation& operation) {
  const double total = static_cast<double>(operation.count) * operation.seconds;
  const bool arithmetic = operation.flops > 0;
  const double rate = (arithmetic ? operation.flops / 1e12 : operation.bytes / 1e9);
  std::printf("  %-26s %8.3f ms x %4lld = %8.1f ms  %8.1f %s\n",
              operation.name.c_str(),
              1e3 * operation.seconds,
              static_cast<long long>(operation.count),
              1e3 * total,
              rate / operation.seconds,
              arithmetic ? "TFLOP/s" : "GB/s");
}

void print_plain(const Subject& subject,
                 const Request& request,
                 const Setting& setting,
                 const Result& result,
                 double peak) {
  const double seconds = result.timing.median();
  std::printf("%s  %s  %s x %d frames  %s  %s\n",
              std::string(subject.name).c_str(),
              request.model.c_str(),
              request.size.c_str(),
              setting.frames,
              request.dtype.c_str(),
              bench::describe(setting.placement.device).c_str());
  std::printf("  %.4g s (median of %zu: %.4g … %.4g)\n",
              seconds,
              result.timing.seconds.size(),
              result.timing.fastest(),
              result.timing.slowest());
  std::printf("  %.4g TFLOP, %.4g TFLOP/s; a large matrix product runs at %.4g: %.0f %% of it\n",
              result.flops / 1e12,
              result.flops / seconds / 1e12,
              peak / 1e12,
              100 * result.flops / seconds / peak);
  if (setting.placement.device.is_cuda() && result.attention_flops > 0) {
    for (const auto& floor : bench::h200_floors()) {
      const double least = bench::least_seconds(floor, result.flops, result.attention_flops);
      std::printf("  floor %s on one H200 %.3g s: %.0f %% of it\n",
                  floor.name,
                  least,
                  100 * least / seconds);
    }
  }
  for (const auto& operation : result.operations) print_operation(operation);
  std::printf("  peak memory %s\n",
              base::human_bytes(bench::peak_bytes(setting.placement.device)).c_str());
}

void print_json(const Subject& subject,
                const Request& request,
                const Setting& setting,
                const Result& result,
                double peak) {
  base::Json floors = base::Json::object();
  for (const auto& floor : bench::h200_floors()) {
    if (result.attention_flops == 0) continue;
    floors[floor.name] = bench::least_seconds(floor, result.flops, result.attention_flops);
  }
  base::Json operations = base::Json::array();
  for (const auto& operation : result.operations) {
    operations.push_back({{"name", operation.name},
                          {"count", operation.count},
                          {"seconds", operation.seconds},
                          {"flops", operation.flops},
                          {"bytes", operation.bytes}});
  }
  const base::Json line = {{"subject", subject.name},
                           {"model", request.model},
                           {"size", request.size},
                           {"frames", setting.frames},
                           {"dtype", request.dtype},
                           {"device", bench::describe(setting.placement.device)},
                           {"seconds", result.timing.seconds},
                           {"flops", result.flops},
                           {"h200_floor_seconds", floors},
                           {"operations", operations},
                           {"peak_flops_per_second", peak},
                           {"peak_bytes", bench::peak_bytes(setting.placement.device)}};
  std::cout << line.dump() << '\n';
}

void print_peak(const Request& request, const Setting& setting) {
  const double rate = bench::measured_peak(setting.placement.device, setting.placement.matrices);
  if (request.json) {
    const base::Json line = {{"subject", kPeak},
                             {"dtype", request.dtype},
                             {"device", bench::describe(setting.placement.device)},
                             {"flops_per_second", rate}};
    std::cout << line.dump() << '\n';
    return;
  }
  std::printf("%s  %s: %.4g TFLOP/s\n",
              bench::describe(setting.placement.device).c_str(),
              request.dtype.c_str(),
              rate / 1e12);
}

void save_output(const std::string& file, const torch::Tensor& output) {
  const auto values = output.to(torch::kCPU, torch::kFloat32).contiguous();
  weights::TensorView view{.dtype = weights::Dtype::f32, .shape = values.sizes().vec()};
  view.bytes = {static_cast<const std::byte*>(values.data_ptr()), values.nbytes()};
  weights::write_safetensors(file, {{"output", view}});
}

}  // namespace

int bench(Arguments arguments) {
  Complaints complaints;
  const auto request = read_options(kForm, arguments, complaints);
  if (!request) return kDone;
  if (request->subjects == std::vector<std::string>{std::string(kPeak)}) {
    const auto setting = read_setting(*request, complaints);
    complaints.refuse();
    print_peak(*request, setting);
    return kDone;
  }
  const auto* subject = find_subject(request->subjects, complaints);
  const auto setting = read_setting(*request, complaints);
  complaints.refuse();

  const auto result = subject->run(setting);
  // Measured after the subject, so that both run on a warm machine, and in the type of the
  // matrices.
  const double peak = bench::measured_peak(setting.placement.device, setting.placement.matrices);
  if (request->json) {
    print_json(*subject, *request, setting, result, peak);
  } else {
    print_plain(*subject, *request, setting, result, peak);
  }
  if (!request->output.empty()) save_output(request->output, result.output);
  return kDone;
}

}  // namespace cli
