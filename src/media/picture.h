// SPDX-License-Identifier: Apache-2.0
// A picture in memory, and pictures of another size.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace media {

struct Size {
  int width = 0;
  int height = 0;
  bool operator==(const Size&) const = default;
};

// Pixels of one picture: rows from the top, three bytes (red, green, blue) each, nothing between.
using Rgb = std::span<const uint8_t>;

struct Picture {
  Size size;
  std::vector<uint8_t> rgb;
};

// `rgb` of size `from`, resampled (Lanczos) to `to`.
Picture resample(Rgb rgb, Size from, Size to);

// Throws Error(internal) unless `rgb` holds exactly a picture of that size.
void check_holds(Rgb rgb, Size size);

}  // namespace media
