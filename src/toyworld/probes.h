// SPDX-License-Identifier: Apache-2.0
// Probes: linear readings of a network's hidden features that exist in training only. Their losses
// say directly what a layer should know, where the network's own loss would say it last.
// B batch, L tokens, D width of a token, P cells of a token, A axes
#pragma once

#include "models/dit.h"
#include "specs/specs.h"
#include "toyworld/state.h"
#include "toyworld/world.h"

namespace toyworld {

using torch::Tensor;

// Tensors of probes have names that begin so.
constexpr const char* kProbe = "probe.";

// The network's own tensors, under the official names.
NamedTensors without_probes(const NamedTensors& tensors);

// Where the object is, as a token of the transformer sees it (16x16 pixels, one latent frame).
struct Places {
  Tensor centre_BL;     // int64: in which cell of 8 px around the token the object's centre lies
  Tensor coverage_BLP;  // the object's share of each of the token's 4x4 cells of 4 px
  Tensor position_BLA;  // int64: the token's own latent frame, row and column

  Places to(torch::Device device) const;
};
Places places_of(const Scene& scene, int frames);  // of the first object; B = 1
Places stack(const std::vector<Places>& places);

// Probes for a transformer, fresh.
NamedTensors new_dit_probes(const specs::DitSpec& spec);

// Reads the tokens after two of the blocks.
class DitProbes {
 public:
  DitProbes(const NamedTensors& tensors, const specs::DitSpec& spec);

  // To be called with the tokens after every block (models::Dit::finish).
  void see(size_t block, const Tensor& x_BLD);

  // What was seen against what is: cross entropy of the centre and (summed over the axes) of the
  // position, squared error of the coverage.
  struct Loss {
    Tensor centre, coverage, position;
    Tensor total() const;
  };
  Loss loss(const Places& places) const;

 private:
  Tensor read(const std::string& name, const Tensor& x_BLD) const;

  const NamedTensors& tensors_;
  size_t centre_block_, coverage_block_;
  Tensor centre_BLO_, coverage_BLP_, position_BLO_;
};

}  // namespace toyworld
