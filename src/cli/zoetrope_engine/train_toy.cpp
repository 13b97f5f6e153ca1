// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine train-toy STAGE --state DIR …
#include <array>

#include <ATen/Parallel.h>
#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"
#include "cli/zoetrope_engine/freed_memory.h"
#include "specs/specs.h"
#include "toyworld/pca.h"
#include "toyworld/release.h"
#include "toyworld/train_dit.h"
#include "toyworld/train_text.h"
#include "toyworld/train_vae.h"

namespace cli {
namespace {

constexpr std::array<std::string_view, 5> kStages = {"code", "text", "dit", "vae", "release"};

struct Request {
  std::string stage;
  std::string state;
  std::string model = "wan2.1-t2v-tiny";
  std::string device = "cpu";
  int64_t threads = 0;
  int64_t steps = 1000;
  int64_t batch = 64;
  int64_t seed = 1;
  int64_t frames = 1;
  double hold = 0.5;
  double muon_rate = 0.02;
  double adam_rate = 1e-3;
  double average = 0.995;
  double shift = 3;
  double lowest_noise = 0;
  double highest_noise = 1;
  double own_latents = 0;
  int64_t crop = 40;
  double probes = 1;
  int64_t look = 500;
  bool skeleton = false;
  std::string text, code, start, mean_with, vae, dit, high, share;
};

constexpr Option<Request> kOptions[] = {
    {"STAGE",
     "",
     &Request::stage,
     "What to learn, or to write.",
     {.choices = kStages, .required = true}},
    {"--state",
     "DIR",
     &Request::state,
     "Folder of the stage: log, state, weights; of the release.",
     {.required = true}},
    {"--model", "NAME", &Request::model, "Whose networks to train."},
    {"--device", "NAME", &Request::device, "cpu or cuda:N."},
    {"--threads", "N", &Request::threads, "Of the CPU; 0: all.", {.min = 0}},
    {"--steps", "N", &Request::steps, "Until this many in all.", {.min = 1}},
    {"--batch", "N", &Request::batch, "Samples of a step.", {.min = 1}},
    {"--seed", "N", &Request::seed, "Of data, noise and fresh weights.", {.min = 0}},
    {"--frames", "N", &Request::frames, "Of a clip: 1, 5, 9 and so on.", {.min = 1}},
    {"--hold", "X", &Request::hold, "Share of the steps at full rate.", {.min = 0, .max = 0.99}},
    {"--muon-rate", "X", &Request::muon_rate, "Learning rate of matrices.", {.min = 0}},
    {"--adam-rate", "X", &Request::adam_rate, "Learning rate of the rest.", {.min = 0}},
    {"--average",
     "X",
     &Request::average,
     "Running average kept per step.",
     {.min = 0, .max = 0.99999}},
    {"--shift", "X", &Request::shift, "dit: of the noise levels.", {.min = 0.1}},
    {"--lowest-noise", "X", &Request::lowest_noise, "dit: of an expert.", {.min = 0, .max = 1}},
    {"--highest-noise", "X", &Request::highest_noise, "dit: of an expert.", {.min = 0, .max = 1}},
    {"--crop",
     "N",
     &Request::crop,
     "vae: px of a square window; 0: whole frames.",
     {.min = 0, .max = 64}},
    {"--skeleton", "", &Request::skeleton, "vae: without the residual branches, to begin with."},
    {"--own-latents",
     "X",
     &Request::own_latents,
     "vae: share of steps without the code.",
     {.min = 0, .max = 1}},
    {"--probes", "X", &Request::probes, "dit: weight of the probes' losses; 0: none.", {.min = 0}},
    {"--look", "N", &Request::look, "Steps between scores; 0: none.", {.min = 0}},
    {"--text", "FILE", &Request::text, "dit, release: weights of the text stage."},
    {"--code", "FILE", &Request::code, "dit, vae: the linear code."},
    {"--start", "FILE", &Request::start, "Weights to start from."},
    {"--mean-with", "FILE", &Request::mean_with, "dit: start halfway between these and --start."},
    {"--vae", "FILE", &Request::vae, "release: weights of the vae stage."},
    {"--dit", "FILE", &Request::dit, "release: the only transformer, or the low-noise expert."},
    {"--high", "FILE", &Request::high, "release: the high-noise expert."},
    {"--share", "DIR", &Request::share, "release: link to this one's text encoder and VAE."},
};

constexpr Form<Request> kForm = {
    "zoetrope-engine train-toy",
    "Trains one part of the demo family. Started again with the same folder, it goes on.",
    kOptions,
    "Order and settings: weights/tiny/README.md."};

void complain(const Request& request, Complaints& complaints) {
  const auto need = [&](const std::string& value, std::string_view option) {
    if (value.empty()) {
      complaints.add(base::text("train-toy ", request.stage, " needs ", option, " FILE"));
    }
  };
  const bool releases = request.stage == "release";
  const bool shares = releases && !request.share.empty();
  if (shares && !(request.text.empty() && request.vae.empty())) {
    complaints.add("--share takes the place of --text and --vae");
  }
  if (request.stage == "dit" || (releases && !shares)) need(request.text, "--text");
  if (releases && !shares) need(request.vae, "--vae");
  if (releases) need(request.dit, "--dit");
  if (!request.mean_with.empty()) need(request.start, "--start");
  if (request.stage == "dit" || request.stage == "vae") need(request.code, "--code");
  if (request.frames % 4 != 1) {
    complaints.add(base::text("--frames: ", request.frames, " is not 4n+1"));
  }
  if (request.lowest_noise >= request.highest_noise) {
    complaints.add("--lowest-noise is not below --highest-noise");
  }
  if (request.crop % 8 != 0) complaints.add(base::text("--crop: ", request.crop, " is not 8n"));
  if (specs::find_model(request.model) == nullptr) {
    complaints.add(base::text("--model: no model \"", request.model, "\""));
  }
}

toyworld::RunSettings run_settings(const Request& request) {
  return {.folder = request.state,
          .steps = request.steps,
          .batch = request.batch,
          .seed = static_cast<uint64_t>(request.seed),
          .device = torch::Device(request.device),
          .hold = request.hold};
}

toyworld::DitSettings dit_settings(const Request& request) {
  return {.text_weights = request.text,
          .code = request.code,
          .start_weights = request.start,
          .mean_with = request.mean_with,
          .frames = static_cast<int>(request.frames),
          .shift = request.shift,
          .lowest_noise = request.lowest_noise,
          .highest_noise = request.highest_noise,
          .muon_rate = request.muon_rate,
          .adam_rate = request.adam_rate,
          .probes = request.probes,
          .average = request.average,
          .steps_per_look = request.look};
}

toyworld::VaeSettings vae_settings(const Request& request) {
  return {.code = request.code,
          .start_weights = request.start,
          .frames = static_cast<int>(request.frames),
          .crop = static_cast<int>(request.crop),
          .skeleton = request.skeleton,
          .muon_rate = request.muon_rate,
          .adam_rate = request.adam_rate,
          .average = request.average,
          .own_latents = request.own_latents,
          .steps_per_look = request.look};
}

// Fits the linear code to as many clips as there are steps.
void fit_code(const Request& request) {
  constexpr double kDetail = 0.25;  // see toyworld/pca.h
  std::filesystem::create_directories(request.state);
  const auto code = toyworld::fit_pca(
      static_cast<uint64_t>(request.seed), static_cast<int>(request.steps), kDetail);
  toyworld::save_pca(code, std::filesystem::path(request.state) / "code.safetensors");
}

}  // namespace

int train_toy(Arguments arguments) {
  Complaints complaints;
  const auto request = read_options(kForm, arguments, complaints);
  if (!request) return kDone;
  complain(*request, complaints);
  complaints.refuse();
  keep_freed_memory();
  if (request->threads > 0) at::set_num_threads(static_cast<int>(request->threads));
  const auto& model = *specs::find_model(request->model);
  if (request->stage == "code") fit_code(*request);
  if (request->stage == "text") toyworld::train_text(model.umt5, run_settings(*request));
  if (request->stage == "dit") {
    toyworld::train_dit(model, dit_settings(*request), run_settings(*request));
  }
  if (request->stage == "vae") {
    toyworld::train_vae(model.vae, vae_settings(*request), run_settings(*request));
  }
  if (request->stage == "release") {
    toyworld::write_release(
        request->state,
        model,
        {request->text, request->vae, request->share, request->dit, request->high});
  }
  return kDone;
}

}  // namespace cli
