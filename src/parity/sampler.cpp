// SPDX-License-Identifier: Apache-2.0
// The schedules and solver trajectories of goldens/sampler, where v(x,t) = tanh(W x + b t/1000)
// stands for the network.
#include "pipelines/sampler.h"

#include "base/text.h"
#include "parity/parity.h"

namespace parity {
namespace {

using base::text;
using pipelines::Sampler;

Sampler sampler_of(const std::string& solver, const base::Json& schedule) {
  const auto kind = pipelines::solver_named(solver);
  const double shift = schedule.at("shift");
  if (!schedule.contains("step_list")) return {kind, schedule.at("steps").get<int>(), shift};
  return {kind, schedule.at("step_list").get<std::vector<double>>(), shift};
}

Tensor timesteps(const Sampler& sampler) {
  std::vector<double> values;
  for (const auto& step : sampler.steps()) values.push_back(step.timestep);
  return torch::tensor(values, torch::kFloat64);
}

Tensor sigmas(const Sampler& sampler) {
  std::vector<double> values;
  for (const auto& step : sampler.steps()) values.push_back(step.sigma);
  values.push_back(sampler.steps().back().next_sigma);
  return torch::tensor(values, torch::kFloat64);
}

Outputs run_trajectory(const Case& c, const Sampler& sampler) {
  const auto w = c.in("W");
  const auto b = c.in("b").reshape({-1, 1, 1, 1});
  auto x = c.in("noise");
  Outputs outputs{{"out.timesteps", timesteps(sampler)}, {"out.sigmas", sigmas(sampler)}};
  Sampler::History history;
  for (const auto& step : sampler.steps()) {
    const auto velocity =
        torch::tanh(torch::tensordot(w, x, {1}, {0}) + b * (step.timestep / 1000));
    const auto noise =
        sampler.needs_noise(step) ? c.in(text("renoise_", step.number)) : torch::Tensor();
    x = sampler.advance(step, x, velocity, history, noise);
    outputs[text("out.step_", step.number)] = x;
  }
  return outputs;
}

}  // namespace

Outputs run_sampler(const Case& c) {
  const auto solver = c.args.at("solver").get<std::string>();
  if (!c.args.contains("schedules")) return run_trajectory(c, sampler_of(solver, c.args));
  Outputs outputs;
  int i = 0;
  for (const auto& schedule : c.args.at("schedules")) {
    const auto sampler = sampler_of(solver, schedule);
    outputs[text("out.timesteps_", i)] = timesteps(sampler);
    outputs[text("out.sigmas_", i)] = sigmas(sampler);
    ++i;
  }
  return outputs;
}

}  // namespace parity
