// SPDX-License-Identifier: Apache-2.0
// B batch, C channels, F frames, H rows, W columns, Z latent channels
#include "toyworld/train_vae.h"

#include <iomanip>
#include <sstream>

#include <torch/types.h>

#include "base/text.h"
#include "models/vae.h"
#include "toyworld/batch.h"
#include "toyworld/networks.h"
#include "toyworld/pca.h"
#include "toyworld/render.h"
#include "toyworld/score.h"
#include "toyworld/skeleton.h"

namespace toyworld {
namespace {

constexpr int64_t kStepsPerLine = 25;
constexpr double kCodeNoise = 0.05;  // added to codes: what a transformer makes is never exact
constexpr double kAnchor = 0.5;
constexpr uint64_t kLookSeed = 2;

// Muon for every kernel but those that touch pixels or latents.
bool by_muon(std::string_view name) {
  const bool outer = name == "encoder.conv1.weight" || name == "decoder.head.2.weight" ||
                     name == "conv1.weight" || name == "conv2.weight";
  return name.ends_with(".weight") && !outer;
}

// Norms divide every voxel by its size, and with it brightness away. A quarter of the channels that
// reach the two heads start constant, and the decoder's head starts as the difference of opposite
// channels, which SiLU leaves linear.
void keep_brightness(NamedTensors& vae) {
  const torch::NoGradGuard no_grad;
  for (const char* last : {"encoder.downsamples.8.resample.1", "decoder.upsamples.11.resample.1"}) {
    auto& weight = vae.at(base::text(last, ".weight"));
    const auto width = weight.size(0);
    weight.slice(0, width - width / 4).zero_();
    vae.at(base::text(last, ".bias")).slice(0, width - width / 4).fill_(2);
  }
  auto& weight = vae.at("decoder.upsamples.11.resample.1.weight");
  weight.slice(0, 3, 6).copy_(-weight.slice(0, 0, 3));
  const auto rest = weight.size(0) - weight.size(0) / 4;
  weight.slice(0, 6, rest).mul_(0.3);
  auto head = vae.at("decoder.head.2.weight").zero_().select(2, 2).select(2, 1).select(2, 1);
  head.slice(1, 0, 3).copy_(torch::eye(3));
  head.slice(1, 3, 6).copy_(-torch::eye(3));
}

// Fresh weights whose conv2 undoes the normalisation, so that the decoder starts on the code's own
// scale, and whose conv1 starts at the mean with little variance.
NamedTensors anchored_vae(const specs::VaeSpec& spec) {
  auto tensors = new_vae(spec);
  const torch::NoGradGuard no_grad;
  const auto vector = [](std::span<const float> values) {
    return torch::tensor(at::ArrayRef<float>(values.data(), values.size()));
  };
  const auto mean_Z = vector(specs::latents_mean(spec.kind));
  const auto std_Z = vector(specs::latents_std(spec.kind));
  tensors.at("conv2.weight")
      .copy_(torch::diag(1 / std_Z).reshape({spec.z_dim, spec.z_dim, 1, 1, 1}));
  tensors.at("conv2.bias").copy_(-mean_Z / std_Z);
  tensors.at("conv1.bias").copy_(torch::cat({mean_Z, torch::full({spec.z_dim}, -5.0)}));
  tensors.at("conv1.weight").slice(0, 0, spec.z_dim).mul_(std_Z.reshape({-1, 1, 1, 1, 1}));
  keep_brightness(tensors);
  return tensors;
}

models::Vae make_vae(const specs::VaeSpec& spec,
                     const NamedTensors& tensors,
                     torch::Device device) {
  return {spec, models::Weights(tensors, "autoencoder in training", {device, torch::kFloat32})};
}

Tensor encode(const models::Vae& vae, const Tensor& clip_BCFHW, const VaeSettings& settings) {
  return settings.skeleton ? skeleton_encode(vae, clip_BCFHW) : vae.encode_moments(clip_BCFHW);
}

Tensor decode(const models::Vae& vae, const Tensor& raw_BZFHW, const VaeSettings& settings) {
  return settings.skeleton ? skeleton_decode(vae, raw_BZFHW) : vae.decode_raw(raw_BZFHW);
}

// A square window per batch, on the grid of latents.
Tensor cropped(const Tensor& clip_BCFHW, int64_t size, Random& random) {
  constexpr int64_t kGrid = 8;
  if (size == 0) return clip_BCFHW;
  const auto place = [&](int64_t length) {
    return kGrid * random.below(static_cast<int>((length - size) / kGrid) + 1);
  };
  return clip_BCFHW.narrow(3, place(kHeight), size).narrow(4, place(kWidth), size);
}

Tensor picture_loss(const Tensor& made, const Tensor& wanted) {
  const auto error = made.to(torch::kFloat32) - wanted;
  const auto across = error.slice(4, 1) - error.slice(4, 0, -1);
  const auto along = error.slice(3, 1) - error.slice(3, 0, -1);
  return error.abs().mean() + 2 * error.square().mean() +
         0.25 * (across.abs().mean() + along.abs().mean());
}

// The two parts of a step's loss.
struct Losses {
  Tensor picture, anchor;  // anchor undefined where the encoder did not run
};

Losses losses_of(const models::Vae& vae,
                 const Pca& code,
                 const VaeSettings& settings,
                 const RunSettings& run,
                 int64_t step) {
  Random random(
      run.seed, static_cast<uint64_t>(Data::autoencoder) + 100, static_cast<uint64_t>(step));
  const auto clips = draw_clips(run.seed, step, run.batch, settings.frames);
  const auto clip_BCFHW = cropped(clips, settings.crop, random).contiguous().to(run.device);
  const auto code_BZFHW = code.encode(clip_BCFHW);
  const bool own = random.chance(settings.own_latents);
  Losses losses;
  Tensor raw_BZFHW;
  if (own || step % settings.steps_per_encoding == 0) {
    const auto moments = encode(vae, clip_BCFHW, settings).to(torch::kFloat32);
    raw_BZFHW = moments.slice(1, 0, vae.spec.z_dim);
    losses.anchor = (vae.normalised(raw_BZFHW) - code_BZFHW).square().mean();
  }
  if (!own) {
    const auto noise = kCodeNoise * torch::randn(code_BZFHW.sizes()).to(run.device);
    raw_BZFHW = vae.denormalised(code_BZFHW + noise);
  }
  losses.picture = picture_loss(decode(vae, raw_BZFHW, settings), clip_BCFHW);
  return losses;
}

double psnr(const Tensor& made, const Tensor& wanted) {
  return 10 * std::log10(4 / (made - wanted).square().mean().item<double>());
}

// Fresh world clips through the code and through the autoencoder itself.
std::string look(const models::Vae& vae, const Pca& code, const VaeSettings& settings) {
  const torch::NoGradGuard no_grad;
  Score score;
  double from_code = 0, from_own = 0, worst = 1e9;
  const auto concepts = concepts_to_score(kLookSeed, settings.clips_per_look, Split::training);
  for (size_t i = 0; i < concepts.size(); ++i) {
    Random random(kLookSeed, 0, i);
    const auto clip = render(make_scene(concepts[i], settings.frames, random), settings.frames);
    const auto clip_BCFHW = clip.unsqueeze(0).to(vae.mean.device());
    const auto raw = vae.denormalised(code.encode(clip_BCFHW));
    const auto drawn = decode(vae, raw, settings).clamp(-1, 1);
    const auto own = encode(vae, clip_BCFHW, settings).slice(1, 0, vae.spec.z_dim);
    const double here = psnr(drawn, clip_BCFHW);
    from_code += here / settings.clips_per_look;
    worst = std::min(worst, here);
    from_own += psnr(decode(vae, own, settings).clamp(-1, 1), clip_BCFHW) / settings.clips_per_look;
    score.add(check(drawn.squeeze(0).to(torch::kCPU, torch::kFloat32), concepts[i]));
  }
  std::ostringstream line;
  line << std::fixed << std::setprecision(2) << "PSNR from the code " << from_code << " (worst "
       << worst << "), from own latents " << from_own << "; " << score.line();
  return line.str();
}

}  // namespace

void train_vae(const specs::VaeSpec& spec,
               const VaeSettings& settings,
               const RunSettings& run_settings) {
  torch::manual_seed(run_settings.seed);
  const auto device = run_settings.device;
  const auto code = load_pca(settings.code).to(device);
  const auto tensors = as_leaves(
      settings.start_weights.empty() ? anchored_vae(spec) : load_tensors(settings.start_weights),
      device);
  const auto vae = make_vae(spec, tensors, device);
  Optimizer optimizer(tensors,
                      by_muon,
                      {.muon_rate = settings.muon_rate,
                       .adam_rate = settings.adam_rate,
                       .adam_beta2 = 0.99,
                       .average = settings.average});
  Run run(run_settings, optimizer);
  double picture = 0, anchor = 0;
  int64_t pictures = 0, anchors = 0;
  while (!run.is_complete()) {
    run.seed_step();
    const auto losses = losses_of(vae, code, settings, run_settings, run.next_step());
    const bool encoded = losses.anchor.defined();
    (encoded ? losses.picture + kAnchor * losses.anchor : losses.picture).backward();
    run.finish_step();
    picture += losses.picture.item<double>();
    ++pictures;
    if (encoded) anchor += losses.anchor.item<double>(), ++anchors;
    const int64_t done = run.next_step();
    if (done % kStepsPerLine == 0) {
      std::ostringstream line;
      line << "step " << done << "  picture " << picture / pictures << "  anchor "
           << anchor / std::max<int64_t>(1, anchors);
      run.log(line.str());
      picture = anchor = 0;
      pictures = anchors = 0;
    }
    const bool looks =
        settings.steps_per_look > 0 && (done % settings.steps_per_look == 0 || run.is_complete());
    if (looks) {
      run.log(look(make_vae(spec, optimizer.average(), device), code, settings));
    }
  }
}

}  // namespace toyworld
