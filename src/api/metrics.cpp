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
