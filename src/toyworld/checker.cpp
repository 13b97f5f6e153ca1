// SPDX-License-Identifier: Apache-2.0
// C channels, F frames, H rows, W columns
#include "toyworld/checker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "toyworld/render.h"

namespace toyworld {
namespace {

constexpr int kPixels = kWidth * kHeight;
constexpr int kBorder = 3;            // px of frame that show background
constexpr double kSameColour = 0.03;  // squared distance in RGB 0..1
constexpr int kFewestPixels = 6;      // per frame, for an object to be there
constexpr int kSmallestMask = 15;

size_t pixel(int x, int y) {
  return static_cast<size_t>(y) * kWidth + static_cast<size_t>(x);
}

double squared_distance(const Rgb& a, const Rgb& b) {
  double sum = 0;
  for (size_t c = 0; c < 3; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

// Frames as pixels of RGB 0..1.
class Clip {
 public:
  explicit Clip(const Tensor& clip_CFHW) : frames_(static_cast<int>(clip_CFHW.size(1))) {
    const auto contiguous = clip_CFHW.contiguous();
    const float* data = contiguous.const_data_ptr<float>();
    const size_t plane = static_cast<size_t>(frames_) * kPixels;
    pixels_.resize(plane);
    for (size_t i = 0; i < plane; ++i) {
      for (size_t c = 0; c < 3; ++c) pixels_[i][c] = (data[c * plane + i] + 1) / 2;
    }
  }
  int frames() const { return frames_; }
  const Rgb& at(int frame, int x, int y) const {
    return pixels_[static_cast<size_t>(frame) * kPixels + pixel(x, y)];
  }

 private:
  int frames_;
  std::vector<Rgb> pixels_;
};

template <size_t Size>
size_t most(const std::array<int, Size>& votes) {
  return static_cast<size_t>(std::ranges::max_element(votes) - votes.begin());
}

template <size_t Size>
size_t nearest(const Rgb& rgb, const std::array<NamedColour, Size>& colours) {
  size_t best = 0;
  for (size_t i = 1; i < Size; ++i) {
    if (squared_distance(rgb, colours[i].rgb) < squared_distance(rgb, colours[best].rgb)) best = i;
  }
  return best;
}

int background_of(const Clip& clip) {
  std::array<int, kBackgrounds.size()> votes{};
  for (int f = 0; f < clip.frames(); ++f) {
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const bool inside =
            x >= kBorder && x < kWidth - kBorder && y >= kBorder && y < kHeight - kBorder;
        if (!inside) ++votes[nearest(clip.at(f, x, y), kBackgrounds)];
      }
    }
  }
  return static_cast<int>(most(votes));
}

// The colour most pixels of an object have; empty where there is no object.
std::optional<int> colour_of(const Clip& clip, int background) {
  std::array<int, kColours.size()> votes{};
  int total = 0;
  for (int f = 0; f < clip.frames(); ++f) {
    for (int y = 0; y < kHeight; ++y) {
      const Rgb behind = background_at(background, y);
      for (int x = 0; x < kWidth; ++x) {
        const Rgb& rgb = clip.at(f, x, y);
        const size_t colour = nearest(rgb, kColours);
        if (squared_distance(rgb, kColours[colour].rgb) >= kSameColour) continue;
        if (squared_distance(rgb, behind) <= kSameColour) continue;
        ++votes[colour];
        ++total;
      }
    }
  }
  if (total < kFewestPixels * clip.frames()) return {};
  return static_cast<int>(most(votes));
}

// The object in one frame.
struct Mask {
  std::vector<bool> inside;
  int frame = 0;
  double area = 0, x = 0, y = 0;
  bool touches_edge = false;

