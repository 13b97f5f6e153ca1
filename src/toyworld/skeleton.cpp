// SPDX-License-Identifier: Apache-2.0
#include "toyworld/skeleton.h"

namespace toyworld {
namespace {

using models::Stream;

Tensor around(const std::vector<models::ResidualBlock>& blocks, Tensor x_BCFHW, Stream& stream) {
  for (const auto& block : blocks) {
    if (block.shortcut) x_BCFHW = (*block.shortcut)(x_BCFHW, stream);
  }
  return x_BCFHW;
}

}  // namespace

Tensor skeleton_encode(const models::Vae& vae, const Tensor& video_BCFHW) {
  auto stream = Stream::of_one_chunk();
  auto x_BCFHW = vae.encoder->conv1(video_BCFHW, stream);
  for (const auto& stage : vae.encoder->downsamples) {
    x_BCFHW = around(stage.blocks, x_BCFHW, stream);
    if (stage.downsample) x_BCFHW = (*stage.downsample)(x_BCFHW, stream);
  }
  return (*vae.conv1)(vae.encoder->head(x_BCFHW, stream), stream);
}

Tensor skeleton_decode(const models::Vae& vae, const Tensor& latent_BZFHW) {
  auto stream = Stream::of_one_chunk();
  auto x_BCFHW = vae.decoder.conv1(vae.conv2(latent_BZFHW, stream), stream);
  for (const auto& stage : vae.decoder.upsamples) {
    x_BCFHW = around(stage.blocks, x_BCFHW, stream);
    if (stage.upsample) x_BCFHW = (*stage.upsample)(x_BCFHW, stream);
  }
  return vae.decoder.head(x_BCFHW, stream);
}

}  // namespace toyworld
