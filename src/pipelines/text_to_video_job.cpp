// SPDX-License-Identifier: Apache-2.0
#include "pipelines/text_to_video_job.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "base/text.h"
#include "pipelines/tokenizer_of.h"
#include "text/utf8.h"

namespace pipelines {
namespace {

using base::text;

std::string size_text(specs::Size size) {
  return text(size.width, 'x', size.height);
}

std::string negative_prompt(const TextToVideoOptions& options) {
  return options.negative_prompt.value_or(std::string(specs::default_negative_prompt()));
}

uint64_t settle_seed(int64_t seed) {
  if (seed >= 0) return static_cast<uint64_t>(seed);
  constexpr uint32_t kPositive = 0x7fffffff;  // the CPU's generator takes 32 bits
  return std::random_device{}() & kPositive;
}

int settle_frames(const TextToVideoOptions& options, const specs::ModelSpec& spec) {
  // More than any model makes, and still a number of frames: it is complained of by its value.
  constexpr double kMost = 1e9;
  const auto bounded = [&](double frames) { return std::clamp(frames, -kMost, kMost); };
  if (options.frames) return static_cast<int>(bounded(*options.frames));
  if (!options.seconds) return spec.frames;
  const int stride = spec.vae.time_stride();
  const auto groups = std::lround(bounded(*options.seconds * spec.fps) / stride);
  return static_cast<int>(groups) * stride + 1;
}

TextToVideoRequest settle_numbers(const TextToVideoOptions& options, const specs::ModelSpec& spec) {
  auto request = defaults(spec);
  request.size = options.size.value_or(request.size);
  request.frames = settle_frames(options, spec);
  request.steps = static_cast<int>(options.steps.value_or(request.steps));
  request.solver = options.solver;
  request.shift = options.shift.value_or(request.shift);
  request.guidance_high = options.guidance_high.value_or(request.guidance_high);
  request.guidance_low = options.guidance_low.value_or(request.guidance_low);
  request.seed = settle_seed(options.seed);
  return request;
}

void add_adapters(base::Json& recipe, const char* name, const std::vector<AdapterFile>& files) {
  for (const auto& [file, scale] : files) {
    recipe[name].push_back({{"path", file.filename().string()}, {"scale", scale}});
  }
}

// Token ids of both prompts.
void read_prompts(TextToVideoJob& job, std::vector<std::string>& complaints) {
  try {
    const auto tokenizer = tokenizer_of(job.model->checkpoint);
    job.request.prompt = token_ids(tokenizer, job.prompt, job.spec());
    job.request.negative_prompt = token_ids(tokenizer, job.negative_prompt, job.spec());
  } catch (const base::Error& error) {
    complaints.push_back(text("model: ", error.what()));
  }
}

}  // namespace

MemoryRequest TextToVideoJob::memory() const {
  // On a GPU the padding of the text is written out (models::exact_padding).
  const auto tokens = std::max(request.prompt.size(), request.negative_prompt.size());
  const auto rows = placement.device.is_cuda() ? size_t(spec().dit.text_len) : tokens;
  return {.model = spec(),
          .size = render,
          .output = request.size,
          .frames = request.frames,
          .text_rows = static_cast<int>(rows),
          .is_guided = request.guidance_high != 1 || request.guidance_low != 1,
          .bytes_per_value = static_cast<int>(c10::elementSize(placement.matrices))};
}

base::Json TextToVideoJob::recipe() const {
  base::Json recipe = {{"model", spec().name},
                       {"prompt", prompt},
                       {"negative_prompt", negative_prompt},
                       {"size", size_text(request.size)},
                       {"render_size", size_text(render)},
                       {"frames", request.frames},
                       {"fps", spec().fps},
                       {"steps", request.steps},
                       {"solver", name_of(request.solver)},
                       {"shift", request.shift},
                       {"guidance", {request.guidance_high, request.guidance_low}},
                       {"seed", request.seed},
                       {"noise_device", request.noise_device.str()},
                       {"device", placement.device.str()},
                       {"dtype", placement.matrices == torch::kBFloat16 ? "bf16" : "fp32"}};
  add_adapters(recipe, "loras", adapter_files.all);
  add_adapters(recipe, "high_noise_loras", adapter_files.high_noise);
  add_adapters(recipe, "low_noise_loras", adapter_files.low_noise);
  return recipe;
}

TextToVideoJob settle(std::shared_ptr<const OpenedModel> model,
                      const TextToVideoOptions& options,
                      models::Placement placement,
                      std::vector<std::string>& complaints) {
  TextToVideoJob job{.model = std::move(model),
                     .prompt = options.prompt,
                     .negative_prompt = negative_prompt(options),
                     .adapter_files = options.adapters,
                     .placement = placement};
  job.request = settle_numbers(options, job.spec());
  job.request.noise_device = placement.device;

  // The prompts complain for themselves: the numbers' complaints do not wait for a tokenizer.
  auto numbers = job.request;
  numbers.prompt = numbers.negative_prompt = {1};
  for (auto& complaint : pipelines::complaints(job.spec(), numbers)) {
    complaints.push_back(std::move(complaint));
  }
  job.adapters = read_adapters(job.model->checkpoint, options.adapters, complaints);
  const auto wrong_prompts = prompt_complaints(options);
  complaints.insert(complaints.end(), wrong_prompts.begin(), wrong_prompts.end());
  if (wrong_prompts.empty()) read_prompts(job, complaints);
  if (complaints.empty()) job.render = render_size(job.spec(), job.request.size);
  return job;
}

std::vector<std::string> prompt_complaints(const TextToVideoOptions& options) {
  std::vector<std::string> complaints;
  const std::pair<const char*, std::string> prompts[] = {
      {"prompt", options.prompt}, {"negative_prompt", negative_prompt(options)}};
  for (const auto& [name, prompt] : prompts) {
    try {
      ::text::check_utf8(prompt, text(name, ": the text"));
    } catch (const base::Error& error) {
      complaints.emplace_back(error.what());
    }
  }
  return complaints;
}

}  // namespace pipelines
