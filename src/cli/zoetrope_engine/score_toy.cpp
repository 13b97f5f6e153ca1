// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine score-toy MODEL_DIR: generates held-out prompts and counts what came out right.
#include <iostream>

#include <torch/types.h>

#include "base/json.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"
#include "pipelines/open_model.h"
#include "specs/specs.h"
#include "toyworld/prompts.h"
#include "toyworld/score.h"
#include "toyworld/tokens.h"

namespace cli {
namespace {

constexpr std::string_view kSplits[] = {"held-out", "seen"};
constexpr std::string_view kDtypes[] = {"bf16", "fp32"};

struct Request {
  std::string folder;
  int64_t count = 64;
  int64_t frames = 0;
  int64_t steps = 0;
  double guidance = 0;
  double shift = 0;
  std::string split = "held-out";
  std::string device = "cpu";
  std::string dtype = "bf16";
  int64_t seed = 1;
  bool json = false;
};

constexpr Option<Request> kOptions[] = {
    {"DIR", "", &Request::folder, "A model of the demo family.", {.required = true}},
    {"--count", "N", &Request::count, "Clips to generate.", {.min = 1}},
    {"--frames", "N", &Request::frames, "Of a clip; 0: the model's.", {.min = 0}},
    {"--steps", "N", &Request::steps, "0: the model's.", {.min = 0}},
    {"--guidance", "X", &Request::guidance, "Of both experts; 0: the model's.", {.min = 0}},
    {"--shift", "X", &Request::shift, "0: the model's.", {.min = 0}},
    {"--split",
     "NAME",
     &Request::split,
     "Combinations that training never saw, or did.",
     {.choices = kSplits}},
    {"--device", "NAME", &Request::device, "cpu or cuda:N."},
    {"--dtype", "T", &Request::dtype, "Type of the matrices.", {.choices = kDtypes}},
    {"--seed", "N", &Request::seed, "Of the prompts; clip i has noise seed N+i.", {.min = 0}},
    {"--json", "", &Request::json, "One object per clip and one for the score."},
};

constexpr Form<Request> kForm = {
    .command = "zoetrope-engine score-toy",
    .summary = "Measures how often the demo family's clips show what their prompts say.",
    .options = kOptions,
};

struct Opened {
  specs::ModelSpec spec;
  pipelines::TextToVideo pipeline;
};

Opened open(const Request& request) {
  const models::Placement placement = {
      torch::Device(request.device), request.dtype == "bf16" ? torch::kBFloat16 : torch::kFloat32};
  const auto model = pipelines::open_model(request.folder);
  return {model->spec,
          {model->spec, pipelines::parts_of(model, placement), pipelines::Residency::all}};
}

pipelines::TextToVideoRequest clip_request(const Request& request, const specs::ModelSpec& model) {
  auto clip = pipelines::defaults(model);
  clip.size = {toyworld::kWidth, toyworld::kHeight};
  clip.negative_prompt = toyworld::encode(specs::default_negative_prompt());
  if (request.frames > 0) clip.frames = static_cast<int>(request.frames);
  if (request.steps > 0) clip.steps = static_cast<int>(request.steps);
  if (request.guidance > 0) clip.guidance_high = clip.guidance_low = request.guidance;
  if (request.shift > 0) clip.shift = request.shift;
  return clip;
}

torch::Tensor generate(pipelines::TextToVideo& pipeline,
                       const pipelines::TextToVideoRequest& clip) {
  const auto latent = pipeline.denoise(clip, {});
  std::vector<torch::Tensor> groups;
  pipeline.decode(latent, {}, [&](const torch::Tensor& frames_CFHW) {
    groups.push_back(frames_CFHW.to(torch::kCPU, torch::kFloat32));
  });
  return torch::cat(groups, 1);
}

base::Json as_json(const std::string& prompt, const toyworld::Adherence& adherence) {
  return {{"prompt", prompt},
          {"colour", adherence.colour},
          {"shape", adherence.shape},
          {"background", adherence.background},
          {"motion", adherence.motion}};
}

base::Json as_json(const toyworld::Score& score) {
  return {{"clips", score.clips},
          {"colour", score.colour},
          {"shape", score.shape},
          {"background", score.background},
          {"motion", score.motion},
          {"all", score.all}};
}

}  // namespace

int score_toy(Arguments arguments) {
  const auto request = read_options(kForm, arguments);
  if (!request) return kDone;
  auto [spec, pipeline] = open(*request);
  auto clip = clip_request(*request, spec);
  const auto split =
      request->split == "seen" ? toyworld::Split::training : toyworld::Split::held_out;
  const auto concepts = toyworld::concepts_to_score(
      static_cast<uint64_t>(request->seed), static_cast<int>(request->count), split);
  toyworld::Score score;
  for (size_t i = 0; i < concepts.size(); ++i) {
    const auto prompt = toyworld::plain_prompt(concepts[i]);
    clip.prompt = toyworld::encode(prompt);
    clip.seed = static_cast<uint64_t>(request->seed) + i;
    const auto adherence = toyworld::check(generate(pipeline, clip), concepts[i]);
    score.add(adherence);
    if (request->json) std::cout << as_json(prompt, adherence).dump() << '\n';
  }
  if (request->json) {
    std::cout << as_json(score).dump() << '\n';
  } else {
    std::cout << score.line() << '\n';
  }
  return kDone;
}

}  // namespace cli
