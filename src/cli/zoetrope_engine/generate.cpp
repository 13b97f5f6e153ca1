// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine generate: a video from a text.
#include <iostream>
#include <optional>

#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/progress_display.h"
#include "cli/zoetrope_engine/commands.h"
#include "cli/zoetrope_engine/device.h"
#include "cli/zoetrope_engine/generate_options.h"
#include "cli/zoetrope_engine/video_output.h"
#include "toyworld/tokens.h"
#include "weights/safetensors.h"

namespace cli {
namespace {

using base::Json;
using base::text;

ProgressDisplay make_display(const GenerateOptions& options) {
  if (options.json) return {ProgressStyle::json, std::cout};
  const bool is_terminal = ::isatty(STDERR_FILENO) == 1;
  return {is_terminal ? ProgressStyle::bar : ProgressStyle::lines, std::cerr};
}

std::string size_text(specs::Size size) {
  return text(size.width, 'x', size.height);
}

// ── what will be done ───────────────────────────────────────────────────────────────────────────

// How the video is made: in the plan, and in the metadata of the file.
Json recipe(const GenerateJob& job) {
  const auto& request = job.request;
  return {{"model", job.spec().name},
          {"prompt", job.options.prompt},
          {"negative_prompt",
           job.options.negative_prompt.value_or(std::string(specs::default_negative_prompt()))},
          {"size", size_text(request.size)},
          {"render_size", size_text(job.render)},
          {"frames", request.frames},
          {"fps", job.spec().fps},
          {"steps", request.steps},
          {"solver", pipelines::name_of(request.solver)},
          {"shift", request.shift},
          {"guidance", {request.guidance_high, request.guidance_low}},
          {"seed", request.seed},
          {"noise_device", request.noise_device.str()},
          {"device", job.device.str()},
          {"dtype", job.dtype == torch::kBFloat16 ? "bf16" : "fp32"}};
}

Json as_json(const pipelines::MemoryPlan& plan, uint64_t available) {
  Json parts = Json::array();
  for (const auto& part : plan.parts) {
    parts.push_back({{"part", part.part}, {"weights", part.weights}, {"working", part.working}});
  }
  return {{"parts", parts},
          {"program", plan.program},
          {"needed", plan.needed()},
          {"available", available},
          {"fits", plan.needed() <= available}};
}

std::string headline(const GenerateJob& job) {
  const auto& request = job.request;
  const auto rendered = job.render == request.size
                            ? std::string()
                            : text(" (rendered at ", size_text(job.render), " and resampled)");
  const auto guidance = request.guidance_high == request.guidance_low
                            ? text(request.guidance_high)
                            : text(request.guidance_high, ',', request.guidance_low);
  return text(job.spec().name,
              " on ",
              job.device.str(),
              " in ",
              job.dtype == torch::kBFloat16 ? "bf16" : "fp32",
              ": ",
              request.frames,
              request.frames == 1 ? " frame of " : " frames of ",
              size_text(request.size),
              rendered,
              ", ",
              request.steps,
              request.steps == 1 ? " step, " : " steps, ",
              pipelines::name_of(request.solver),
              ", shift ",
              request.shift,
              ", guidance ",
              guidance,
              ", seed ",
              request.seed);
}

std::string column(const std::string& word) {
  return std::string(12 - std::min<size_t>(12, word.size()), ' ') + word;
}

void print_table(const pipelines::MemoryPlan& plan, uint64_t available, std::string_view where) {
  const auto row = [](std::string_view name, uint64_t weights, uint64_t working) {
    std::cout << name << std::string(22 - name.size(), ' ') << column(base::human_bytes(weights))
              << column(base::human_bytes(working)) << column(base::human_bytes(weights + working))
              << '\n';
  };
  std::cout << std::string(22, ' ') << column("weights") << column("working") << column("needed")
            << '\n';
  for (const auto& part : plan.parts) row(part.part, part.weights, part.working);
  row("the program itself", 0, plan.program);
  const bool fits = plan.needed() <= available;
  std::cout << "parts take turns: at most " << base::human_bytes(plan.needed()) << " of "
            << base::human_bytes(available) << " available " << where << ": "
            << (fits ? "fits" : "does not fit") << '\n';
}

// What somebody should know who asked for this; empty where nothing is odd.
std::string warning(const GenerateJob& job) {
  if (!job.spec().is_demo()) return {};
  constexpr size_t kShown = 5;
  auto unknown = toyworld::unknown_words(job.options.prompt);
  if (unknown.empty()) return {};
  const auto more = unknown.size() > kShown ? text(" and ", unknown.size() - kShown, " more") : "";
  unknown.resize(std::min(unknown.size(), kShown));
  return text(
      "the demo model has no such words: ",
      base::join(unknown, ", "),
      more,
      "; it understands one coloured shape, one motion and one background, as in \"a red ball "
      "bounces on a navy background\" (all words: weights/tiny/README.md)");
}

// Says what will be done; refuses what does not fit.
void announce(const GenerateJob& job, ProgressDisplay& display) {
  const auto memory = job.memory();
  const auto available = available_memory(job.device);
  const auto plan = pipelines::plan_memory(memory);
  auto event = recipe(job);
  event["memory"] = as_json(plan, available);
  const auto odd = warning(job);
  event["warnings"] = odd.empty() ? Json::array() : Json::array({odd});
  display.event("plan", event);
  if (!job.options.json) {
    (job.options.dry_run ? std::cout : std::cerr) << headline(job) << '\n';
    if (!odd.empty()) std::cerr << "warning: " << odd << '\n';
    if (job.options.dry_run) print_table(plan, available, memory_name(job.device));
  }
  pipelines::check_fits(memory, available, memory_name(job.device));
}

// ── doing it ────────────────────────────────────────────────────────────────────────────────────

std::string_view name_of(pipelines::Phase phase) {
  switch (phase) {
    case pipelines::Phase::load:
      return "load";
    case pipelines::Phase::text:
      return "text";
    case pipelines::Phase::denoise:
      return "denoise";
    case pipelines::Phase::decode:
      return "decode";
  }
  return "";
}

pipelines::Progress progress_on(ProgressDisplay& display) {
  return {[&display](pipelines::Phase phase, int done, int total) {
    if (is_interrupted()) throw base::Cancelled();
    display.report(name_of(phase), done, total);
  }};
}

void write_latents(const GenerateJob& job,
                   const torch::Tensor& latent_CFHW,
                   base::FileWriter& out) {
  const auto held = latent_CFHW.to(torch::kCPU, torch::kFloat32).contiguous();
  weights::TensorView view{.dtype = weights::Dtype::f32, .shape = held.sizes().vec()};
  view.bytes = {static_cast<const std::byte*>(held.const_data_ptr()), held.nbytes()};
  weights::write_safetensors(out, {{"latent", view}}, {{"zoetrope", recipe(job).dump()}});
  out.finish();
}

VideoFiles files_of(const GenerateJob& job) {
  return {.video = job.options.output,
          .sheet = job.options.sheet,
          .size = job.request.size,
          .render = job.render,
          .frames = job.request.frames,
          .fps = job.spec().fps,
          .title = job.options.prompt,
          .comment = recipe(job)};
}

void make_video(const GenerateJob& job, ProgressDisplay& display) {
  const auto progress = progress_on(display);
  pipelines::TextToVideo pipeline(
      job.spec(),
      pipelines::parts_of(job.model, {.device = job.device, .matrices = job.dtype}, progress),
      pipelines::Residency::one_at_a_time);
  const auto latent_CFHW = pipeline.denoise(job.request, progress);
  VideoOutput output(files_of(job));
  std::optional<base::FileWriter> latents;
  if (!job.options.latents.empty()) {
    latents.emplace(job.options.latents);
    write_latents(job, latent_CFHW, *latents);
  }
  pipeline.decode(latent_CFHW, progress, [&](const torch::Tensor& frames) { output.add(frames); });
  output.finish();
  output.commit();
  if (latents) latents->commit();
}

int run(const GenerateOptions& options, Complaints& complaints, ProgressDisplay& display) {
  const double began = ProgressDisplay::monotonic_seconds();
  const auto job = settle(options, complaints);
  announce(job, display);
  if (options.dry_run) return kDone;
  make_video(job, display);
  display.end_line();
  const double seconds = ProgressDisplay::monotonic_seconds() - began;
  display.event("done",
                {{"output", options.output},
                 {"sheet", options.sheet},
                 {"latents", options.latents},
                 {"seed", job.request.seed},
                 {"seconds", seconds},
                 {"peak_memory", base::peak_memory()}});
  if (!options.json) {
    std::cerr << "done in " << duration_text(seconds) << '\n';
    std::cout << options.output << '\n';
  }
  return kDone;
}

// The error as an event; the caller goes on to report it as every command does.
void tell_error(ProgressDisplay& display) {
  display.end_line();
  try {
    throw;
  } catch (const base::Cancelled&) {
    display.event("error", {{"message", "interrupted"}, {"exit_code", kInterrupted}});
  } catch (...) {
    const auto error = base::current_error();
    display.event("error",
                  {{"message", error.what()},
                   {"exit_code", error.fault() == base::Fault::invalid ? kUsage : kFailed}});
  }
}

}  // namespace

int generate(Arguments arguments) {
  watch_for_interrupts();
  Complaints complaints;
  const auto options = read_options(kGenerateForm, arguments, complaints);
  if (!options) return kDone;
  auto display = make_display(*options);
  try {
    return run(*options, complaints, display);
  } catch (...) {
    tell_error(display);
    throw;
  }
}

}  // namespace cli
