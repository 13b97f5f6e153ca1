// SPDX-License-Identifier: Apache-2.0
#include "worker/engine.h"

#include <optional>
#include <set>

#include <c10/util/Exception.h>
#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "media/video_output.h"
#include "pipelines/base_network.h"
#include "pipelines/device_memory.h"
#include "pipelines/rgb.h"
#include "pipelines/text_to_video.h"
#include "toyworld/tokens.h"
#include "weights/installed.h"
#include "worker/request.h"

namespace worker {
namespace {

namespace fs = std::filesystem;
using base::Fault;
using base::text;
using pipelines::Residency;

constexpr const char* kVideo = "video.mp4";
constexpr const char* kPoster = "poster.png";

media::VideoFiles files_of(const pipelines::TextToVideoJob& job, const fs::path& folder) {
  return {.video = folder / kVideo,
          .poster = folder / kPoster,
          .size = {job.request.size.width, job.request.size.height},
          .source = {job.render.width, job.render.height},
          .frames = job.request.frames,
          .fps = job.spec().fps,
          .title = job.prompt,
          .comment = job.recipe().dump()};
}

// What somebody should know who asked for this.
std::vector<std::string> warnings_of(const pipelines::TextToVideoJob& job, const Task& task) {
  auto warnings = job.adapters.warnings;
  if (job.spec().name != task.weights) {
    const bool is_demo = job.spec().native != specs::Size{};
    warnings.push_back(text("served by the ", is_demo ? "demo model " : "model ", job.spec().name));
  }
  auto about_words = toyworld::prompt_warning(job.spec(), job.prompt);
  if (!about_words.empty()) warnings.push_back(std::move(about_words));
  return warnings;
}

// Of the weights that adapters change, which are there once more beside those they are made of.
uint64_t merged_bytes(const pipelines::TextToVideoJob& job) {
  const auto values = pipelines::changed_values(job.adapters, job.model->checkpoint.dit->spec);
  return static_cast<uint64_t>(values) * c10::elementSize(job.placement.matrices);
}

[[noreturn]] void refuse_size(uint64_t needed, uint64_t available, torch::Device device) {
  throw base::Error(Fault::exhausted,
                    text("not enough ",
                         pipelines::memory_name(device),
                         " for a video of this size and length: ",
                         base::human_bytes(needed),
                         " are needed and ",
                         base::human_bytes(available),
                         " are available"));
}

}  // namespace

// A pipeline and, where all of it stays in memory, the networks without adapters that those with
// some are made of.
struct Engine::Loaded {
  std::shared_ptr<const pipelines::OpenedModel> model;
  Residency residency;
  pipelines::BaseNetwork high_noise;
  std::optional<pipelines::BaseNetwork> low_noise = {};
  std::optional<pipelines::Adapters> adapters = {};  // that are in the networks; none: none yet
  uint64_t bytes = 0;  // that it holds between two jobs, once it has done one
  pipelines::TextToVideo pipeline;
};

Engine::Engine(models::Placement placement, std::map<std::string, std::string> models, Fetch fetch)
    : placement_(placement), models_(std::move(models)), fetch_(std::move(fetch)) {
  std::vector<std::string> complaints;
  for (auto& [name, place] : models_) {
    if (specs::find_model(name) == nullptr) {
      complaints.push_back(text("--model: there is no model called ", name));
    }
    try {
      place = weights::find_installed(place).string();
    } catch (const base::Error& error) {
      complaints.push_back(text("--model: ", error.what()));
    }
  }
  if (!complaints.empty()) throw base::Error(Fault::invalid, base::join(complaints, "\n"));
}

Engine::~Engine() = default;

std::vector<std::string> Engine::weights() const {
  std::set<std::string> names;
  for (const auto& [name, place] : models_) names.insert(name);
  for (const auto& installed : ::weights::installed_models()) {
    if (!installed.problem.empty()) continue;
    for (const auto* spec : installed.specs) names.emplace(spec->name);
  }
  return {names.begin(), names.end()};
}

Made Engine::run(const Task& task, const fs::path& folder, Lease& lease) {
  lease_ = &lease;
  try {
    return make_video(task, folder, lease);
  } catch (const base::Cancelled&) {
    throw;
  } catch (const base::Error&) {
    throw;
  } catch (...) {
    loaded_.reset();  // torch has failed, so that the next task begins anew
    throw;
  }
}

bool Engine::is_alive() const {
  if (placement_.device.is_cpu()) return true;
  try {
    return torch::ones({1}, placement_.device).item<float>() == 1;
  } catch (const c10::OutOfMemoryError&) {
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

Made Engine::make_video(const Task& task, const fs::path& folder, Lease& lease) {
  if (task.kind != "text_to_video") {
    throw base::Error(Fault::internal, text("this worker cannot do ", task.kind));
  }
  auto [options, adapters] = read_text_to_video(task.request);
  options.adapters = fetch(adapters, lease);
  std::vector<std::string> complaints;
  const auto job = pipelines::settle(open(task), options, placement_, complaints);
  if (!complaints.empty()) throw base::Error(Fault::invalid, base::join(complaints, "\n"));
  prepare(job, task);

  const auto clock = base::system_clock();
  const auto began = clock.steady();
  const pipelines::Progress progress{
      [&](pipelines::Phase phase, int done, int total) { lease.report(phase, done, total); }};
  const auto latent_CFHW = loaded_->pipeline.denoise(job.request, progress);
  media::VideoOutput output(files_of(job, folder));
  loaded_->pipeline.decode(latent_CFHW, progress, [&](const torch::Tensor& frames_CFHW) {
    pipelines::for_each_frame(frames_CFHW, [&](auto rgb) { output.add(rgb); });
  });
  output.finish();
  output.commit();
  if (loaded_->residency == Residency::all) {
    loaded_->bytes = pipelines::plan_memory(job.memory()).weights() + merged_bytes(job);
  }
  return {.files = {{kVideo, "video/mp4"}, {kPoster, "image/png"}},
          .seed = job.request.seed,
          .warnings = warnings_of(job, task),
          .inference = std::chrono::milliseconds(clock.steady() - began)};
}

pipelines::AdapterFiles Engine::fetch(const AskedAdapters& asked, Lease& lease) const {
  pipelines::AdapterFiles files;
  const auto fetch_all = [&](const auto& from, auto& into) {
    for (const auto& [path, scale] : from) {
      lease.report(pipelines::Phase::load, 0, 0);
      into.push_back({fetch_(path), scale});
    }
  };
  fetch_all(asked.all, files.all);
  fetch_all(asked.high_noise, files.high_noise);
  fetch_all(asked.low_noise, files.low_noise);
  return files;
}

// The message is for whoever asked for the video, so that places on this machine stay in the log.
std::shared_ptr<const pipelines::OpenedModel> Engine::open(const Task& task) {
  const auto named = models_.find(task.weights);
  const auto place = !task.model.empty()      ? task.model
                     : named == models_.end() ? task.weights
                                              : named->second;
  try {
    const auto path = ::weights::find_installed(place);
    if (model_ && path == path_) return model_;
    loaded_.reset();
    model_ = pipelines::open_model(path);
    path_ = path;
    return model_;
  } catch (const base::Error& error) {
    throw base::Error(Fault::internal,
                      text("the model ", task.weights, " cannot be opened"),
                      text(error.what(), ' ', error.detail()));
  }
}

// Leaves a pipeline loaded that does this job: with all parts kept where they fit together, so that
// the next job finds them, else with each making room for the next.
void Engine::prepare(const pipelines::TextToVideoJob& job, const Task& task) {
  const auto device = placement_.device;
  const auto plan = pipelines::plan_memory(job.memory());
  pipelines::return_memory(device);
  const auto available = pipelines::available_memory(device) + (loaded_ ? loaded_->bytes : 0);
  const bool fits_together =
      task.out_of_memory == 0 && plan.needed_together() + merged_bytes(job) <= available;
  if (!fits_together && plan.needed() > available) refuse_size(plan.needed(), available, device);

  const auto residency = fits_together ? Residency::all : Residency::one_at_a_time;
  if (!loaded_ || loaded_->residency != residency) load(job, residency);
  use_adapters(job.adapters);
}

void Engine::load(const pipelines::TextToVideoJob& job, Residency residency) {
  loaded_.reset();
  pipelines::return_memory(placement_.device);
  const auto& checkpoint = job.model->checkpoint;
  loaded_.reset(new Loaded{
      .model = job.model,
      .residency = residency,
      .high_noise = {*checkpoint.dit, placement_},
      .pipeline = {job.spec(), pipelines::parts_of(job.model, placement_, loading()), residency}});
  if (checkpoint.dit_low) loaded_->low_noise.emplace(*checkpoint.dit_low, placement_);
}

// A network whose adapters are those of the last job stays as it is.
void Engine::use_adapters(const pipelines::Adapters& adapters) {
  auto& loaded = *loaded_;
  auto parts = pipelines::parts_of(loaded.model, placement_, loading(), adapters);
  if (loaded.residency == Residency::all) {
    const auto from = [this](pipelines::BaseNetwork& base, const lora::AdapterSet& set) {
      return [&base, set, progress = loading()] { return base.with(set, progress); };
    };
    parts.high_noise = from(loaded.high_noise, adapters.high_noise);
    if (loaded.low_noise) parts.low_noise = from(*loaded.low_noise, adapters.low_noise);
  }
  const auto& before = loaded.adapters;
  if (before && before->high_noise == adapters.high_noise) parts.high_noise = {};
  if (before && before->low_noise == adapters.low_noise) parts.low_noise = {};
  loaded.pipeline.replace_networks(std::move(parts.high_noise), std::move(parts.low_noise));
  loaded.adapters = adapters;
}

pipelines::Progress Engine::loading() {
  return {
      [this](pipelines::Phase phase, int done, int total) { lease_->report(phase, done, total); }};
}

}  // namespace worker
