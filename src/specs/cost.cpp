// SPDX-License-Identifier: Apache-2.0
#include "specs/cost.h"

#include <array>
#include <vector>

namespace specs {
namespace {

constexpr int kStages = 4;
constexpr std::array<int, kStages> kMultipliers = {1, 2, 4, 4};
constexpr int kBlocksPerEncoderStage = 2;
constexpr int kBlocksPerDecoderStage = 3;

// Running sum over the convolutions of an autoencoder, at the size the sequence has got to.
struct Counter {
  double frames, height, width;
  double flops = 0;

  double positions() const { return frames * height * width; }
  void conv(double in, double out, double kernel_volume) {
    flops += 2 * in * out * kernel_volume * positions();
  }
  void residual(double in, double out) {
    conv(in, out, 27);
    conv(out, out, 27);
    if (in != out) conv(in, out, 1);
  }
  void attention(double channels) {
    conv(channels, 3 * channels, 1);
    conv(channels, channels, 1);
    flops += 2 * 2 * channels * positions() * height * width;
  }
  void middle(double channels) {
    residual(channels, channels);
    attention(channels);
    residual(channels, channels);
  }
};

// Which of the first three stages also halve or double time (temperal_downsample).
bool changes_time_down(int stage) {
  return stage == 1 || stage == 2;
}
bool changes_time_up(int stage) {
  return stage == 0 || stage == 1;
}

}  // namespace

LatentShape latent_shape(const VaeSpec& vae, Size size, int frames) {
  return {(frames - 1) / vae.time_stride() + 1,
          size.height / vae.space_stride(),
          size.width / vae.space_stride()};
}

int64_t token_count(const LatentShape& latent) {
  return latent.frames * (latent.height / 2) * (latent.width / 2);
}

double dit_self_attention_flops(const DitSpec& dit, const LatentShape& latent) {
  const auto n = static_cast<double>(token_count(latent));
  return 4 * n * n * dit.dim * dit.num_layers;
}

double dit_flops(const DitSpec& dit, const LatentShape& latent) {
  const auto n = static_cast<double>(token_count(latent));
  const double d = dit.dim;
  const double f = dit.ffn_dim;
  const double text = dit.text_len;
  const double linear = (12 * d * d + 4 * d * f) * n;
  const double cross = 4 * text * n * d;
  const double cross_keys_and_values = 4 * text * d * d;
  return dit_self_attention_flops(dit, latent) +
         dit.num_layers * (linear + cross + cross_keys_and_values);
}

double umt5_flops(const Umt5Spec& umt5, int64_t tokens) {
  const auto n = static_cast<double>(tokens);
  const double linear = n * (4.0 * umt5.dim * umt5.dim_attn + 3.0 * umt5.dim * umt5.dim_ffn) * 2;
  const double attention = 4 * n * n * umt5.dim_attn;
  return umt5.num_layers * (linear + attention);
}

double vae_decode_flops(const VaeSpec& vae, const LatentShape& latent) {
  const bool first = vae.kind == VaeKind::vae21;
  std::vector<double> widths = {1.0 * vae.decoder_dim * kMultipliers[3]};
  for (int i = kStages - 1; i >= 0; --i) widths.push_back(1.0 * vae.decoder_dim * kMultipliers[i]);

  Counter c{1.0 * latent.frames, 1.0 * latent.height, 1.0 * latent.width};
  c.conv(vae.z_dim, vae.z_dim, 1);
  c.conv(vae.z_dim, widths[0], 27);
  c.middle(widths[0]);
  for (int stage = 0; stage < kStages; ++stage) {
    // The 2.1 upsampling halves the channels, so the next stage enters with half its width.
    double in = first && stage > 0 ? widths[stage] / 2 : widths[stage];
    const double out = widths[stage + 1];
    for (int block = 0; block < kBlocksPerDecoderStage; ++block, in = out) c.residual(in, out);
    if (stage == kStages - 1) break;
    if (changes_time_up(stage)) {
      c.frames -= 1;  // the first frame passes the time convolution by
      c.conv(out, 2 * out, 3);
      c.frames = 2 * c.frames + 1;
    }
    c.height *= 2;
    c.width *= 2;
    c.conv(out, first ? out / 2 : out, 9);
  }
  c.conv(widths.back(), first ? 3 : 12, 27);
  return c.flops;
}

double vae_encode_flops(const VaeSpec& vae, const LatentShape& latent) {
  const bool first = vae.kind == VaeKind::vae21;
  Counter c{4.0 * (latent.frames - 1) + 1, 8.0 * latent.height, 8.0 * latent.width};
  c.conv(first ? 3 : 12, vae.dim, 27);
  double in = vae.dim;
  for (int stage = 0; stage < kStages; ++stage) {
    const double out = 1.0 * vae.dim * kMultipliers[stage];
    for (int block = 0; block < kBlocksPerEncoderStage; ++block, in = out) c.residual(in, out);
    if (stage == kStages - 1) break;
    c.height /= 2;
    c.width /= 2;
    c.conv(out, out, 9);
    if (changes_time_down(stage)) {
      c.frames = (c.frames - 1) / 2;
      c.conv(out, out, 3);
      c.frames += 1;
    }
  }
  c.middle(in);
  c.conv(in, 2.0 * vae.z_dim, 27);
  c.conv(2.0 * vae.z_dim, 2.0 * vae.z_dim, 1);
  return c.flops;
}

}  // namespace specs
