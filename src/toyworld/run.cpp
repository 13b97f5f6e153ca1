// SPDX-License-Identifier: Apache-2.0
#include "toyworld/run.h"

#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>

#include <torch/types.h>

#include "toyworld/probes.h"
#include "toyworld/random.h"

namespace toyworld {
namespace {

using std::chrono::steady_clock;

constexpr uint64_t kNoiseStream = 1000;
constexpr const char* kSeconds = "seconds";

std::filesystem::path state_file(const std::filesystem::path& folder) {
  return folder / "state.safetensors";
}

}  // namespace

std::filesystem::path weights_file(const std::filesystem::path& folder) {
  return folder / "weights.safetensors";
}

Run::Run(const RunSettings& settings, Optimizer& optimizer)
    : settings_(settings), optimizer_(optimizer), begun_(steady_clock::now()), saved_(begun_) {
  std::filesystem::create_directories(settings.folder);
  if (!std::filesystem::exists(state_file(settings.folder))) return;
  auto state = load_tensors(state_file(settings.folder));
  seconds_before_ = state.at(kSeconds).item<float>();
  optimizer_.load(state);
  log("resumed at step " + std::to_string(optimizer_.steps()));
}

double Run::seconds() const {
  return seconds_before_ + std::chrono::duration<double>(steady_clock::now() - begun_).count();
}

// Linear warm-up, constant, then linear down to one hundredth.
double Run::rate_factor() const {
  constexpr double kLast = 0.01;
  const auto step = static_cast<double>(optimizer_.steps());
  const double held = settings_.hold * static_cast<double>(settings_.steps);
  const double rest = static_cast<double>(settings_.steps) - held;
  const double fall = step < held ? 0 : (step - held) / rest;
  return std::min(1.0, (step + 1) / settings_.warm_up) * std::max(kLast, 1 - fall * (1 - kLast));
}

void Run::finish_step() {
  optimizer_.step(rate_factor());
  const std::chrono::duration<double> since_save = steady_clock::now() - saved_;
  if (is_complete() || since_save.count() > settings_.seconds_per_save) save();
}

void Run::save() {
  auto state = optimizer_.state();
  state[kSeconds] = torch::tensor({static_cast<float>(seconds())});
  save_tensors(weights_file(settings_.folder), without_probes(optimizer_.average()));
  save_tensors(state_file(settings_.folder), state);
  saved_ = steady_clock::now();
}

void Run::log(const std::string& line) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(0) << std::setw(6) << seconds() << " s  " << line << '\n';
  std::cout << out.str() << std::flush;
  std::ofstream(settings_.folder / "log.txt", std::ios::app) << out.str();
}

void Run::seed_step() const {
  Random random(settings_.seed, kNoiseStream, static_cast<uint64_t>(next_step()));
  torch::manual_seed(random.next() >> 1);
}

}  // namespace toyworld
