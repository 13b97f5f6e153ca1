// SPDX-License-Identifier: Apache-2.0
// What every training stage shares: its folder (log, state, weights), the learning rate's course,
// and when to save. A stage that is started again in its folder goes on where it stopped.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "toyworld/optimizer.h"

namespace toyworld {

struct RunSettings {
  std::filesystem::path folder;
  int64_t steps = 1000;
  int64_t batch = 64;
  uint64_t seed = 1;
  torch::Device device = torch::kCPU;
  double warm_up = 50;            // steps
  double hold = 0.5;              // share of the steps before the rate falls to 1 %
  double seconds_per_save = 120;  // and after the last step
};

class Run {
 public:
  // Creates the folder and loads its state into `optimizer` if there is one. Both must outlive it.
  Run(const RunSettings& settings, Optimizer& optimizer);

  // The step that comes next, from 0; settings.steps when the run is complete.
  int64_t next_step() const { return optimizer_.steps(); }
  bool is_complete() const { return next_step() >= settings_.steps; }

  // Updates the weights after backward(), and saves when it is time or the run is complete.
  void finish_step();

  // Adds a line to log.txt and prints it; seconds since the run began come first, summed over
  // resumptions.
  void log(const std::string& line);

  // Seeds torch's generators for the step that comes next.
  void seed_step() const;

 private:
  double rate_factor() const;
  double seconds() const;
  void save();

  RunSettings settings_;
  Optimizer& optimizer_;
  std::chrono::steady_clock::time_point begun_, saved_;
  double seconds_before_ = 0;
};

// Files of a stage's folder.
std::filesystem::path weights_file(const std::filesystem::path& folder);  // the running average

}  // namespace toyworld