  bool at(int column, int row) const {
    if (column < 0 || column >= kWidth || row < 0 || row >= kHeight) return false;
    return inside[pixel(column, row)];
  }
};

// Pixels nearer to the object's colour than to the background's, along the line between them.
Mask mask_of(const Clip& clip, int frame, int background, int colour) {
  Mask mask;
  mask.frame = frame;
  mask.inside.resize(kPixels);
  const Rgb& object = kColours[static_cast<size_t>(colour)].rgb;
  for (int y = 0; y < kHeight; ++y) {
    const Rgb behind = background_at(background, y);
    const double length = squared_distance(object, behind);
    for (int x = 0; x < kWidth; ++x) {
      const Rgb& rgb = clip.at(frame, x, y);
      double along = 0;
      for (size_t c = 0; c < 3; ++c) along += (rgb[c] - behind[c]) * (object[c] - behind[c]);
      if (along <= length / 2) continue;
      mask.inside[pixel(x, y)] = true;
      mask.area += 1;
      mask.x += x + 0.5;
      mask.y += y + 0.5;
      mask.touches_edge |= x == 0 || y == 0 || x == kWidth - 1 || y == kHeight - 1;
    }
  }
  if (mask.area > 0) {
    mask.x /= mask.area;
    mask.y /= mask.area;
  }
  return mask;
}

// ── shape ───────────────────────────────────────────────────────────────────────────────────────

// Area for radius 1, summed on a fine grid.
double unit_area(Shape shape) {
  constexpr int kSteps = 400;
  constexpr double kReach = 1.4;
  int inside = 0;
  for (int i = 0; i < kSteps; ++i) {
    for (int j = 0; j < kSteps; ++j) {
      const double x = (2 * (i + 0.5) / kSteps - 1) * kReach,
                   y = (2 * (j + 0.5) / kSteps - 1) * kReach;
      inside += signed_distance(shape, x, y) < 0;
    }
  }
  return inside * std::pow(2 * kReach / kSteps, 2);
}

// Overlap of a mask with the shape drawn at its centre with its area.
double overlap(const Mask& mask, Shape shape, double radius, double angle) {
  const double cosine = std::cos(angle), sine = std::sin(angle);
  int both = 0, either = 0;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const double dx = (x + 0.5 - mask.x) / radius, dy = (y + 0.5 - mask.y) / radius;
      const bool near = dx * dx + dy * dy < 2;
      const bool drawn =
          near && signed_distance(shape, cosine * dx + sine * dy, -sine * dx + cosine * dy) < 0;
      both += drawn && mask.at(x, y);
      either += drawn || mask.at(x, y);
    }
  }
  return static_cast<double>(both) / std::max(1, either);
}

double best_overlap(const Mask& mask, Shape shape, double area) {
  constexpr int kRotations = 10;
  const double radius = std::sqrt(mask.area / area);
  const double period = symmetry(shape);
  double best = 0;
  for (int i = 0; i < (period > 0 ? kRotations : 1); ++i) {
    best = std::max(best, overlap(mask, shape, radius, period * i / kRotations));
  }
  return best;
}

Shape shape_of(std::vector<const Mask*> whole) {
  constexpr size_t kLooks = 5;
  static const auto kAreas = [] {
    std::array<double, kWorldShapes> areas;
    for (size_t s = 0; s < areas.size(); ++s) areas[s] = unit_area(static_cast<Shape>(s));
    return areas;
  }();
  std::ranges::sort(whole, std::greater(), [](const Mask* mask) { return mask->area; });
  whole.resize((whole.size() + 1) / 2);
  std::array<double, kWorldShapes> sums{};
  const size_t looks = std::min(kLooks, whole.size());
  for (size_t i = 0; i < looks; ++i) {
    for (size_t s = 0; s < sums.size(); ++s) {
      sums[s] += best_overlap(*whole[i * whole.size() / looks], static_cast<Shape>(s), kAreas[s]);
    }
  }
  return static_cast<Shape>(std::ranges::max_element(sums) - sums.begin());
}

// ── motion ──────────────────────────────────────────────────────────────────────────────────────

// How one coordinate of the centre runs through the clip.
struct Path {
  double range = 0;
  double velocity = 0;     // median, px per 32 frames
  double consistency = 0;  // share of the steps that go the median's way
};

Path path_of(const std::vector<const Mask*>& whole, double Mask::*coordinate) {
  std::vector<double> steps;
  double low = 1e9, high = -1e9;
  for (size_t i = 0; i < whole.size(); ++i) {
    const double here = whole[i]->*coordinate;
    low = std::min(low, here);
    high = std::max(high, here);
    if (i > 0)
      steps.push_back((here - whole[i - 1]->*coordinate) / (whole[i]->frame - whole[i - 1]->frame));
  }
  if (steps.empty()) return {};
  const size_t middle = steps.size() / 2;
  std::ranges::nth_element(steps, steps.begin() + static_cast<ptrdiff_t>(middle));
  const double median = steps[middle];
  const auto agreeing =
      std::ranges::count_if(steps, [&](double step) { return step * median > 0; });
  return {
      high - low, median * 32, static_cast<double>(agreeing) / static_cast<double>(steps.size())};
}

