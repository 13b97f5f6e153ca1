// SPDX-License-Identifier: Apache-2.0
#include "models/vae_coder.h"

#include <array>

#include <torch/types.h>

#include "base/text.h"
#include "models/vae22.h"

namespace models {
namespace {

using base::text;
using specs::VaeKind;
using specs::VaeSpec;

constexpr int kStages = 4;
constexpr int kResidualBlocks = 2;  // per encoder stage; one more in the decoder
constexpr std::array kEncoderWidths = {1, 1, 2, 4, 4};
constexpr std::array kDecoderWidths = {4, 4, 4, 2, 1};
// Which of the three resamplers work on time as well.
constexpr std::array kTimeDownsample = {false, true, true};
constexpr std::array kTimeUpsample = {true, true, false};

// The parts of a stage by the checkpoint's names: "downsamples.7" in the flat list of 2.1,
// "downsamples.2.downsamples.1" in the groups of 2.2.
class StageNames {
 public:
  StageNames(VaeKind kind, std::string list) : kind_(kind), list_(std::move(list)) {}

  std::string next() {
    if (kind_ == VaeKind::vae21) return text(list_, ".", part_++);
    return text(list_, ".", stage_, ".", list_, ".", part_++);
  }
  void end_stage() {
    ++stage_;
    if (kind_ == VaeKind::vae22) part_ = 0;
  }

 private:
  VaeKind kind_;
  std::string list_;
  int stage_ = 0, part_ = 0;
};

std::vector<DownStage> down_stages(const VaeSpec& spec, const Weights& from) {
  std::vector<DownStage> stages;
  StageNames names(spec.kind, "downsamples");
  for (int i = 0; i < kStages; ++i) {
    DownStage stage{.out = spec.dim * kEncoderWidths[i + 1]};
    int64_t in = spec.dim * kEncoderWidths[i];
    for (int j = 0; j < kResidualBlocks; ++j) {
      stage.blocks.emplace_back(from.in(names.next()), in, stage.out);
      in = stage.out;
    }
    if (i + 1 < kStages) {
      const auto axes = kTimeDownsample[i] ? Axes::space_and_time : Axes::space;
      stage.downsample.emplace(from.in(names.next()), stage.out, axes);
      stage.space = 2;
      stage.time = kTimeDownsample[i] ? 2 : 1;
    }
    names.end_stage();
    stages.push_back(std::move(stage));
  }
  return stages;
}

std::vector<UpStage> up_stages(const VaeSpec& spec, const Weights& from) {
  std::vector<UpStage> stages;
  StageNames names(spec.kind, "upsamples");
  int64_t in = spec.decoder_dim * kDecoderWidths[0];
  for (int i = 0; i < kStages; ++i) {
    UpStage stage{.out = spec.decoder_dim * kDecoderWidths[i + 1]};
    for (int j = 0; j <= kResidualBlocks; ++j) {
      stage.blocks.emplace_back(from.in(names.next()), in, stage.out);
      in = stage.out;
    }
    if (i + 1 < kStages) {
      const auto axes = kTimeUpsample[i] ? Axes::space_and_time : Axes::space;
      // The 2.1 upsamplers halve the width, those of 2.2 keep it.
      in = spec.kind == VaeKind::vae21 ? stage.out / 2 : stage.out;
      stage.upsample.emplace(from.in(names.next()), stage.out, in, axes);
      stage.space = 2;
      stage.time = kTimeUpsample[i] ? 2 : 1;
    }
    names.end_stage();
    stages.push_back(std::move(stage));
  }
  return stages;
}

int64_t pixel_channels(const VaeSpec& spec) {
  return spec.kind == VaeKind::vae21 ? 3 : 12;
}

}  // namespace

Encoder3d::Encoder3d(const VaeSpec& spec, Weights from)
    : kind(spec.kind),
      conv1(from, "conv1", {spec.dim, pixel_channels(spec), 3, 3, 3}),
      downsamples(down_stages(spec, from)),
      middle(from.in("middle"), downsamples.back().out),
      head(from.in("head"), downsamples.back().out, 2 * spec.z_dim) {}

Tensor Encoder3d::operator()(const Tensor& x_BCFHW, Stream& stream) const {
  auto y_BCFHW = conv1(x_BCFHW, stream);
  for (const auto& stage : downsamples) {
    const auto input_BCFHW = y_BCFHW;
    for (const auto& block : stage.blocks) y_BCFHW = block(y_BCFHW, stream);
    if (stage.downsample) y_BCFHW = (*stage.downsample)(y_BCFHW, stream);
    if (kind == VaeKind::vae22) {
      y_BCFHW = y_BCFHW + average_down(input_BCFHW, stage.out, stage.time, stage.space);
    }
  }
  return head(middle(y_BCFHW, stream), stream);
}

Decoder3d::Decoder3d(const VaeSpec& spec, Weights from)
    : kind(spec.kind),
      conv1(from, "conv1", {spec.decoder_dim * kDecoderWidths[0], spec.z_dim, 3, 3, 3}),
      middle(from.in("middle"), spec.decoder_dim * kDecoderWidths[0]),
      upsamples(up_stages(spec, from)),
      head(from.in("head"), upsamples.back().out, pixel_channels(spec)) {}

Tensor Decoder3d::operator()(const Tensor& x_BCFHW, Stream& stream) const {
  auto y_BCFHW = middle(conv1(x_BCFHW, stream), stream);
  for (const auto& stage : upsamples) {
    Tensor input_BCFHW;  // kept only where it is needed: at full size it weighs
    if (kind == VaeKind::vae22) input_BCFHW = y_BCFHW;
    for (const auto& block : stage.blocks) y_BCFHW = block(y_BCFHW, stream);
    if (!stage.upsample) continue;
    y_BCFHW = (*stage.upsample)(y_BCFHW, stream);
    if (kind == VaeKind::vae22) {
      y_BCFHW = y_BCFHW + duplicate_up(input_BCFHW, stage.out, stage.time, stage.space, stream);
    }
  }
  return head(y_BCFHW, stream);
}

}  // namespace models
