// SPDX-License-Identifier: Apache-2.0
// B batch, C latent channels, F latent frames, H latent rows, W latent columns
#include "toyworld/train_dit.h"

#include <array>
#include <iomanip>
#include <sstream>

#include <torch/types.h>

#include "base/text.h"
#include "toyworld/batch.h"
#include "toyworld/generate.h"
#include "toyworld/networks.h"
#include "toyworld/pca.h"
#include "toyworld/probes.h"
#include "toyworld/prompts.h"
#include "toyworld/score.h"

namespace toyworld {
namespace {

constexpr int64_t kStepsPerLine = 50;
constexpr int kBins = 5;
constexpr uint64_t kScoreSeed = 1;

bool by_muon(std::string_view name) {
  const bool matrix = name.ends_with(".weight") && name.find("norm") == name.npos;
  return name.starts_with("blocks.") && matrix;
}

models::Dit make_dit(const specs::DitSpec& spec,
                     const NamedTensors& tensors,
                     torch::Device device) {
  models::Weights weights(
      without_probes(tensors), "transformer in training", {device, torch::kFloat32});
  models::Dit dit(spec, weights);
  weights.finish();
  return dit;
}

NamedTensors start_of(const specs::DitSpec& spec, const DitSettings& settings) {
  auto start =
      settings.start_weights.empty() ? new_dit(spec) : load_tensors(settings.start_weights);
  if (!settings.mean_with.empty()) {
    const auto others = load_tensors(settings.mean_with);
    for (auto& [name, tensor] : start) tensor = (tensor + others.at(name)) / 2;
  }
  start.merge(new_dit_probes(spec));
  return start;
}

// One noise level per sample, spread evenly over the batch and then shifted towards noise.
Tensor draw_noise_levels(int64_t batch, const DitSettings& settings) {
  // The shift maps 0..1 to itself, so an expert's share is cut out before it.
  const auto unshifted = [&](double s) { return s / (settings.shift - (settings.shift - 1) * s); };
  const double low = unshifted(settings.lowest_noise), high = unshifted(settings.highest_noise);
  const auto u_B = low + (high - low) * ((torch::arange(batch) + torch::rand({batch})) / batch);
  return (settings.shift * u_B / (1 + (settings.shift - 1) * u_B)).clamp_min(1e-4);
}

// The running average's score on held-out prompts, decoded by the linear code.
std::string look(const models::Umt5& umt5,
                 const models::Dit& dit,
                 const Pca& code,
                 const DitSettings& settings) {
  const auto concepts =
      concepts_to_score(kScoreSeed, static_cast<int>(settings.clips_per_look), Split::held_out);
  std::vector<std::string> prompts;
  prompts.reserve(concepts.size());
  for (const auto& concept_ : concepts) prompts.push_back(plain_prompt(concept_));
  const auto latents =
      generate_latents(prompts, umt5, {&dit}, {.frames = settings.frames, .shift = settings.shift});
  Score score;
  for (size_t i = 0; i < concepts.size(); ++i) {
    const auto clip = code.decode(latents.slice(0, i, i + 1)).squeeze(0).to(torch::kCPU);
    score.add(check(clip, concepts[i]));
  }
  return score.line();
}

// The frozen text encoder and the code, and the loss of one step.
struct Lesson {
  models::Umt5 umt5;
  Pca code;
  DitSettings settings;
  RunSettings run;

  // Per sample at its noise level, and what the probes say.
  struct Result {
    Tensor level_B, loss_B;
    DitProbes::Loss probes;
  };

