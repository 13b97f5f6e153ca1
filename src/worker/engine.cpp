// SPDX-License-Identifier: Apache-2.0
#include "worker/engine.h"

#include <set>

#include <c10/util/Exception.h>
#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "media/video_output.h"
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
  std::vector<std::string> warnings;
  if (job.spec().name != task.weights) {
    const bool is_demo = job.spec().native != specs::Size{};
    warnings.push_back(text("served by the ", is_demo ? "demo model " : "model ", job.spec().name));
  }
  auto about_words = toyworld::prompt_warning(job.spec(), job.prompt);
  if (!about_words.empty()) warnings.push_back(std::move(about_words));
  return warnings;
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

struct Engine::Loaded {
  Residency residency;
  uint64_t bytes;  // that it holds between two jobs, once it has done one
  pipelines::TextToVideo pipeline;
};

Engine::Engine(models::Placement placement, std::map<std::string, std::string> models)
    : placement_(placement), models_(std::move(models)) {
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
  const auto options = read_text_to_video(task.request);
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
    loaded_->bytes = pipelines::plan_memory(job.memory()).weights();
  }
  return {.files = {{kVideo, "video/mp4"}, {kPoster, "image/png"}},
          .seed = job.request.seed,
          .warnings = warnings_of(job, task),
          .inference = std::chrono::milliseconds(clock.steady() - began)};
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
  const bool fits_together = task.out_of_memory == 0 && plan.needed_together() <= available;
  if (!fits_together && plan.needed() > available) refuse_size(plan.needed(), available, device);

  const auto residency = fits_together ? Residency::all : Residency::one_at_a_time;
  if (loaded_ && loaded_->residency == residency) return;
  loaded_.reset();
  pipelines::return_memory(device);
  const pipelines::Progress loading{
      [this](pipelines::Phase phase, int done, int total) { lease_->report(phase, done, total); }};
  loaded_.reset(new Loaded{
      .residency = residency,
      .bytes = 0,
      .pipeline = {job.spec(), pipelines::parts_of(job.model, placement_, loading), residency}});
}

}  // namespace worker
