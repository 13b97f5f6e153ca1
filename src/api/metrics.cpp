// SPDX-License-Identifier: Apache-2.0
#include "api/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace api {
namespace {

using prometheus::Histogram;

const Histogram::BucketBoundaries kRequestSeconds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 100};
// From a demo's tenth of a second to a film's hour.
const Histogram::BucketBoundaries kTaskSeconds = {
    0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1200, 1800, 3600, 7200};
const Histogram::BucketBoundaries kStepSeconds = {
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120};

double seconds(int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;

  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("zoetrope_http_requests_total")
          .Help("HTTP requests by route and status.")
          .Register(registry);
  prometheus::Family<Histogram>& request_seconds =
      prometheus::BuildHistogram()
          .Name("zoetrope_http_request_seconds")
          .Help("From the head of a request to its answer, without the time that sending takes.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& deliveries =
      prometheus::BuildCounter()
          .Name("zoetrope_webhook_deliveries_total")
          .Help("Attempts to deliver a webhook.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& tasks =
      prometheus::BuildCounter()
          .Name("zoetrope_tasks_total")
          .Help("Tasks that came to their end, by model and status.")
          .Register(registry);
  prometheus::Family<Histogram>& queue_seconds =
      histogram("zoetrope_task_queue_seconds",
                "From the submit of a task to the start of its first attempt.");
  prometheus::Family<Histogram>& task_seconds =
      histogram("zoetrope_task_seconds", "From the submit of a task to its completion.");
  prometheus::Family<Histogram>& phase_seconds =
      histogram("zoetrope_phase_seconds", "What the phases of a video take.");
  prometheus::Family<Histogram>& step_seconds =
      histogram("zoetrope_step_seconds", "What one step of denoising takes.");
  prometheus::Family<prometheus::Gauge>& waiting = prometheus::BuildGauge()
                                                       .Name("zoetrope_tasks_waiting")
                                                       .Help("Tasks in the queue, by weights.")
                                                       .Register(registry);
  prometheus::Family<prometheus::Gauge>& running = prometheus::BuildGauge()
                                                       .Name("zoetrope_tasks_running")
                                                       .Help("Tasks at work, by weights.")
                                                       .Register(registry);
  prometheus::Family<prometheus::Gauge>& oldest =
      prometheus::BuildGauge()
          .Name("zoetrope_task_oldest_waiting_seconds")
          .Help("How long the oldest task in the queue has waited, by weights.")
          .Register(registry);
  prometheus::Gauge& workers = gauge("zoetrope_workers", "Workers that called lately.");
  prometheus::Gauge& connections = gauge("zoetrope_http_connections", "Open connections.");
  prometheus::Gauge& disk = gauge("zoetrope_disk_room_bytes",
                                  "What may be written before submits "
                                  "are refused.");

  prometheus::Family<Histogram>& histogram(const std::string& name, const std::string& help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  prometheus::Gauge& gauge(const std::string& name, const std::string& help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::requested(std::string_view route, const std::string& method, int status, int64_t ms) {
  const std::string pattern(route);
  state_->requests.Add({{"route", pattern}, {"method", method}, {"status", std::to_string(status)}})
      .Increment();
  state_->request_seconds.Add({{"route", pattern}}, kRequestSeconds).Observe(seconds(ms));
}

void Metrics::delivered(bool was_taken) {
  state_->deliveries.Add({{"result", was_taken ? "taken" : "refused"}}).Increment();
}

void Metrics::started(const std::string& model, int64_t waited_ms) {
  state_->queue_seconds.Add({{"model", model}}, kTaskSeconds).Observe(seconds(waited_ms));
}

void Metrics::worked(const Work& work) {
  for (const auto& [phase, ms] : work.phases) {
    state_->phase_seconds.Add({{"phase", phase}}, kTaskSeconds).Observe(seconds(ms));
  }
  const auto denoise = work.phases.find("denoise");
  if (denoise == work.phases.end() || work.steps < 1) return;
  state_->step_seconds.Add({}, kStepSeconds)
      .Observe(seconds(denoise->second) / static_cast<double>(work.steps));
}

void Metrics::ended(const tasks::Ending& ending) {
  state_->tasks.Add({{"model", ending.endpoint}, {"status", ending.outcome}}).Increment();
  if (ending.outcome != "completed") return;
  state_->task_seconds.Add({{"model", ending.endpoint}}, kTaskSeconds)
      .Observe(seconds(ending.took_ms));
}

std::string Metrics::text(const Now& now) {
  for (const auto& load : now.loads) {
    const prometheus::Labels labels = {{"weights", load.weights}};
    state_->waiting.Add(labels).Set(static_cast<double>(load.queued));
    state_->running.Add(labels).Set(static_cast<double>(load.running));
    const auto age = load.oldest_created_at == 0 ? 0 : now.wall_ms - load.oldest_created_at;
    state_->oldest.Add(labels).Set(seconds(age));
  }
  state_->workers.Set(static_cast<double>(now.workers));
  state_->connections.Set(static_cast<double>(now.connections));
  state_->disk.Set(static_cast<double>(now.disk_room));
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace api
