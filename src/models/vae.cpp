// SPDX-License-Identifier: Apache-2.0
#include "models/vae.h"

#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "models/vae22.h"

namespace models {
namespace {

using base::text;
using specs::VaeKind;

[[noreturn]] void refuse(const std::string& why) {
  throw base::Error(base::Fault::invalid, text("VAE: ", why));
}

void check_video(const Tensor& video, const specs::VaeSpec& spec) {
  const auto stride = spec.space_stride();
  const auto sizes = video.sizes();
  const bool good = video.dim() >= 4 && video.size(-4) == 3 && video.size(-3) > 0 &&
                    video.size(-2) > 0 && video.size(-1) > 0 && video.size(-2) % stride == 0 &&
                    video.size(-1) % stride == 0;
  if (!good) {
    refuse(text("video ",
                sizes,
                ", expected 3 channels, frames, and height and width divisible by ",
                stride));
  }
}

void check_latent(const Tensor& latent, const specs::VaeSpec& spec) {
  if (latent.dim() >= 4 && latent.size(-4) == spec.z_dim && latent.numel() > 0) return;
  refuse(text(
      "latent ", latent.sizes(), ", expected ", spec.z_dim, " channels, frames, rows, columns"));
}

Tensor per_channel(std::span<const float> values, const Placement& placement) {
  return torch::tensor(at::ArrayRef<float>(values.data(), values.size()), torch::kFloat32)
      .view({-1, 1, 1, 1})
      .to(placement.device);
}

CausalConv3d moments_conv(const specs::VaeSpec& spec, const Weights& from) {
  return {from, "conv1", {2 * spec.z_dim, 2 * spec.z_dim, 1, 1, 1}};
}

}  // namespace

Vae::Vae(const specs::VaeSpec& spec_, Weights from, VaeUse use)
    : spec(spec_),
      dtype(from.placement().matrices),
      encoder(use == VaeUse::both ? std::make_optional<Encoder3d>(spec, from.in("encoder"))
                                  : std::nullopt),
      decoder(spec, from.in("decoder")),
      conv1(use == VaeUse::both ? std::make_optional<CausalConv3d>(moments_conv(spec, from))
                                : std::nullopt),
      conv2(from, "conv2", {spec.z_dim, spec.z_dim, 1, 1, 1}),
      mean(per_channel(specs::latents_mean(spec.kind), from.placement())),
      std(per_channel(specs::latents_std(spec.kind), from.placement())) {
  if (use == VaeUse::decode) {
    from.skip_below("encoder");
    from.skip_below("conv1");
  }
  from.finish();
}

Tensor Vae::encode(const Tensor& video_CFHW) const {
  check_video(video_CFHW, spec);
  const auto video_BCFHW = video_CFHW.unsqueeze(0);
  const auto chunks = 1 + (video_CFHW.size(1) - 1) / spec.time_stride();
  std::vector<Tensor> latents_BZFHW;
  Stream stream;
  for (int64_t i = 0; i < chunks; ++i) {
    stream.first = i == 0;
    stream.last = i + 1 == chunks;
    const auto begin = i == 0 ? 0 : 1 + (i - 1) * spec.time_stride();
    const auto end = 1 + i * spec.time_stride();
    const auto moments_BMFHW = encode_chunk(video_BCFHW.slice(2, begin, end), stream);
    latents_BZFHW.push_back(normalised(moments_BMFHW.slice(1, 0, spec.z_dim)));
  }
  return torch::cat(latents_BZFHW, 2).squeeze(0);
}

void Vae::decode(const Tensor& latent_ZFHW,
                 const std::function<void(const Tensor& frames_CFHW)>& frames) const {
  check_latent(latent_ZFHW, spec);
  const auto raw_BZFHW = denormalised(latent_ZFHW).unsqueeze(0);
  const auto chunks = raw_BZFHW.size(2);
  Stream stream;
  for (int64_t i = 0; i < chunks; ++i) {
    stream.first = i == 0;
    stream.last = i + 1 == chunks;
    const auto pixels_BCFHW = decode_chunk(raw_BZFHW.slice(2, i, i + 1), stream);
    frames(pixels_BCFHW.squeeze(0).to(torch::kFloat32).clamp(-1, 1));
  }
}

Tensor Vae::encode_moments(const Tensor& video_BCFHW) const {
  check_video(video_BCFHW, spec);
  if (video_BCFHW.size(2) % spec.time_stride() != 1) {
    refuse(text("video of ", video_BCFHW.size(2), " frames, expected 4n+1"));
  }
  auto stream = Stream::of_one_chunk();
  return encode_chunk(video_BCFHW, stream);
}

Tensor Vae::decode_raw(const Tensor& latent_BZFHW) const {
  check_latent(latent_BZFHW, spec);
  auto stream = Stream::of_one_chunk();
  return decode_chunk(latent_BZFHW, stream);
}

Tensor Vae::normalised(const Tensor& raw_ZFHW) const {
  return (raw_ZFHW - mean) / std;
}

Tensor Vae::denormalised(const Tensor& latent_ZFHW) const {
  return latent_ZFHW * std + mean;
}

Tensor Vae::encode_chunk(const Tensor& video_BCFHW, Stream& stream) const {
  if (!encoder) throw std::logic_error("a Vae made to decode cannot encode");
  auto x_BCFHW = video_BCFHW.to(dtype);
  if (spec.kind == VaeKind::vae22) x_BCFHW = patchify(x_BCFHW);
  return (*conv1)((*encoder)(x_BCFHW, stream), stream);
}

Tensor Vae::decode_chunk(const Tensor& latent_BZFHW, Stream& stream) const {
  const auto pixels_BCFHW = decoder(conv2(latent_BZFHW.to(dtype), stream), stream);
  return spec.kind == VaeKind::vae22 ? unpatchify(pixels_BCFHW) : pixels_BCFHW;
}

}  // namespace models
