// SPDX-License-Identifier: Apache-2.0
#include "pipelines/rgb.h"

namespace pipelines {

torch::Tensor as_rgb(const torch::Tensor& frames_CFHW) {
  const auto scaled_CFHW = (frames_CFHW.to(torch::kFloat32).clamp(-1, 1) + 1) / 2 * 255;
  return scaled_CFHW.to(torch::kUInt8).permute({1, 2, 3, 0}).cpu().contiguous();
}

void for_each_frame(const torch::Tensor& frames_CFHW,
                    const std::function<void(std::span<const uint8_t> rgb)>& use) {
  const auto rgb_FHWC = as_rgb(frames_CFHW);
  const auto bytes = static_cast<size_t>(rgb_FHWC[0].numel());
  for (int64_t i = 0; i < rgb_FHWC.size(0); ++i) {
    use({rgb_FHWC[i].data_ptr<uint8_t>(), bytes});
  }
}

}  // namespace pipelines
