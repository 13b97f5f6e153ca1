// SPDX-License-Identifier: Apache-2.0
#include "pipelines/text_to_video.h"

#include "base/error.h"
#include "base/text.h"
#include "specs/cost.h"

namespace pipelines {
namespace {

using base::text;

constexpr int kPositionsPerAxis = 1024;  // length of the official rotary tables
constexpr int kMaxSteps = 1000;          // timesteps the networks were trained on

bool takes_list(Solver solver) {
  return solver == Solver::lightx2v || solver == Solver::dmd;
}

// The multiple of `step`, counted from `least`, that is nearest to `value`.
int64_t nearest(int64_t value, int64_t least, int64_t most, int64_t step) {
  const auto inside = std::clamp(value, least, most) - least;
  return std::min(most, least + (inside + (step - 1) / 2) / step * step);
}

void check_size(const specs::ModelSpec& spec,
                const TextToVideoRequest& request,
                std::vector<std::string>& wrong) {
  const auto [width, height] = request.size;
  const int multiple = spec.has_native_size() ? 2 : spec.size_multiple();
  const int largest = kPositionsPerAxis * spec.size_multiple();
  const auto fitting = [&](int side) { return nearest(side, multiple, largest, multiple); };
  if (fitting(width) != width || fitting(height) != height) {
    wrong.push_back(text("size: ",
                         width,
                         "x",
                         height,
                         " is not made of multiples of ",
                         multiple,
                         " between ",
                         multiple,
                         " and ",
                         largest,
                         "; the nearest is ",
                         fitting(width),
                         "x",
                         fitting(height)));
  }
  const int stride = spec.vae.time_stride();
  const int most = (kPositionsPerAxis - 1) * stride + 1;
  const auto length = nearest(request.frames, 1, most, stride);
  if (length != request.frames) {
    wrong.push_back(text("frames: ",
                         request.frames,
                         " is not 4n+1 between 1 and ",
                         most,
                         "; the nearest is ",
                         length));
  }
}

void check_solver(const TextToVideoRequest& request, std::vector<std::string>& wrong) {
  if (takes_list(request.solver)) {
    try {
      Sampler(request.solver, request.step_list, 1.0);
    } catch (const base::Error& error) {
      wrong.push_back(text("step_list: ", error.what()));
    }
  } else if (request.steps < 1 || request.steps > kMaxSteps) {
    wrong.push_back(text("steps: ", request.steps, " is not in 1..", kMaxSteps));
  }
  if (!(request.shift > 0) || !std::isfinite(request.shift)) {
    wrong.push_back(text("shift: ", request.shift, " is not a number above 0"));
  }
  for (const auto& [name, value] : {std::pair{"guidance_high", request.guidance_high},
                                    std::pair{"guidance_low", request.guidance_low}}) {
    if (!std::isfinite(value)) wrong.push_back(text(name, ": ", value, " is not a finite number"));
  }
}

Sampler sampler_of(const TextToVideoRequest& request) {
  if (takes_list(request.solver)) return {request.solver, request.step_list, request.shift};
  return {request.solver, request.steps, request.shift};
}

bool is_guided(const specs::ModelSpec& spec, const TextToVideoRequest& request) {
  return request.guidance_high != 1 || (spec.boundary > 0 && request.guidance_low != 1);
}

}  // namespace

TextToVideoRequest defaults(const specs::ModelSpec& spec) {
  return {.size = spec.sizes.front(),
          .frames = spec.frames,
          .steps = spec.steps,
          .shift = spec.shift,
          .guidance_high = spec.guidance_high,
          .guidance_low = spec.guidance_low};
}

std::vector<std::string> complaints(const specs::ModelSpec& spec,
                                    const TextToVideoRequest& request) {
  std::vector<std::string> wrong;
  check_size(spec, request, wrong);
  check_solver(request, wrong);
  const auto check_prompt = [&](std::string_view name, const std::vector<int64_t>& ids) {
    if (ids.empty() || std::ssize(ids) > spec.dit.text_len) {
      wrong.push_back(text(name, ": ", ids.size(), " tokens is not in 1..", spec.dit.text_len));
    }
  };
  check_prompt("prompt", request.prompt);
  if (is_guided(spec, request)) check_prompt("negative_prompt", request.negative_prompt);
  return wrong;
}

specs::Size render_size(const specs::ModelSpec& spec, specs::Size asked) {
  if (!spec.has_native_size()) return asked;
  const double area = double(spec.native.width) * spec.native.height;
  const double shape = double(asked.width) / asked.height;
  const int multiple = spec.size_multiple();
  const auto fitted = [&](double side) {
    return std::max(1, static_cast<int>(std::lround(side / multiple))) * multiple;
  };
  return {fitted(std::sqrt(area * shape)), fitted(std::sqrt(area / shape))};
}

TextToVideo::TextToVideo(const specs::ModelSpec& spec, TextToVideoParts parts, Residency residency)
    : spec_(spec),
      residency_(residency),
      umt5_(std::move(parts.umt5)),
      experts_{.high_noise = Part<models::Dit>(std::move(parts.high_noise)),
               .low_noise = Part<models::Dit>(std::move(parts.low_noise)),
               .boundary = spec.boundary,
               .residency = residency},
      vae_(std::move(parts.vae)) {}

void TextToVideo::replace_networks(std::function<models::Dit()> high_noise,
                                   std::function<models::Dit()> low_noise) {
  if (high_noise) experts_.high_noise = Part<models::Dit>(std::move(high_noise));
  if (low_noise) experts_.low_noise = Part<models::Dit>(std::move(low_noise));
}

Tensor TextToVideo::denoise(const TextToVideoRequest& request, const Progress& progress) {
  const auto wrong = complaints(spec_, request);
  if (!wrong.empty()) throw base::Error(base::Fault::invalid, base::join(wrong, "\n"));
  torch::InferenceMode guard;

  const auto& umt5 = umt5_.get();
  progress.report(Phase::text, 0, 1);
  const auto latent =
      specs::latent_shape(spec_.vae, render_size(spec_, request.size), request.frames);
  DenoiseInputs inputs{.text_LC = umt5.encode(torch::tensor(request.prompt)),
                       .guidance_high = request.guidance_high,
                       .guidance_low = request.guidance_low,
                       .shape_CFHW = {spec_.vae.z_dim, latent.frames, latent.height, latent.width}};
  if (is_guided(spec_, request)) {
    inputs.negative_LC = umt5.encode(torch::tensor(request.negative_prompt));
  }
  if (residency_ == Residency::one_at_a_time) umt5_.release();
  progress.report(Phase::text, 1, 1);

  Noise noise(request.seed, request.noise_device);
  auto latent_CFHW = pipelines::denoise(experts_, sampler_of(request), inputs, noise, progress);
  if (residency_ == Residency::one_at_a_time) {
    experts_.high_noise.release();
    experts_.low_noise.release();
  }
  return latent_CFHW;
}

void TextToVideo::decode(const Tensor& latent_CFHW,
                         const Progress& progress,
                         const std::function<void(const Tensor& frames_CFHW)>& frames) {
  torch::InferenceMode guard;
  const int total = static_cast<int>((latent_CFHW.size(1) - 1) * spec_.vae.time_stride() + 1);
  int done = 0;
  const auto& vae = vae_.get();
  progress.report(Phase::decode, done, total);
  vae.decode(latent_CFHW, [&](const Tensor& frames_CFHW) {
    frames(frames_CFHW);
    done += static_cast<int>(frames_CFHW.size(1));
    progress.report(Phase::decode, done, total);
  });
  if (residency_ == Residency::one_at_a_time) vae_.release();
}

}  // namespace pipelines
