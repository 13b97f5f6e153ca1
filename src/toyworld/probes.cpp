// SPDX-License-Identifier: Apache-2.0
// F frames, H rows, W columns, O answers; otherwise as in the header
#include "toyworld/probes.h"

#include <array>
#include <cmath>

#include <torch/types.h>

#include "toyworld/render.h"

namespace toyworld {
namespace {

constexpr int kToken = kTokenSize;
constexpr int kCell = 4;  // px
constexpr int64_t kCells = kToken / kCell;
constexpr int kGroup = 4;  // frames per latent frame after the first
constexpr int kCentreStep = 8;
constexpr int kCentreReach = 3;  // steps to each side; farther away is one answer for all
constexpr int kCentreSide = 2 * kCentreReach + 1;
constexpr int64_t kFar = int64_t{kCentreSide} * kCentreSide;
// A token's own place: latent frame, row, column.
constexpr std::array<int64_t, 3> kGrid = {
    static_cast<int64_t>(kLongestSeconds * kFps) / kGroup + 1, kHeight / kToken, kWidth / kToken};
constexpr int64_t kGridAnswers = kGrid[0] + kGrid[1] + kGrid[2];
// All losses near the network's own.
constexpr double kCentreWeight = 0.03, kCoverageWeight = 0.5, kPositionWeight = 0.01;

int64_t centre_cell(double dx, double dy) {
  const auto x = std::lround(dx / kCentreStep), y = std::lround(dy / kCentreStep);
  if (std::abs(x) > kCentreReach || std::abs(y) > kCentreReach) return kFar;
  return (y + kCentreReach) * kCentreSide + x + kCentreReach;
}

Tensor centres(const Scene& scene, int frames) {
  const double duration = (frames - 1) / static_cast<double>(kFps);
  std::vector<int64_t> cells;
  for (int latent = 0; latent <= (frames - 1) / kGroup; ++latent) {
    const double frame = latent == 0 ? 0 : kGroup * latent - (kGroup - 1) / 2.0;
    const Pose pose = pose_at(scene.objects.front(), scene.start, frame / kFps, duration);
    for (int y = kToken / 2; y < kHeight; y += kToken) {
      for (int x = kToken / 2; x < kWidth; x += kToken) {
        cells.push_back(centre_cell(pose.x - x, pose.y - y));
      }
    }
  }
  return torch::tensor(cells, torch::kInt64).unsqueeze(0);
}

Tensor positions(int frames) {
  const auto axis = [](int64_t count) { return torch::arange(count); };
  const auto grid =
      torch::meshgrid({axis((frames - 1) / kGroup + 1), axis(kGrid[1]), axis(kGrid[2])}, "ij");
  return torch::stack({grid[0].flatten(), grid[1].flatten(), grid[2].flatten()}, -1).unsqueeze(0);
}

// The object in white on black, with the black's own brightness taken off.
Tensor coverage(const Scene& scene, int frames) {
  constexpr int kBlack = 1;
  Scene white = {kBlack, {scene.objects.front()}, scene.start};
  white.objects.front().rgb = {1, 1, 1};
  const auto drawn_FHW = render(white, frames)[0], empty_1HW = render({kBlack, {}, 0}, 1)[0];
  const auto pixels_FHW = (drawn_FHW - empty_1HW) / (1 - empty_1HW);
  const auto first = pixels_FHW.slice(0, 0, 1);
  const auto later = pixels_FHW.slice(0, 1).reshape({-1, kGroup, kHeight, kWidth}).mean(1);
  return torch::cat({first, later})
      .reshape({-1, kHeight / kToken, kCells, kCell, kWidth / kToken, kCells, kCell})
      .mean({3, 6})
      .permute({0, 1, 3, 2, 4})
      .reshape({1, -1, kCells * kCells});
}

}  // namespace

NamedTensors without_probes(const NamedTensors& tensors) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(kProbe)) result[name] = tensor;
  }
  return result;
}

Places Places::to(torch::Device device) const {
  return {centre_BL.to(device), coverage_BLP.to(device), position_BLA.to(device)};
}

Places places_of(const Scene& scene, int frames) {
  return {centres(scene, frames), coverage(scene, frames), positions(frames)};
}

Places stack(const std::vector<Places>& places) {
  std::vector<Tensor> centre, coverage, position;
  for (const auto& one : places) {
    centre.push_back(one.centre_BL);
    coverage.push_back(one.coverage_BLP);
    position.push_back(one.position_BLA);
  }
  return {torch::cat(centre), torch::cat(coverage), torch::cat(position)};
}

NamedTensors new_dit_probes(const specs::DitSpec& spec) {
  NamedTensors probes;
  const auto add = [&](const std::string& name, int64_t answers) {
    const auto zeros = [](torch::IntArrayRef shape) {
      return torch::zeros(shape).requires_grad_(true);
    };
    probes[kProbe + name + ".weight"] = zeros({answers, spec.dim});
    probes[kProbe + name + ".bias"] = zeros({answers});
  };
  add("centre", kFar + 1);
  add("position", kGridAnswers);
  add("coverage", kCells * kCells);
  return probes;
}

DitProbes::DitProbes(const NamedTensors& tensors, const specs::DitSpec& spec)
    : tensors_(tensors),
      centre_block_(static_cast<size_t>(spec.num_layers) / 2 - 1),
      coverage_block_(static_cast<size_t>(spec.num_layers) * 3 / 4 - 1) {}

Tensor DitProbes::read(const std::string& name, const Tensor& x_BLD) const {
  return torch::linear(torch::layer_norm(x_BLD, {x_BLD.size(-1)}),
                       tensors_.at(kProbe + name + ".weight"),
                       tensors_.at(kProbe + name + ".bias"));
}

void DitProbes::see(size_t block, const Tensor& x_BLD) {
  if (block == centre_block_) {
    centre_BLO_ = read("centre", x_BLD);
    position_BLO_ = read("position", x_BLD);
  }
  if (block == coverage_block_) coverage_BLP_ = read("coverage", x_BLD);
}

DitProbes::Loss DitProbes::loss(const Places& places) const {
  Tensor position = torch::zeros({}, position_BLO_.options());
  int64_t first = 0;
  for (size_t axis = 0; axis < kGrid.size(); ++axis) {
    position = position + torch::cross_entropy_loss(
                              position_BLO_.narrow(-1, first, kGrid[axis]).flatten(0, 1),
                              places.position_BLA.select(-1, static_cast<int64_t>(axis)).flatten());
    first += kGrid[axis];
  }
  return {torch::cross_entropy_loss(centre_BLO_.flatten(0, 1), places.centre_BL.flatten()),
          (coverage_BLP_ - places.coverage_BLP).square().mean(),
          position};
}

Tensor DitProbes::Loss::total() const {
  return kCentreWeight * centre + kCoverageWeight * coverage + kPositionWeight * position;
}

}  // namespace toyworld