  Result operator()(const models::Dit& dit, DitProbes probes, int64_t step) const {
    const auto drawn = draw_captioned(run.seed, step, run.batch, settings.frames);
    const auto x0_BCFHW = code.encode(drawn.clips_BCFHW.to(run.device));
    const Tokens tokens = tokenise(drawn.prompts).to(run.device);
    Tensor text_BLD;
    {
      const torch::NoGradGuard frozen;
      text_BLD = umt5.encode_batch(tokens.ids_BL, tokens.mask_BL);
    }
    const auto level_B = draw_noise_levels(run.batch, settings).to(run.device);
    const auto noise_BCFHW = torch::randn(x0_BCFHW.sizes()).to(run.device);
    const auto target_BCFHW = noise_BCFHW - x0_BCFHW;
    const auto x_BCFHW = x0_BCFHW + target_BCFHW * level_B.reshape({-1, 1, 1, 1, 1});
    const auto context = dit.prepare(text_BLD, tokens.lengths);
    const auto velocity_BCFHW = dit.finish(
        dit.begin(x_BCFHW, level_B * 1000), context, [&](size_t block, const Tensor& x_BLD) {
          probes.see(block, x_BLD);
        });
    return {level_B,
            (velocity_BCFHW - target_BCFHW).square().mean({1, 2, 3, 4}),
            probes.loss(drawn.places.to(run.device))};
  }
};

// Mean losses since the last line, all together and by fifth of the noise levels.
class Losses {
 public:
  void add(const Lesson::Result& result) {
    const auto loss = result.loss_B.detach().to(torch::kCPU),
               level = result.level_B.to(torch::kCPU);
    centre_ += result.probes.centre.item<double>();
    coverage_ += result.probes.coverage.item<double>();
    position_ += result.probes.position.item<double>();
    ++steps_;
    for (int64_t i = 0; i < loss.numel(); ++i) {
      const int bin = std::min(kBins - 1, static_cast<int>(level[i].item<float>() * kBins));
      sums_[static_cast<size_t>(bin)] += loss[i].item<float>();
      ++counts_[static_cast<size_t>(bin)];
    }
  }

  std::string take() {
    double sum = 0;
    int count = 0;
    std::ostringstream bins;
    bins << std::fixed << std::setprecision(3);
    for (size_t i = 0; i < kBins; ++i) {
      bins << ' ' << sums_[i] / std::max(1, counts_[i]);
      sum += sums_[i];
      count += counts_[i];
    }
    std::ostringstream line;
    line << "loss " << std::fixed << std::setprecision(4) << sum / std::max(1, count)
         << "  by noise" << bins.str() << "  centre " << centre_ / steps_ << "  coverage "
         << coverage_ / steps_ << "  position " << position_ / steps_;
    *this = {};
    return line.str();
  }

 private:
  std::array<double, kBins> sums_{};
  std::array<int, kBins> counts_{};
  double centre_ = 0, coverage_ = 0, position_ = 0;
  int steps_ = 0;
};

}  // namespace

void train_dit(const specs::ModelSpec& model,
               const DitSettings& settings,
               const RunSettings& run_settings) {
  torch::manual_seed(run_settings.seed);
  const auto device = run_settings.device;
  const Lesson lesson = {models::Umt5(model.umt5,
                                      models::Weights(load_tensors(settings.text_weights),
                                                      settings.text_weights.string(),
                                                      {device, torch::kFloat32})),
                         load_pca(settings.code).to(device),
                         settings,
                         run_settings};
  const auto tensors = as_leaves(start_of(model.dit, settings), device);
  const auto dit = make_dit(model.dit, tensors, device);
  const DitProbes probes(tensors, model.dit);
  Optimizer optimizer(tensors,
                      by_muon,
                      {.muon_rate = settings.muon_rate,
                       .adam_rate = settings.adam_rate,
                       .average = settings.average});
  Run run(run_settings, optimizer);
  Losses losses;
  while (!run.is_complete()) {
    run.seed_step();
    const auto result = lesson(dit, probes, run.next_step());
    (result.loss_B.mean() + settings.probes * result.probes.total()).backward();
    losses.add(result);
    run.finish_step();
    const int64_t done = run.next_step();
    if (done % kStepsPerLine == 0) run.log(base::text("step ", done, "  ", losses.take()));
    const bool looks =
        settings.steps_per_look > 0 && (done % settings.steps_per_look == 0 || run.is_complete());
    if (!looks) continue;
    const auto average = make_dit(model.dit, optimizer.average(), device);
    run.log(base::text("step ", done, "  ", look(lesson.umt5, average, lesson.code, settings)));
  }
}

}  // namespace toyworld
