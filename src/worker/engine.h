// SPDX-License-Identifier: Apache-2.0
// Runs tasks on one device and keeps the last model loaded between them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/weights.h"
#include "pipelines/text_to_video_job.h"
#include "worker/worker.h"

namespace worker {

class Engine {
 public:
  // `models` says which name, file or folder runs a model of specs::models(); what is not in it is
  // looked for among the installed models. Throws Error(invalid) with every name that is no such
  // model and every place where there is none.
  Engine(models::Placement placement, std::map<std::string, std::string> models);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // The models of specs::models() that it can run: those that were named and those installed.
  std::vector<std::string> weights() const;

  // Makes video.mp4 and poster.png in `folder`. Throws Error(invalid) for what is wrong with the
  // request, Error(exhausted) for what does not fit into memory, Error(internal) where the model
  // cannot be opened, and base::Cancelled where the lease does.
  Made run(const Task& task, const std::filesystem::path& folder, Lease& lease);

  // Whether the device still computes: after some faults of a GPU every call fails until the
  // process is a new one.
  bool is_alive() const;

 private:
  struct Loaded;

  Made make_video(const Task& task, const std::filesystem::path& folder, Lease& lease);
  std::shared_ptr<const pipelines::OpenedModel> open(const Task& task);
  void prepare(const pipelines::TextToVideoJob& job, const Task& task);

  models::Placement placement_;
  std::map<std::string, std::string> models_;
  std::filesystem::path path_;
  std::shared_ptr<const pipelines::OpenedModel> model_;  // at the path
  std::unique_ptr<Loaded> loaded_;                       // its pipeline
  Lease* lease_ = nullptr;  // of the task that runs: loading, whenever it happens, reports to it
};

}  // namespace worker
