// SPDX-License-Identifier: Apache-2.0
#include "toyworld/world.h"

#include <cmath>
#include <numbers>

namespace toyworld {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kFloorGap = 3;  // px between the frame's edge and the lowest point of a bounce

double seconds(int frames) {
  return (frames - 1) / static_cast<double>(kFps);
}

double fraction(double value) {
  return value - std::floor(value);
}

// To draw a shape, a token of the transformer has to know where in the shape it lies. Positions,
// speeds and periods are therefore such that objects take few different places inside a token: a
// small network learns those in minutes, and all of a continuum only in hours.
constexpr double kTick = 0.25;  // s, of a token

// A random multiple of `step`, at most `reach` away from 0.
int on_grid(Random& random, int reach, int step) {
  const int count = reach / step;
  return step * (random.below(2 * count + 1) - count);
}

// Paths lead through the middle of the frame; rising and falling objects come in at one edge and
// leave at the other. Bounces, orbits and spins begin alike and take their time: what a token shows
// is then a smooth function of its frame.
void set_motion(Object& object) {
  switch (object.motion) {
    case Motion::left:
    case Motion::right:
      object.x = kWidth / 2.0;
      [[fallthrough]];
    case Motion::up:
    case Motion::down:
      object.speed = 16;
      break;
    case Motion::bounce:
      object.y = kHeight - kFloorGap - object.radius;
      object.height = 22;
      object.period = 8 * kTick;
      break;
    case Motion::spin:
      object.speed = (symmetry(object.shape) > 0 ? symmetry(object.shape) : kPi / 2) / (8 * kTick);
      break;
    case Motion::grow:
      object.radius = 6;
      object.end_radius = 20;
      break;
    case Motion::shrink:
      object.radius = 20;
      object.end_radius = 6;
      break;
    case Motion::orbit:
      object.height = 12;
      object.period = 12 * kTick;
      break;
    case Motion::still:
      break;
  }
}

Rgb any_colour(Random& random) {
  Rgb rgb;
  for (auto& channel : rgb) channel = static_cast<float>(random.uniform());
  return rgb;
}

}  // namespace

double symmetry(Shape shape) {
  switch (shape) {
    case Shape::square:
    case Shape::cross:
      return kPi / 2;
    case Shape::triangle:
      return kPi * 2 / 3;
    case Shape::star:
      return kPi * 2 / 5;
    default:
      return 0;
  }
}

bool is_held_out(const Concept& concept_) {
  const int c = concept_.colour;
  const int s = static_cast<int>(concept_.shape);
  const int m = static_cast<int>(concept_.motion);
  // Every colour, shape and motion is held out in a twelfth of its combinations, or nearly.
  return (c + 2 * s + 3 * m) % 12 == 0;
}

bool is_possible(const Concept& concept_) {
  const bool round = concept_.shape == Shape::circle || concept_.shape == Shape::ring;
  return !(round && concept_.motion == Motion::spin);
}

Concept sample_concept(Random& random, Split split) {
  while (true) {
    const Concept drawn = {random.below(static_cast<int>(kColours.size())),
                           static_cast<Shape>(random.below(kWorldShapes)),
                           random.below(static_cast<int>(kBackgrounds.size())),
                           static_cast<Motion>(random.below(static_cast<int>(kMotions.size())))};
    if (is_possible(drawn) && is_held_out(drawn) == (split == Split::held_out)) return drawn;
  }
}

Pose pose_at(const Object& object, double start, double time, double duration) {
  Pose pose = {object.x, object.y, object.radius, object.angle};
  const double since_middle = start + time - kLongestSeconds / 2;
  const double turn = time / object.period;
  switch (object.motion) {
    case Motion::left:
      pose.x -= object.speed * since_middle;
      break;
    case Motion::right:
      pose.x += object.speed * since_middle;
      break;
    case Motion::up:
      pose.y -= object.speed * since_middle;
      break;
    case Motion::down:
      pose.y += object.speed * since_middle;
      break;
    case Motion::bounce: {
      const double u = fraction(turn);
      pose.y -= object.height * 4 * u * (1 - u);
      break;
    }
    case Motion::spin:
      pose.angle += object.speed * time;
      break;
    case Motion::grow:
    case Motion::shrink:
      if (duration > 0) pose.radius += (object.end_radius - object.radius) * time / duration;
      break;
    case Motion::orbit:
      pose.x += object.height * std::cos(2 * kPi * turn);
      pose.y += object.height * std::sin(2 * kPi * turn);
      break;
    case Motion::still:
      break;
  }
  return pose;
}

Scene make_scene(const Concept& concept_, int frames, Random& random) {
  Scene scene;
  scene.background = concept_.background;
  // Near the ends of a path the object is partly outside: windows keep to the middle half.
  const double slack = std::max(0.0, kLongestSeconds - seconds(frames));
  const int quarter = static_cast<int>(slack / 4 / kTick);
  scene.start = kTick * (quarter + random.below(2 * quarter + 1));
  Object object;
  object.rgb = kColours[static_cast<size_t>(concept_.colour)].rgb;
  object.shape = concept_.shape;
  object.motion = concept_.motion;
  object.radius = 15;
  object.x = kWidth / 2.0 + on_grid(random, kTokenSize, kTokenSize);
  object.y = kHeight / 2.0;
  set_motion(object);
  scene.objects.push_back(object);
  return scene;
}

Scene make_dense_scene(int frames, Random& random) {
  Scene scene;
  scene.background = random.below(static_cast<int>(kBackgrounds.size()));
  const int count = 1 + random.below(5);
  for (int i = 0; i < count; ++i) {
    const Concept concept_ = {0,
                              static_cast<Shape>(random.below(static_cast<int>(kShapes.size()))),
                              scene.background,
                              static_cast<Motion>(random.below(static_cast<int>(kMotions.size())))};
    const Scene one = make_scene(concept_, frames, random);
    scene.start = one.start;
    Object object = one.objects.front();
    object.rgb = any_colour(random);
    object.striped = random.chance(0.3);
    object.stripe = any_colour(random);
    object.angle = random.uniform(0, 2 * kPi);
    object.x = random.uniform(0, kWidth);
    object.y = random.uniform(0, kHeight);
    object.radius *= random.uniform(0.5, 1.3);
    scene.objects.push_back(object);
  }
  return scene;
}

}  // namespace toyworld
