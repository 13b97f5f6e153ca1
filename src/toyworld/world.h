// SPDX-License-Identifier: Apache-2.0
// The toy world: coloured shapes that move in front of plain backgrounds. What a scene is, which
// scenes training may see, and where an object is at a given time.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "toyworld/random.h"

namespace toyworld {

constexpr int kWidth = 112;
constexpr int kHeight = 64;
constexpr int kFps = 16;
constexpr int kTokenSize = 16;           // px a token of the transformer covers in each direction
constexpr double kLongestSeconds = 5.0;  // 81 frames; shorter clips are windows into such a scene

using Rgb = std::array<float, 3>;  // 0..1

struct NamedColour {
  std::string_view name;
  Rgb rgb;
};

constexpr Rgb bytes(float red, float green, float blue) {
  return {red / 255.f, green / 255.f, blue / 255.f};
}

constexpr std::array<NamedColour, 8> kColours = {{{"red", bytes(220, 30, 35)},
                                                  {"green", bytes(40, 185, 60)},
                                                  {"blue", bytes(40, 85, 235)},
                                                  {"yellow", bytes(250, 220, 40)},
                                                  {"orange", bytes(250, 130, 20)},
                                                  {"purple", bytes(140, 50, 200)},
                                                  {"cyan", bytes(40, 210, 230)},
                                                  {"pink", bytes(250, 120, 190)}}};

constexpr std::array<NamedColour, 6> kBackgrounds = {{{"white", bytes(240, 240, 240)},
                                                      {"black", bytes(16, 16, 16)},
                                                      {"gray", bytes(128, 128, 128)},
                                                      {"navy", bytes(20, 28, 90)},
                                                      {"beige", bytes(235, 215, 170)},
                                                      {"forest", bytes(20, 70, 40)}}};

enum class Shape { circle, square, triangle, star, ring, cross, heart };
constexpr std::array<std::string_view, 7> kShapes = {
    "circle", "square", "triangle", "star", "ring", "cross", "heart"};
// The heart is outside the world: it has no word and is only drawn where a new look is wanted.
constexpr int kWorldShapes = 6;

// Radians after which a shape looks the same again; 0 where there is no such part of a turn.
double symmetry(Shape shape);

enum class Motion { left, right, up, down, bounce, spin, grow, shrink, orbit, still };
constexpr std::array<std::string_view, 10> kMotions = {
    "left", "right", "up", "down", "bounce", "spin", "grow", "shrink", "orbit", "still"};

// What a prompt says about a one-object scene: indices into the tables above.
struct Concept {
  int colour = 0;
  Shape shape = Shape::circle;
  int background = 0;
  Motion motion = Motion::still;

  bool operator==(const Concept&) const = default;
};

// Whether training never sees this combination of colour, shape and motion (about 1 in 12).
bool is_held_out(const Concept& concept_);

// Circles and rings look the same from every angle, so they never spin.
bool is_possible(const Concept& concept_);

// A random possible concept that is held out, or one that is not.
enum class Split { training, held_out };
Concept sample_concept(Random& random, Split split);

// One object. Positions are pixels from the top left corner; y grows downwards.
struct Object {
  Rgb rgb{};
  Rgb stripe{};          // second colour of diagonal stripes, where striped
  bool striped = false;  // no object of the world is
  Shape shape = Shape::circle;
  Motion motion = Motion::still;
  double x = 0, y = 0;    // centre at the middle of the longest clip
  double radius = 0;      // for grow and shrink: at the start of the clip
  double end_radius = 0;  // for grow and shrink: at its end
  double angle = 0;       // radians, at t = 0
  double speed = 0;       // px/s; for spin radians/s
  double height = 0;      // of a bounce; radius of an orbit
  double period = 1;      // seconds, of a bounce or an orbit
};

struct Scene {
  int background = 0;
  std::vector<Object> objects;  // later ones in front
  double start = 0;             // seconds into the longest clip at which this one begins
};

// Where an object is: what the renderer draws.
struct Pose {
  double x = 0, y = 0, radius = 0, angle = 0;
};

// `time` in seconds from the start of the clip, `duration` the clip's length in seconds.
Pose pose_at(const Object& object, double start, double time, double duration);

// A random scene that shows the concept, for a clip of `frames` frames.
Scene make_scene(const Concept& concept_, int frames, Random& random);

// A scene for the video autoencoder only: one to five objects of any colour, shape (hearts too) and
// angle, some striped, so that looks outside the world survive encoding.
Scene make_dense_scene(int frames, Random& random);

}  // namespace toyworld
