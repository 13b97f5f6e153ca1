// SPDX-License-Identifier: Apache-2.0
#include "cli/zoetrope_engine/generate_options.h"

#include <charconv>
#include <filesystem>

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/zoetrope_engine/device.h"
#include "weights/installed.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using base::text;
using O = GenerateOptions;

// As the hosted services have it.
constexpr size_t kMostAdapters = 3;
constexpr double kMostAdapterScale = 4;

constexpr std::string_view kSolvers[] = {"unipc", "dpm++", "euler"};

constexpr Option<O> kOptions[] = {
    {"PROMPT", "", &O::prompt, "What the video shall show.", {.required = true}},
    {"--output", "FILE.mp4", &O::output, "The video. Required unless --dry-run.", {}, "-o"},
    {"--model",
     "NAME|PATH",
     &O::model,
     "An installed model, or a folder or file with weights; again for each further file or folder "
     "of the same model. Default: the demo model."},
    {"--negative-prompt",
     "TEXT",
     &O::negative_prompt,
     "What it shall not show. Default: the official one."},
    {"--size", "WxH", &O::size, "Width and height. Default: the model's."},
    {"--seconds",
     "S",
     &O::seconds,
     "Length, to the nearest 4n+1 frames.",
     {.min = 0.01, .max = 600}},
    {"--frames",
     "N",
     &O::frames,
     "The same in frames, 4n+1. Default: the model's.",
     {.min = 1, .max = 100'000}},
    {"--steps", "N", &O::steps, "Denoising steps. Default: the model's.", {.min = 1, .max = 1000}},
    {"--guidance",
     "X|HIGH,LOW",
     &O::guidance,
     "Weight of the prompt, for both experts or for each. 1: none. Default: the model's."},
    {"--shift",
     "X",
     &O::shift,
     "Shift of the noise schedule. Default: the model's.",
     {.min = 0.01, .max = 100}},
    {"--solver", "NAME", &O::solver, "How steps follow each other.", {.choices = kSolvers}},
    {"--seed", "N", &O::seed, "Of the noise; -1 draws one.", {.min = -1}},
    {"--lora",
     "FILE[:SCALE]",
     &O::lora,
     "A LoRA and its weight, 0 to 4 (default 1); may be given again, three in all."},
    {"--lora-high", "FILE[:SCALE]", &O::lora_high, "The same for the high-noise expert alone."},
    {"--lora-low", "FILE[:SCALE]", &O::lora_low, "The same for the low-noise expert alone."},
    {"--noise-device", "cpu|cuda", &O::noise_device, "Whose noise. Default: as --device."},
    {"--device", "auto|cpu|cuda:N", &O::device, "Where to compute."},
    {"--dtype", "bf16|fp32", &O::dtype, "Type of weights and activations.", {.choices = kDtypes}},
    {"--sheet", "FILE.png", &O::sheet, "A contact sheet of the video as well."},
    {"--latents", "FILE.safetensors", &O::latents, "The latent before decoding as well."},
    {"--json", "", &O::json, "One JSON event per line on stdout."},
    {"--dry-run", "", &O::dry_run, "Print what would be done and the memory it takes, then stop."},
};

// ── files ───────────────────────────────────────────────────────────────────────────────────────

// What stands against writing `file`; empty where nothing does.
std::string obstacle(const fs::path& file, std::string_view extension) {
  std::error_code problem;
  const auto status = fs::status(file, problem);
  if (fs::is_directory(status)) return "is a folder, not a file";
  if (file.extension() != extension) return text("does not end in ", extension);
  if (fs::exists(status) && !fs::is_regular_file(status)) return "is not a regular file";
  const auto folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, problem)) return text("lies in ", folder, ", which is no folder");
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return text("lies in ", folder, ", where nothing may be written");
  }
  return {};
}

