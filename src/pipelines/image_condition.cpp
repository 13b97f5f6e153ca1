// SPDX-License-Identifier: Apache-2.0
#include "pipelines/image_condition.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace pipelines {
namespace {

using base::text;
using specs::Size;

// A video side is a multiple of the latent stride times the patch.
constexpr int kI2vStride = 8;
constexpr int kI2vPatch = 2;
constexpr int kTi2vMultiple = 32;

[[noreturn]] void refuse(Size image, int64_t max_area) {
  throw base::Error(base::Fault::invalid,
                    text("image: ",
                         image.width,
                         "x",
                         image.height,
                         " leaves no room for a video of at most ",
                         max_area,
                         " pixels"));
}

Tensor to_unit_range(const Tensor& image_HWC) {
  return (image_HWC.permute({2, 0, 1}).to(torch::kFloat32) / 255 - 0.5) / 0.5;
}

// ── Lanczos ─────────────────────────────────────────────────────────────────────────────────────

constexpr double kLobes = 3;
constexpr int kFractionBits = 22;  // of a weight

double sinc(double x) {
  if (x == 0) return 1;
  const double angle = x * M_PI;
  return std::sin(angle) / angle;
}

double lanczos_weight(double x) {
  return x >= -kLobes && x < kLobes ? sinc(x) * sinc(x / kLobes) : 0;
}

// The input pixels that make one output pixel, and their integer weights.
struct Taps {
  int first = 0;
  std::vector<int> weights;
};

std::vector<Taps> taps(int from, int to) {
  const auto nearest = [](double x) { return static_cast<int>(std::floor(x + 0.5)); };
  const double scale = double(from) / to;
  const double stretch = std::max(scale, 1.0);
  std::vector<Taps> all;
  for (int x = 0; x < to; ++x) {
    const double centre = (x + 0.5) * scale;
    const int first = std::max(nearest(centre - kLobes * stretch), 0);
    const int end = std::min(nearest(centre + kLobes * stretch), from);
    std::vector<double> weights;
    double sum = 0;
    for (int i = first; i < end; ++i) {
      weights.push_back(lanczos_weight((i - centre + 0.5) / stretch));
      sum += weights.back();
    }
    Taps one{.first = first};
    for (const double weight : weights) {
      one.weights.push_back(static_cast<int>(std::lround(weight / sum * (1 << kFractionBits))));
    }
    all.push_back(std::move(one));
  }
  return all;
}

// Resamples dimension 1 of uint8 [outer, from, inner].
Tensor resample(const Tensor& in_OFI, int to) {
  const int64_t outer = in_OFI.size(0);
  const int from = static_cast<int>(in_OFI.size(1));
  const int64_t inner = in_OFI.size(2);
  if (from == to) return in_OFI;
  const auto columns = taps(from, to);
  auto out_OTI = torch::empty({outer, to, inner}, torch::kUInt8);
  const auto* source = in_OFI.const_data_ptr<uint8_t>();
  auto* target = out_OTI.mutable_data_ptr<uint8_t>();
  for (int64_t o = 0; o < outer; ++o, source += from * inner) {
    for (const auto& column : columns) {
      for (int64_t i = 0; i < inner; ++i) {
        int sum = 1 << (kFractionBits - 1);
        const auto* pixel = source + column.first * inner + i;
        for (const int weight : column.weights) {
          sum += weight * *pixel;
          pixel += inner;
        }
        *target++ = static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
      }
    }
  }
  return out_OTI;
}

}  // namespace

Tensor lanczos(const Tensor& image_HWC, Size size) {
  const auto image = image_HWC.to(torch::kCPU).contiguous();
  const auto wide_HWC = resample(image, size.width);
  const int64_t channels = image.size(2);
  return resample(wide_HWC.reshape({1, image.size(0), size.width * channels}), size.height)
      .reshape({size.height, size.width, channels});
}

// ── 36-channel models ───────────────────────────────────────────────────────────────────────────

Size i2v_size(Size image, int64_t max_area) {
  const double shape = double(image.height) / image.width;
  const auto fitted = [](double side) {
    return static_cast<int>(std::floor(std::floor(side / kI2vStride) / kI2vPatch)) * kI2vPatch *
           kI2vStride;
  };
  const auto area = static_cast<double>(max_area);
  const Size video{fitted(std::sqrt(area / shape)), fitted(std::sqrt(area * shape))};
  if (video.width < 1 || video.height < 1) refuse(image, max_area);
  return video;
}

Tensor i2v_image(const Tensor& image_HWC, Size size) {
  return at::upsample_bicubic2d(to_unit_range(image_HWC.to(torch::kCPU)).unsqueeze(0).contiguous(),
                                {size.height, size.width},
                                /*align_corners=*/false)
      .squeeze(0);
}

I2vCondition i2v_condition(const models::Vae& vae, const Tensor& resized_CHW, int64_t frames) {
  const auto rest = torch::zeros({3, frames - 1, resized_CHW.size(1), resized_CHW.size(2)},
                                 resized_CHW.options());
  I2vCondition condition{.latent_CThw =
                             vae.encode(torch::cat({resized_CHW.unsqueeze(1), rest}, 1))};
  auto shape = condition.latent_CThw.sizes().vec();
  shape[0] = vae.spec.time_stride();
  condition.mask_4Thw = torch::zeros(shape, condition.latent_CThw.options());
  condition.mask_4Thw.select(1, 0).fill_(1);
  return condition;
}

// ── per-token timesteps ─────────────────────────────────────────────────────────────────────────

Ti2vFit ti2v_fit(Size image, int64_t max_area) {
  const auto area = static_cast<double>(max_area);
  const double shape = double(image.width) / image.height;
  const auto down = [](double side) {
    return static_cast<int>(std::floor(side / kTi2vMultiple)) * kTi2vMultiple;
  };
  const double wide = std::sqrt(area * shape);
  const Size by_width{down(wide), down(area / std::max(down(wide), 1))};
  const int high = down(area / wide);
  const Size by_height{down(area / std::max(high, 1)), high};
  for (const auto& size : {by_width, by_height}) {
    if (size.width < 1 || size.height < 1) refuse(image, max_area);
  }
  const auto distance = [&](Size size) {
    const double other = double(size.width) / size.height;
    return std::max(shape / other, other / shape);
  };
  const Size video = distance(by_width) < distance(by_height) ? by_width : by_height;

  const double scale =
      std::max(double(video.width) / image.width, double(video.height) / image.height);
  // nearbyint rounds ties to even, as Python's round does.
  const Size resized{static_cast<int>(std::nearbyint(image.width * scale)),
                     static_cast<int>(std::nearbyint(image.height * scale))};
  return {.video = video,
          .resized = resized,
          .left = (resized.width - video.width) / 2,
          .top = (resized.height - video.height) / 2};
}

Tensor ti2v_image(const Tensor& image_HWC, const Ti2vFit& fit) {
  return to_unit_range(lanczos(image_HWC, fit.resized)
                           .narrow(0, fit.top, fit.video.height)
                           .narrow(1, fit.left, fit.video.width))
      .contiguous();
}

Tensor ti2v_latent(const models::Vae& vae, const Tensor& image_CHW) {
  return vae.encode(image_CHW.unsqueeze(1));
}

}  // namespace pipelines
