// SPDX-License-Identifier: Apache-2.0
// C channels, F frames, H W latent size, L tokens, D width, B batch
#include "bench/subjects.h"

#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "bench/random_weights.h"
#include "models/dit.h"
#include "models/umt5.h"
#include "models/vae.h"
#include "pipelines/text_to_video.h"
#include "specs/cost.h"
#include "weights/checkpoint.h"
#include "weights/safetensors.h"

namespace bench {
namespace {

using torch::Tensor;

constexpr int64_t kPromptTokens = 60;
constexpr double kTimestep = 500;
constexpr uint64_t kSeed = 1;  // whose noise bench/compare.py gives the peer

// The part of the checkpoint, or random numbers where none is given.
template <typename Part, typename Spec>
models::Weights weights_of(const std::optional<Part>& part,
                           const Spec& spec,
                           const Setting& setting) {
  if (part) return {part->tensors, part->origin, setting.placement};
  if (!setting.weights.empty()) {
    throw base::Error(base::Fault::invalid,
                      base::text(setting.weights.string(), ": lacks the part to be measured"));
  }
  const auto tensors = weights::tensors_of(spec);
  return random_weights(tensors, "random weights", setting.placement);
}

weights::Checkpoint checkpoint_of(const Setting& setting) {
  return setting.weights.empty() ? weights::Checkpoint()
                                 : weights::open_checkpoint(setting.weights);
}

// `name` of the inputs file, or what `make` gives.
Tensor input(const Setting& setting, const std::string& name, const std::function<Tensor()>& make) {
  if (setting.inputs.empty()) return make().to(setting.placement.device);
  const auto file = weights::read_safetensors(setting.inputs);
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) {
    throw base::Error(base::Fault::invalid,
                      base::text(setting.inputs.string(), ": no tensor ", name));
  }
  return models::as_tensor(found->second)
      .to(setting.placement.device,
          /*non_blocking=*/false,
          /*copy=*/true);
}

Tensor random_latent(const Setting& setting) {
  const auto shape = specs::latent_shape(setting.model.vae, setting.size, setting.frames);
  return torch::randn({setting.model.vae.z_dim, shape.frames, shape.height, shape.width});
}

Tensor random_ids(const specs::Umt5Spec& umt5) {
  auto ids_L = torch::randint(/*low=*/3, umt5.vocab, {kPromptTokens}, torch::kInt64);
  ids_L[-1] = 1;  // the end token
  return ids_L;
}

}  // namespace

Result run_dit(const Setting& setting) {
  torch::InferenceMode guard;
  const auto checkpoint = checkpoint_of(setting);
  const auto spec = checkpoint.dit ? checkpoint.dit->spec : setting.model.dit;
  const models::Dit dit(spec, weights_of(checkpoint.dit, spec, setting));
  const auto x_BCFHW = input(setting, "x", [&] { return random_latent(setting); }).unsqueeze(0);
  const auto t_B = input(setting, "t", [] { return torch::full({1}, kTimestep); });
  const auto context_LD = input(setting, "context", [&] {
    return torch::randn({kPromptTokens, spec.text_dim});
  });
  const auto context = dit.prepare(context_LD.unsqueeze(0),
                                   {context_LD.size(0)},
                                   {},
                                   models::exact_padding(setting.placement.device));

  const auto shape = specs::latent_shape(setting.model.vae, setting.size, setting.frames);
  Result result{.flops = specs::dit_flops(spec, shape),
                .attention_flops = specs::dit_self_attention_flops(spec, shape)};
  result.timing = measure(setting.placement.device, setting.repeats, [&] {
    result.output = dit(x_BCFHW, t_B, context).squeeze(0);
  });
  return result;
}

Result run_vae(const Setting& setting) {
  torch::InferenceMode guard;
  const auto checkpoint = checkpoint_of(setting);
  const auto spec = checkpoint.vae ? checkpoint.vae->spec : setting.model.vae;
  const models::Vae vae(spec, weights_of(checkpoint.vae, spec, setting), models::VaeUse::decode);
  const auto z_CFHW = input(setting, "z", [&] { return random_latent(setting); });

  Result result{.flops = specs::vae_decode_flops(
                    spec, specs::latent_shape(spec, setting.size, setting.frames))};
  // Groups are let go of as they come, as the encoder of the video does; only the last run's frames
  // are kept, on the CPU.
  std::vector<Tensor> groups;
  result.timing = measure(setting.placement.device, setting.repeats, [&] {
    groups.clear();
    vae.decode(z_CFHW, [&](const Tensor& frames_CFHW) { groups.push_back(frames_CFHW.cpu()); });
  });
  result.output = torch::cat(groups, 1);
  return result;
}

Result run_umt5(const Setting& setting) {
  torch::InferenceMode guard;
  const auto checkpoint = checkpoint_of(setting);
  const auto spec = checkpoint.text_encoder ? checkpoint.text_encoder->spec : setting.model.umt5;
  const models::Umt5 umt5(spec, weights_of(checkpoint.text_encoder, spec, setting));
  const auto ids_L = input(setting, "ids", [&] { return random_ids(spec); });

  Result result{.flops = specs::umt5_flops(spec, ids_L.size(0))};
  result.timing = measure(
      setting.placement.device, setting.repeats, [&] { result.output = umt5.encode(ids_L); });
  return result;
}

Result run_pipeline(const Setting& setting) {
  const auto checkpoint = checkpoint_of(setting);
  const auto umt5 = checkpoint.text_encoder ? checkpoint.text_encoder->spec : setting.model.umt5;
  const auto dit = checkpoint.dit ? checkpoint.dit->spec : setting.model.dit;
  const auto vae = checkpoint.vae ? checkpoint.vae->spec : setting.model.vae;
  auto spec = setting.model;
  spec.boundary = 0;  // one network: the cost of a step does not depend on which
  pipelines::TextToVideo pipeline(
      spec,
      {.umt5 =
           [&] { return models::Umt5(umt5, weights_of(checkpoint.text_encoder, umt5, setting)); },
       .high_noise = [&] { return models::Dit(dit, weights_of(checkpoint.dit, dit, setting)); },
       .low_noise = {},
       .vae =
           [&] {
             return models::Vae(
                 vae, weights_of(checkpoint.vae, vae, setting), models::VaeUse::decode);
           }},
      pipelines::Residency::all);
  const auto ids = [&](const std::string& name) {
    const auto ids_L = input(setting, name, [&] { return random_ids(umt5); }).cpu();
    return std::vector<int64_t>(ids_L.data_ptr<int64_t>(),
                                ids_L.data_ptr<int64_t>() + ids_L.numel());
  };
  auto request = pipelines::defaults(spec);
  request.prompt = ids("ids");
  request.negative_prompt = ids("negative_ids");
  request.size = setting.size;
  request.frames = setting.frames;
  request.steps = setting.steps;
  request.seed = kSeed;

  const auto shape = specs::latent_shape(vae, setting.size, setting.frames);
  Result result{.flops = 2 * setting.steps * specs::dit_flops(dit, shape) +
                         specs::vae_decode_flops(vae, shape)};
  result.timing = measure(setting.placement.device, setting.repeats, [&] {
    std::vector<Tensor> groups;
    pipeline.decode(pipeline.denoise(request, {}), {}, [&](const Tensor& frames_CFHW) {
      groups.push_back(frames_CFHW.cpu());
    });
    result.output = torch::cat(groups, 1);
  });
  return result;
}

}  // namespace bench
