// SPDX-License-Identifier: Apache-2.0
// C channels, F frames, H rows, W columns
#include "toyworld/render.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace toyworld {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kStripeWidth = 0.45;  // in radii
constexpr double kReach = 1.35;        // no shape is wider than this many radii

double distance_to_star(double x, double y) {
  // Five wedges folded onto one: the edge is the segment from an outer to an inner corner.
  constexpr double kOuter = 1.2, kInner = 0.52;
  constexpr double kHalfWedge = kPi / 5;
  const double distance = std::hypot(x, y);
  const double wedge = 2 * kHalfWedge;
  double angle = std::atan2(x, -y);  // 0 points up
  angle = std::abs(angle - wedge * std::round(angle / wedge));
  const double px = distance * std::cos(angle), py = distance * std::sin(angle);
  const double bx = kInner * std::cos(kHalfWedge), by = kInner * std::sin(kHalfWedge);
  const double ex = bx - kOuter, ey = by;
  const double along = std::clamp(((px - kOuter) * ex + py * ey) / (ex * ex + ey * ey), 0.0, 1.0);
  const double dx = px - kOuter - along * ex, dy = py - along * ey;
  const double side = ex * (py - 0) - ey * (px - kOuter);
  return std::copysign(std::hypot(dx, dy), -side);
}

double distance_to_heart(double x, double y) {
  // Two discs above a square that stands on its corner.
  const double disc = std::hypot(std::abs(x) - 0.45, y + 0.35) - 0.55;
  const double diamond = (std::abs(x) + std::abs(y + 0.02) - 0.98) * std::numbers::sqrt2 / 2;
  return std::min(disc, std::max(diamond, -(y + 0.35)));
}

// Coverage of the pixel centred at (x, y) by the object, and its colour there.
struct Paint {
  double coverage = 0;
  const Rgb* rgb = nullptr;
};

Paint paint_at(const Object& object, const Pose& pose, double cosine, double sine, int x, int y) {
  const double dx = (x + 0.5 - pose.x) / pose.radius, dy = (y + 0.5 - pose.y) / pose.radius;
  const double u = cosine * dx + sine * dy, v = -sine * dx + cosine * dy;
  const double distance = signed_distance(object.shape, u, v) * pose.radius;
  const bool odd =
      object.striped && std::fmod(u + v + 100 * kStripeWidth, 2 * kStripeWidth) < kStripeWidth;
  return {std::clamp(0.5 - distance, 0.0, 1.0), odd ? &object.stripe : &object.rgb};
}

void draw(const Object& object, const Pose& pose, float* frame, int64_t plane) {
  const double reach = pose.radius * kReach + 1;
  const int left = std::max(0, static_cast<int>(std::floor(pose.x - reach)));
  const int right = std::min(kWidth - 1, static_cast<int>(std::ceil(pose.x + reach)));
  const int top = std::max(0, static_cast<int>(std::floor(pose.y - reach)));
  const int bottom = std::min(kHeight - 1, static_cast<int>(std::ceil(pose.y + reach)));
  const double cosine = std::cos(pose.angle), sine = std::sin(pose.angle);
  for (int y = top; y <= bottom; ++y) {
    for (int x = left; x <= right; ++x) {
      const Paint paint = paint_at(object, pose, cosine, sine, x, y);
      if (paint.coverage <= 0) continue;
      for (int c = 0; c < 3; ++c) {
        float& pixel = frame[c * plane + y * kWidth + x];
        const float target = 2 * (*paint.rgb)[static_cast<size_t>(c)] - 1;
        pixel += static_cast<float>(paint.coverage) * (target - pixel);
      }
    }
  }
}

}  // namespace

double signed_distance(Shape shape, double x, double y) {
  constexpr double kCos30 = 0.8660254037844386, kSin30 = 0.5;
  const double ax = std::abs(x), ay = std::abs(y);
  switch (shape) {
    case Shape::circle:
      return std::hypot(x, y) - 1;
    case Shape::square:
      return std::max(ax, ay) - 0.85;
    case Shape::triangle:
      return std::max(y, kCos30 * ax - kSin30 * y) - 0.6;
    case Shape::star:
      return distance_to_star(x, y);
    case Shape::ring:
      return std::abs(std::hypot(x, y) - 0.76) - 0.26;
    case Shape::cross:
      return std::min(std::max(ax - 1.05, ay - 0.36), std::max(ay - 1.05, ax - 0.36));
    case Shape::heart:
      return distance_to_heart(x, y);
  }
  return 0;
}

Rgb background_at(int background, int y) {
  Rgb rgb = kBackgrounds[static_cast<size_t>(background)].rgb;
  const double shade = 1 + 0.12 * (0.5 - y / static_cast<double>(kHeight));
  for (auto& channel : rgb) channel = static_cast<float>(std::min(1.0, channel * shade));
  return rgb;
}

Tensor render(const Scene& scene, int frames) {
  auto clip_CFHW = torch::empty({3, frames, kHeight, kWidth});
  const int64_t plane = static_cast<int64_t>(frames) * kHeight * kWidth;
  float* const pixels = clip_CFHW.mutable_data_ptr<float>();
  const double duration = (frames - 1) / static_cast<double>(kFps);
  for (int f = 0; f < frames; ++f) {
    float* const frame = pixels + static_cast<int64_t>(f) * kHeight * kWidth;
    for (int y = 0; y < kHeight; ++y) {
      const Rgb rgb = background_at(scene.background, y);
      for (size_t c = 0; c < 3; ++c) {
        float* const row = frame + static_cast<int64_t>(c) * plane + y * kWidth;
        std::fill(row, row + kWidth, 2 * rgb[c] - 1);
      }
    }
    for (const Object& object : scene.objects) {
      draw(object,
           pose_at(object, scene.start, f / static_cast<double>(kFps), duration),
           frame,
           plane);
    }
  }
  return clip_CFHW;
}

}  // namespace toyworld
