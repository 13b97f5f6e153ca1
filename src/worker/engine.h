// SPDX-License-Identifier: Apache-2.0
// Runs tasks on one device and keeps the last model loaded between them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/weights.h"
#include "pipelines/text_to_video_job.h"
#include "worker/request.h"
#include "worker/worker.h"

namespace worker {

class Engine {
 public:
  // The file that an adapter's path means, brought here where it is elsewhere. Throws Error with a
  // message for whoever asked for it.
  using Fetch = std::function<std::filesystem::path(const std::string& path)>;

  // `models` says which name, file or folder runs a model of specs::models(); what is not in it is
  // looked for among the installed models. Throws Error(invalid) with every name that is no such
  // model and every place where there is none.
  Engine(models::Placement placement, std::map<std::string, std::string> models, Fetch fetch);
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
  pipelines::AdapterFiles fetch(const AskedAdapters& asked, Lease& lease) const;
  void prepare(const pipelines::TextToVideoJob& job, const Task& task);
  void load(const pipelines::TextToVideoJob& job, pipelines::Residency residency);
  void use_adapters(const pipelines::Adapters& adapters);
  // Tells the lease of the task that runs.
  pipelines::Progress loading();

  models::Placement placement_;
  std::map<std::string, std::string> models_;
  Fetch fetch_;
  std::filesystem::path path_;
  std::shared_ptr<const pipelines::OpenedModel> model_;  // at the path
  std::unique_ptr<Loaded> loaded_;                       // its pipeline
  Lease* lease_ = nullptr;  // of the task that runs: loading, whenever it happens, reports to it
};

}  // namespace worker
