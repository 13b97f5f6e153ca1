// SPDX-License-Identifier: Apache-2.0
// From noise to a latent: schedules (timesteps and noise levels) and the solvers that follow the
// network's velocity along them. x at noise level sigma is (1 - sigma) * x0 + sigma * noise, the
// network predicts noise - x0.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <torch/types.h>

namespace pipelines {

using torch::Tensor;

enum class Solver {
  unipc,            // wan/utils/fm_solvers_unipc.py: the official default
  dpmpp,            // wan/utils/fm_solvers.py: DPM++ 2M midpoint
  euler,            // Wan2.2-Lightning
  euler_diffusers,  // FlowMatchEulerDiscreteScheduler, which shifts twice
  lightx2v,         // a step list, e.g. 1000 750 500 250
  dmd,              // a step list; predicts x0 and adds fresh noise (FastWan)
};

// "unipc", "dpm++", "euler", "euler_diffusers", "lightx2v", "dmd".
std::string_view name_of(Solver solver);
// Throws Error(invalid) naming the solvers there are.
Solver solver_named(std::string_view name);

// One evaluation of the network and the move that follows it.
struct Step {
  int number;         // from 0
  double timestep;    // what the network is given; an integer for unipc, dpmpp and dmd
  double sigma;       // noise level before the move, rounded to float as the solvers use it
  double next_sigma;  // and after; 0 at the last step
};

class Sampler {
 public:
  // Throws Error(invalid) unless steps >= 1, shift > 0 and the solver takes a count of steps.
  Sampler(Solver solver, int steps, double shift);

  // From a list of unshifted times on the 0..1000 scale (lightx2v), or of timesteps (dmd). Throws
  // Error(invalid) unless they lie in 1..1000 and fall, and the solver takes a list.
  Sampler(Solver solver, std::span<const double> list, double shift);

  const std::vector<Step>& steps() const { return steps_; }
  int count() const { return static_cast<int>(steps_.size()); }
  // dmd draws noise after every step but the last.
  bool needs_noise(const Step& step) const;

  // What a solver remembers of the steps before. One per video, given to every advance().
  struct History {
    std::vector<Tensor> x0;  // predictions of the last two steps, the latest at the back
    Tensor corrected;        // unipc: the latent that the last step started from
    int order = 0;           // unipc: of the last predictor
  };

  // The latent after `step`, in fp32. `noise` is needed where needs_noise(step) says so.
  Tensor advance(const Step& step,
                 const Tensor& x,
                 const Tensor& velocity,
                 History& history,
                 const Tensor& noise = {}) const;

 private:
  Tensor advance_unipc(const Step& step, const Tensor& x, const Tensor& x0, History& history) const;
  Tensor advance_dpmpp(const Step& step, const Tensor& x, const Tensor& x0, History& history) const;
  double lambda(int i) const;

  Solver solver_;
  std::vector<Step> steps_;
};

}  // namespace pipelines