void check_file(std::string_view option,
                const std::string& file,
                std::string_view extension,
                Complaints& complaints) {
  if (file.empty()) return;
  const auto problem = obstacle(file, extension);
  if (!problem.empty()) complaints.add(text(option, ": \"", file, "\" ", problem));
}

void check_files(const GenerateOptions& options, Complaints& complaints) {
  check_file("--output", options.output, ".mp4", complaints);
  check_file("--sheet", options.sheet, ".png", complaints);
  check_file("--latents", options.latents, ".safetensors", complaints);
  if (options.output.empty() && !options.dry_run) {
    complaints.add("--output FILE.mp4: is missing; -o out.mp4, for example");
  }
#ifndef ZOETROPE_WITH_MEDIA
  if (!options.output.empty() || !options.sheet.empty()) {
    complaints.add("--output: this program was built without FFmpeg and writes no video");
  }
#endif
}

// ── values ──────────────────────────────────────────────────────────────────────────────────────

template <typename Number>
std::optional<Number> parse_number(std::string_view word) {
  Number number{};
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (problem != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

void read_size(const std::string& word, std::optional<specs::Size>& size, Complaints& complaints) {
  const auto cross = word.find('x');
  const auto width = parse_number<int>(std::string_view(word).substr(0, cross));
  const auto height = cross == std::string::npos
                          ? std::nullopt
                          : parse_number<int>(std::string_view(word).substr(cross + 1));
  if (width && height) {
    size = specs::Size{*width, *height};
  } else {
    complaints.add(text("--size: \"", word, "\" is not WIDTHxHEIGHT, such as 832x480"));
  }
}

void read_guidance(const std::string& word,
                   bool has_experts,
                   pipelines::TextToVideoOptions& asked,
                   Complaints& complaints) {
  const auto comma = word.find(',');
  const auto high = parse_number<double>(std::string_view(word).substr(0, comma));
  const auto low = comma == std::string::npos
                       ? high
                       : parse_number<double>(std::string_view(word).substr(comma + 1));
  const auto is_right = [](const std::optional<double>& x) { return x && *x >= 0 && *x <= 100; };
  if (!is_right(high) || !is_right(low)) {
    complaints.add(
        text("--guidance: \"", word, "\" is not a number from 0 to 100, or two as HIGH,LOW"));
  } else if (comma != std::string::npos && !has_experts) {
    complaints.add(
        text("--guidance: \"", word, "\" is two numbers, but this model has one network"));
  } else {
    asked.guidance_high = *high;
    asked.guidance_low = *low;
  }
}

// FILE or FILE:SCALE. What stands behind the last colon and is no number belongs to the name.
pipelines::AdapterFile read_adapter_file(std::string_view option,
                                         const std::string& word,
                                         Complaints& complaints) {
  const auto colon = word.rfind(':');
  const auto scale = colon == std::string::npos
                         ? std::nullopt
                         : parse_number<double>(std::string_view(word).substr(colon + 1));
  if (scale && !(*scale >= 0 && *scale <= kMostAdapterScale)) {
    complaints.add(text(option, ": ", word, ": the scale is not in 0..", kMostAdapterScale));
  }
  return {.file = scale ? word.substr(0, colon) : word, .scale = scale.value_or(1)};
}

pipelines::AdapterFiles read_adapter_files(const GenerateOptions& options, Complaints& complaints) {
  pipelines::AdapterFiles files;
  const auto read = [&](std::string_view option, const auto& words, auto& into) {
    for (const auto& word : words) into.push_back(read_adapter_file(option, word, complaints));
    if (words.size() > kMostAdapters) {
      complaints.add(text(option, ": is given ", words.size(), " times, at most ", kMostAdapters));
    }
  };
  read("--lora", options.lora, files.all);
  read("--lora-high", options.lora_high, files.high_noise);
  read("--lora-low", options.lora_low, files.low_noise);
  return files;
}

// Without its model a request is still read, as if for two networks, to hear all complaints.
pipelines::TextToVideoOptions read_values(const GenerateOptions& options,
                                          bool has_experts,
                                          Complaints& complaints) {
  pipelines::TextToVideoOptions asked{.prompt = options.prompt,
                                      .negative_prompt = options.negative_prompt,
                                      .seconds = options.seconds,
                                      .frames = options.frames,
                                      .steps = options.steps,
                                      .shift = options.shift,
                                      .solver = pipelines::solver_named(options.solver),
                                      .seed = options.seed,
                                      .adapters = read_adapter_files(options, complaints)};
  if (options.size) read_size(*options.size, asked.size, complaints);
  if (options.guidance) read_guidance(*options.guidance, has_experts, asked, complaints);
  if (options.seconds && options.frames) {
    complaints.add(text("--seconds: ",
                        *options.seconds,
                        " is given beside --frames ",
                        *options.frames,
                        "; one of them says it all"));
  }
  return asked;
}

// ── model ───────────────────────────────────────────────────────────────────────────────────────

// A complaint of the pipeline in the words of the options that were given.
std::string as_option(const std::string& complaint, const GenerateOptions& options) {
  const auto problem = complaint.substr(complaint.find(':'));
  if (complaint.starts_with("prompt:")) return "PROMPT" + problem;
  if (complaint.starts_with("negative_prompt:")) return "--negative-prompt" + problem;
  if (complaint.starts_with("guidance_")) return "--guidance" + problem;
  if (complaint.starts_with("loras:")) return "--lora" + problem;
  if (complaint.starts_with("high_noise_loras:")) return "--lora-high" + problem;
  if (complaint.starts_with("low_noise_loras:")) return "--lora-low" + problem;
  if (complaint.starts_with("frames:") && options.seconds) {
    return text("--seconds: ", *options.seconds, " s in frames", problem);
  }
  return "--" + complaint;
}

// Where the names are; those that are nothing are complained of.
std::vector<fs::path> find(const std::vector<std::string>& names, Complaints& complaints) {
  std::vector<fs::path> paths;
  for (const auto& name : names) {
    try {
      paths.push_back(weights::find_installed(name));
    } catch (const base::Error& error) {
      complaints.add(text("--model: ", error.what()));
    }
  }
  return paths;
}

std::shared_ptr<const pipelines::OpenedModel> open(std::vector<std::string> names,
                                                   Complaints& complaints) {
  if (names.empty()) names.emplace_back(kDemoModel);
  const auto paths = find(names, complaints);
  if (paths.size() < names.size()) return nullptr;
  try {
    return pipelines::open_model(paths);
  } catch (const base::Error& error) {
    complaints.add(text("--model: ", error.what()));
    return nullptr;
  }
}

}  // namespace

constexpr Form<GenerateOptions> kGenerateForm = {
    "zoetrope generate",
    "Makes a video from a text.",
    kOptions,
    "Progress goes to stderr; stdout gets the path of the video, or with --json every event.\n"
    "Exit code 0: done; 1: failed; 2: something in the command is wrong; 130: interrupted."};

pipelines::TextToVideoJob settle(const GenerateOptions& options, Complaints& complaints) {
  check_files(options, complaints);
  const models::Placement placement{
      .device = read_device("--device", options.device, complaints),
      .matrices = options.dtype == "bf16" ? torch::kBFloat16 : torch::kFloat32};
  const auto noise_device = read_device(
      "--noise-device", options.noise_device.value_or(placement.device.str()), complaints);

  const auto model = open(options.model, complaints);
  const auto asked = read_values(options, !model || model->spec.boundary > 0, complaints);
  pipelines::TextToVideoJob job;
  std::vector<std::string> wrong;
  if (model) {
    job = pipelines::settle(model, asked, placement, wrong);
    job.request.noise_device = noise_device;
  } else {
    wrong = pipelines::prompt_complaints(asked);
  }
  for (const auto& complaint : wrong) complaints.add(as_option(complaint, options));
  complaints.refuse();
  return job;
}

}  // namespace cli
