// SPDX-License-Identifier: Apache-2.0
// Draws scenes: every shape is a signed distance, its edge one pixel of coverage.
#pragma once

#include <torch/types.h>

#include "toyworld/world.h"

namespace toyworld {

using torch::Tensor;

// Distance of a point from the shape's edge, negative inside, for radius 1 and angle 0; y grows
// downwards and the shapes stand upright.
double signed_distance(Shape shape, double x, double y);

// Colour of the background at row y: the plain colour, a little lighter above.
Rgb background_at(int background, int y);

// The clip [3, frames, kHeight, kWidth], fp32 in -1..1, as the video autoencoder takes it.
Tensor render(const Scene& scene, int frames);

}  // namespace toyworld
