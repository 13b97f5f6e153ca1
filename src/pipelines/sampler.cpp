// SPDX-License-Identifier: Apache-2.0
#include "pipelines/sampler.h"

#include "base/error.h"
#include "base/text.h"

namespace pipelines {
namespace {

using base::text;

struct Named {
  std::string_view name;
  Solver solver;
};

constexpr Named kSolvers[] = {
    {"unipc", Solver::unipc},
    {"dpm++", Solver::dpmpp},
    {"euler", Solver::euler},
    {"euler_diffusers", Solver::euler_diffusers},
    {"lightx2v", Solver::lightx2v},
    {"dmd", Solver::dmd},
};

[[noreturn]] void refuse(const std::string& why) {
  throw base::Error(base::Fault::invalid, why);
}

// The order of operations is the reference's: many products fall on an integer timestep, and some
// only because of their rounding come out one lower.
template <typename Real>
Real shifted(Real u, Real shift) {
  return (shift * u) / (1 + (shift - 1) * u);
}

struct Point {
  double timestep, sigma;
};

// unipc starts at the second entry of a table of 1000 (in float), dpm++ at 1.
std::vector<Point> integer_schedule(Solver solver, int steps, double shift) {
  const double start = solver == Solver::unipc ? 0.9990000128746033 : 1.0;
  const double delta = (0.0 - start) / steps;
  std::vector<Point> points;
  for (int i = 0; i < steps; ++i) {
    const double sigma = shifted(start + i * delta, shift);
    points.push_back({std::trunc(1000 * sigma), sigma});
  }
  return points;
}

std::vector<Point> euler_schedule(int steps, double shift) {
  std::vector<Point> points;
  for (int i = 0; i < steps; ++i) {
    const float u = (1000.f - static_cast<float>(i) * (1000.f / static_cast<float>(steps))) / 1000;
    const float sigma = shifted(u, static_cast<float>(shift));
    points.push_back({sigma * 1000, sigma});
  }
  return points;
}

// The end point is the smallest entry of a table that is shifted already, and is shifted again.
std::vector<Point> euler_diffusers_schedule(int steps, double shift) {
  const double last = shifted(0.001, shift);
  std::vector<Point> points;
  for (int i = 0; i < steps; ++i) {
    const double u = steps == 1 ? 1.0 : 1.0 + i * ((last - 1.0) / (steps - 1));
    const double sigma = shifted(u, shift);
    points.push_back({static_cast<float>(1000 * sigma), sigma});
  }
  return points;
}

std::vector<Point> lightx2v_schedule(std::span<const double> list, double shift) {
  std::vector<Point> points;
  for (const double value : list) {
    const double sigma = shifted(value / 1000, shift);
    points.push_back({static_cast<float>(1000 * sigma), sigma});
  }
  return points;
}

// The noise level is the entry of the 1000-entry table whose timestep is nearest to the value.
std::vector<Point> dmd_schedule(std::span<const double> list, double shift) {
  std::vector<Point> points;
  for (const double value : list) {
    double nearest = 0;
    for (int j = 1000; j >= 1; --j) {
      const double sigma = shifted(j / 1000.0, shift);
      if (std::abs(1000 * sigma - value) < std::abs(1000 * nearest - value)) nearest = sigma;
    }
    points.push_back({value, nearest});
  }
  return points;
}

// The solvers use noise levels rounded to float; the last move ends at 0.
std::vector<Step> to_steps(const std::vector<Point>& points) {
  std::vector<Step> steps;
  for (size_t i = 0; i < points.size(); ++i) {
    const bool last = i + 1 == points.size();
    steps.push_back({.number = static_cast<int>(i),
                     .timestep = points[i].timestep,
                     .sigma = static_cast<float>(points[i].sigma),
                     .next_sigma = last ? 0.0 : static_cast<float>(points[i + 1].sigma)});
  }
  return steps;
}

void check_shift(double shift) {
  if (!(shift > 0) || !std::isfinite(shift)) refuse(text("shift ", shift, " is not above 0"));
}

}  // namespace

std::string_view name_of(Solver solver) {
  return std::ranges::find(kSolvers, solver, &Named::solver)->name;
}

Solver solver_named(std::string_view name) {
  const auto* found = std::ranges::find(kSolvers, name, &Named::name);
  if (found != std::end(kSolvers)) return found->solver;
  std::vector<std::string_view> names;
  for (const auto& row : kSolvers) names.push_back(row.name);
  refuse(text("solver \"", name, "\" is not one of ", base::join(names, ", ")));
}

Sampler::Sampler(Solver solver, int steps, double shift) : solver_(solver) {
  check_shift(shift);
  if (steps < 1) refuse(text("steps ", steps, " is below 1"));
  switch (solver) {
    case Solver::unipc:
    case Solver::dpmpp:
      steps_ = to_steps(integer_schedule(solver, steps, shift));
      break;
    case Solver::euler:
      steps_ = to_steps(euler_schedule(steps, shift));
      break;
    case Solver::euler_diffusers:
      steps_ = to_steps(euler_diffusers_schedule(steps, shift));
      break;
    case Solver::lightx2v:
    case Solver::dmd:
      refuse(text("solver ", name_of(solver), " takes a list of steps, not a count"));
  }
}

Sampler::Sampler(Solver solver, std::span<const double> list, double shift) : solver_(solver) {
  check_shift(shift);
  if (list.empty()) refuse("the list of steps is empty");
  for (size_t i = 0; i < list.size(); ++i) {
    if (!(list[i] >= 1 && list[i] <= 1000)) refuse(text("step ", list[i], " is not in 1..1000"));
    if (i > 0 && list[i] >= list[i - 1]) refuse(text("step ", list[i], " does not fall"));
  }
  if (solver == Solver::lightx2v) {
    steps_ = to_steps(lightx2v_schedule(list, shift));
  } else if (solver == Solver::dmd) {
    steps_ = to_steps(dmd_schedule(list, shift));
  } else {
    refuse(text("solver ", name_of(solver), " takes a count of steps, not a list"));
  }
}

bool Sampler::needs_noise(const Step& step) const {
  return solver_ == Solver::dmd && step.number + 1 < count();
}

// Half the logarithm of the signal-to-noise ratio at the start of step i; +inf after the last.
double Sampler::lambda(int i) const {
  const double sigma = i < count() ? steps_[i].sigma : 0.0;
  return std::log(1 - sigma) - std::log(sigma);
}

Tensor Sampler::advance(const Step& step,
                        const Tensor& x,
                        const Tensor& velocity,
                        History& history,
                        const Tensor& noise) const {
  switch (solver_) {
    case Solver::unipc:
    case Solver::dpmpp: {
      history.x0.push_back(x - step.sigma * velocity);
      const auto& x0 = history.x0.back();
      auto next = solver_ == Solver::unipc ? advance_unipc(step, x, x0, history)
                                           : advance_dpmpp(step, x, x0, history);
      if (history.x0.size() > 2) history.x0.erase(history.x0.begin());
      return next;
    }
    case Solver::euler:
    case Solver::euler_diffusers:
    case Solver::lightx2v:
      return x + (step.next_sigma - step.sigma) * velocity;
    case Solver::dmd: {
      auto x0 =
          (x.to(torch::kFloat64) - step.sigma * velocity.to(torch::kFloat64)).to(torch::kFloat32);
      if (!needs_noise(step)) return x0;
      return (1 - step.next_sigma) * x0 + step.next_sigma * noise;
    }
  }
  throw std::logic_error("unknown Solver");
}

// UniPC of order 2 with the bh2 kernel, predicting x0, corrected at every step but the first. x0
// comes from the uncorrected latent and stays as it is.
Tensor Sampler::advance_unipc(const Step& step,
                              const Tensor& x,
                              const Tensor& x0,
                              History& history) const {
  const int i = step.number;
  const auto& past = history.x0;  // past[size-1] is x0 of this step
  const auto before = [&](int k) -> const Tensor& { return past[past.size() - 1 - k]; };

  auto corrected = x;
  if (i > 0) {
    const double h = lambda(i) - lambda(i - 1);
    const double phi = std::expm1(-h);
    const double weight = (1 - step.sigma) * phi;
    const auto base = (step.sigma / steps_[i - 1].sigma) * history.corrected - weight * before(1);
    const auto change = x0 - before(1);
    if (history.order == 1) {
      corrected = base - weight * 0.5 * change;
    } else {
      const double r = (lambda(i - 2) - lambda(i - 1)) / h;
      const double a1 = phi / -h - 1;
      const double b1 = a1 / phi;
      const double b2 = (a1 / -h - 0.5) * 2 / phi;
      const double rho1 = (b1 - b2) / (1 - r);
      const double rho2 = b1 - rho1;
      corrected = base - weight * (rho1 / r * (before(2) - before(1)) + rho2 * change);
    }
  }

  const int order = std::min({2, count() - i, i + 1});
  const double h = lambda(i + 1) - lambda(i);
  const double weight = (1 - step.next_sigma) * std::expm1(-h);
  auto next = (step.next_sigma / step.sigma) * corrected - weight * x0;
  if (order == 2) {
    const double r = (lambda(i - 1) - lambda(i)) / h;
    next = next - weight * 0.5 / r * (before(1) - x0);
  }
  history.corrected = corrected;
  history.order = order;
  return next;
}

// DPM-Solver++ of order 2, midpoint; the first and the last step are first order.
Tensor Sampler::advance_dpmpp(const Step& step,
                              const Tensor& x,
                              const Tensor& x0,
                              History& history) const {
  const int i = step.number;
  const double h = lambda(i + 1) - lambda(i);
  const double weight = (1 - step.next_sigma) * std::expm1(-h);
  auto next = (step.next_sigma / step.sigma) * x - weight * x0;
  if (i == 0 || i + 1 == count()) return next;
  // Infinite at i = 1 where sigma_0 is 1: the ratio is 0 and the term vanishes.
  const double h0 = lambda(i) - lambda(i - 1);
  return next - 0.5 * weight * (h / h0) * (x0 - history.x0[history.x0.size() - 2]);
}

}  // namespace pipelines
