// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine generate: a video from a text.
#include <iostream>

#include <unistd.h>

#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/progress_display.h"
#include "cli/zoetrope_engine/commands.h"
#include "cli/zoetrope_engine/generate_options.h"
#include "cli/zoetrope_engine/make_video.h"
#include "pipelines/device_memory.h"
#include "toyworld/tokens.h"

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

std::string headline(const pipelines::TextToVideoJob& job) {
  const auto& request = job.request;
  const auto rendered = job.render == request.size
                            ? std::string()
                            : text(" (rendered at ", size_text(job.render), " and resampled)");
  const auto guidance = request.guidance_high == request.guidance_low
                            ? text(request.guidance_high)
                            : text(request.guidance_high, ',', request.guidance_low);
  return text(job.spec().name,
              " on ",
              job.placement.device.str(),
              " in ",
              job.placement.matrices == torch::kBFloat16 ? "bf16" : "fp32",
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

// Says what will be done; refuses what does not fit.
void announce(const GenerateOptions& options,
              const pipelines::TextToVideoJob& job,
              ProgressDisplay& display) {
  const auto memory = job.memory();
  const auto where = pipelines::memory_name(job.placement.device);
  const auto available = pipelines::available_memory(job.placement.device);
  const auto plan = pipelines::plan_memory(memory);
  auto warnings = job.adapters.warnings;
  const auto odd = toyworld::prompt_warning(job.spec(), job.prompt);
  if (!odd.empty()) warnings.push_back(odd);
  auto event = job.recipe();
  event["memory"] = as_json(plan, available);
  event["warnings"] = warnings;
  display.event("plan", event);
  if (!options.json) {
    (options.dry_run ? std::cout : std::cerr) << headline(job) << '\n';
    for (const auto& warning : warnings) std::cerr << "warning: " << warning << '\n';
    if (options.dry_run) print_table(plan, available, where);
  }
  pipelines::check_fits(memory, available, where);
}

// ── doing it ────────────────────────────────────────────────────────────────────────────────────

int run(const GenerateOptions& options, Complaints& complaints, ProgressDisplay& display) {
  const double began = ProgressDisplay::monotonic_seconds();
  const auto job = settle(options, complaints);
  announce(options, job, display);
  if (options.dry_run) return kDone;
  make_video(options, job, display);
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
