// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine score-toy MODEL_DIR: generates held-out prompts and counts what came out right.
#include <iostream>

#include <torch/torch.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"
#include "pipelines/text_to_video.h"
#include "specs/specs.h"
#include "toyworld/prompts.h"
#include "toyworld/score.h"
#include "toyworld/tokens.h"
#include "weights/checkpoint.h"

namespace cli {
namespace {

constexpr std::string_view kSplits[] = {"held-out", "seen"};
constexpr std::string_view kDtypes[] = {"bf16", "fp32"};

struct Request {
  std::vector<std::string> folder;
  std::string model = "wan2.2-t2v-tiny";
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
    {"DIR", "", &Request::folder, "weights in the official layout"},
    {"--model", "NAME", &Request::model, "the model they are"},
    {"--count", "N", &Request::count, "clips to generate", {.min = 1}},
    {"--frames", "N", &Request::frames, "of a clip; 0: the model's", {.min = 0}},
    {"--steps", "N", &Request::steps, "0: the model's", {.min = 0}},
    {"--guidance", "X", &Request::guidance, "of both experts; 0: the model's", {.min = 0}},
    {"--shift", "X", &Request::shift, "0: the model's", {.min = 0}},
    {"--split",
     "NAME",
     &Request::split,
     "combinations that training never saw, or did",
     {.choices = kSplits}},
    {"--device", "NAME", &Request::device, "cpu or cuda:N"},
    {"--dtype", "T", &Request::dtype, "type of the matrices", {.choices = kDtypes}},
    {"--seed", "N", &Request::seed, "of the prompts; clip i has noise seed N+i", {.min = 0}},
    {"--json", "", &Request::json, "one object per clip and one for the score"},
};

constexpr Form<Request> kForm = {
    .command = "zoetrope-engine score-toy",
    .summary = "Measures how often the demo family's clips show what their prompts say.",
    .options = kOptions,
};

pipelines::TextToVideo open(const Request& request, const specs::ModelSpec& model) {
  auto found = weights::open_checkpoint(request.folder.front());
  if (!found.dit || !found.text_encoder || !found.vae ||
      found.dit_low.has_value() != (model.boundary > 0)) {
    throw base::Error(base::Fault::invalid,
                      base::text(request.folder.front(), " is not all of ", model.name));
  }
  const models::Placement placement = {
      torch::Device(request.device), request.dtype == "bf16" ? torch::kBFloat16 : torch::kFloat32};
  const auto dit = [placement](const weights::DitPart& part) {
    return [part, placement] {
      models::Weights w(part.tensors, part.origin, placement);
      models::Dit made(part.spec, w);
      w.finish();
      return made;
    };
  };
  pipelines::TextToVideoParts parts;
  parts.umt5 = [part = *found.text_encoder, placement] {
    return models::Umt5(part.spec, models::Weights(part.tensors, part.origin, placement));
  };
  parts.high_noise = dit(*found.dit);
  if (found.dit_low) parts.low_noise = dit(*found.dit_low);
  parts.vae = [part = *found.vae, placement] {
    return models::Vae(part.spec, models::Weights(part.tensors, part.origin, placement));
  };
  return {model, std::move(parts), pipelines::Residency::all};
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
  Complaints complaints;
  const auto request = read_options(kForm, arguments, complaints);
  if (!request) return kDone;
  const auto* model = specs::find_model(request->model);
  if (model == nullptr) complaints.add(base::text("--model: no model \"", request->model, "\""));
  if (request->folder.size() != 1) complaints.add("score-toy needs one folder");
  complaints.refuse();

  auto pipeline = open(*request, *model);
  auto clip = clip_request(*request, *model);
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