// Logarithm of the growth in area between the first and the last eighth.
double growth(const std::vector<const Mask*>& whole) {
  const size_t eighth = std::max<size_t>(1, whole.size() / 8);
  double first = 0, last = 0;
  for (size_t i = 0; i < eighth; ++i) {
    first += whole[i]->area;
    last += whole[whole.size() - 1 - i]->area;
  }
  return std::log(last / first);
}

// Whether the object, moved back to where it started, ever covers something else there.
bool turns(const std::vector<const Mask*>& whole) {
  constexpr double kSameShape = 0.86;
  const Mask& first = *whole.front();
  for (const Mask* mask : whole) {
    const int dx = static_cast<int>(std::lround(mask->x - first.x));
    const int dy = static_cast<int>(std::lround(mask->y - first.y));
    double best = 0;
    for (int shift = 0; shift < 9; ++shift) {
      const int sx = dx + shift % 3 - 1, sy = dy + shift / 3 - 1;
      int both = 0, either = 0;
      for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
          both += first.at(x, y) && mask->at(x + sx, y + sy);
          either += first.at(x, y) || mask->at(x + sx, y + sy);
        }
      }
      best = std::max(best, static_cast<double>(both) / std::max(1, either));
    }
    if (best < kSameShape) return true;
  }
  return false;
}

Motion motion_of(const std::vector<const Mask*>& whole) {
  constexpr double kGrowth = 0.7, kStays = 14, kRests = 8, kMoves = 8, kConsistent = 0.85;
  const double change = growth(whole);
  const Path across = path_of(whole, &Mask::x), along = path_of(whole, &Mask::y);
  if (std::abs(change) > kGrowth && across.range < kStays && along.range < kStays) {
    return change > 0 ? Motion::grow : Motion::shrink;
  }
  if (across.range > kStays && along.range > kStays && across.consistency < kConsistent) {
    return Motion::orbit;
  }
  if (std::abs(across.velocity) > kMoves && across.consistency > kConsistent &&
      std::abs(across.velocity) > 1.5 * std::abs(along.velocity)) {
    return across.velocity > 0 ? Motion::right : Motion::left;
  }
  if (along.range > kRests + 1) {
    if (along.consistency <= kConsistent) return Motion::bounce;
    return along.velocity > 0 ? Motion::down : Motion::up;
  }
  return turns(whole) ? Motion::spin : Motion::still;
}

}  // namespace

Seen look_at(const Tensor& clip_CFHW) {
  const Clip clip(clip_CFHW);
  Seen seen;
  seen.concept_.background = background_of(clip);
  const auto colour = colour_of(clip, seen.concept_.background);
  if (!colour) return seen;
  seen.concept_.colour = *colour;
  std::vector<Mask> masks;
  masks.reserve(static_cast<size_t>(clip.frames()));
  for (int f = 0; f < clip.frames(); ++f) {
    masks.push_back(mask_of(clip, f, seen.concept_.background, *colour));
  }
  std::vector<const Mask*> whole;
  for (const Mask& mask : masks) {
    if (mask.area > kSmallestMask && !mask.touches_edge) whole.push_back(&mask);
  }
  if (whole.empty()) return seen;
  seen.object = true;
  seen.concept_.shape = shape_of(whole);
  seen.concept_.motion = motion_of(whole);
  return seen;
}

Adherence check(const Tensor& clip_CFHW, const Concept& wanted) {
  const Seen seen = look_at(clip_CFHW);
  const Concept& found = seen.concept_;
  return {.colour = seen.object && found.colour == wanted.colour,
          .shape = seen.object && found.shape == wanted.shape,
          .background = found.background == wanted.background,
          .motion = seen.object && (clip_CFHW.size(1) == 1 || found.motion == wanted.motion)};
}

}  // namespace toyworld
