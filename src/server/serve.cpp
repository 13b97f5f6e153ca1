// SPDX-License-Identifier: Apache-2.0
#include "server/serve.h"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include <unistd.h>

#include "api/service.h"
#include "base/error.h"
#include "base/text.h"
#include "http/server.h"
#include "logging/log.h"
#include "server/children.h"
#include "server/start.h"
#include "server/upkeep.h"
#include "server/workers.h"

namespace server {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Fault;
using base::text;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kThreads = 16;         // a handler may block one: the disk, the database
constexpr int kWebhookThreads = 16;  // receivers that hang hold two each
constexpr milliseconds kDrainPatience{30'000};
constexpr int kDiskFailed = 70;  // EX_SOFTWARE of sysexits.h

void configure_log(const Config& config) {
  const auto form = config.log == "json" ? logging::Form::json : logging::Form::plain;
  const auto level = config.log_level == "debug"     ? logging::Level::debug
                     : config.log_level == "warning" ? logging::Level::warning
                     : config.log_level == "error"   ? logging::Level::error
                                                     : logging::Level::info;
  logging::configure(form, level);
}

fs::path make_data_folder(const Config& config) {
  const auto data = data_folder(config.data);
  std::error_code problem;
  fs::create_directories(data, problem);
  if (problem) {
    throw Error(Fault::invalid, text("--data: ", data.string(), ": ", problem.message()));
  }
  fs::permissions(data, fs::perms::owner_all, problem);
  return data;
}

http::EgressPolicy webhook_wall(const Config& config) {
  http::EgressPolicy wall;
  wall.networks = config.allow_address;
  // Whoever lets webhooks into a network of his own has receivers at any port there.
  if (!wall.networks.empty()) wall.ports.clear();
  return wall;
}

std::optional<uint64_t> disk_floor(const Config& config) {
  if (!config.free_disk_megabytes) return std::nullopt;
  return static_cast<uint64_t>(*config.free_disk_megabytes) << 20;
}

// What lives as long as the server, in the order in which each needs those before.
struct Parts {
  explicit Parts(const Config& config)
      : data(make_data_folder(config)),
        clock(base::system_clock()),
        objects({.folder = data / "files", .floor = disk_floor(config)}, clock),
        signer(data / "signing-keys", clock),
        webhooks(webhook_wall(config)),
        store(open_store(config)) {}

  std::unique_ptr<tasks::Store> open_store(const Config& config) {
    tasks::StoreOptions options;
    options.disk_floor_bytes = static_cast<int64_t>(objects.floor());
    options.on_change = [this](const tasks::Change& change) {
      switch (change.kind) {
        case tasks::Change::Kind::queue:
          return waiters.notify("queue");
        case tasks::Change::Kind::task:
          if (change.ending) metrics.ended(*change.ending);
          return waiters.notify(change.task);
        case tasks::Change::Kind::delivery:
          return webhooks.wake();
      }
    };
    return tasks::Store::open(database_url(config.database, data), clock, options);
  }

  fs::path data;
  base::Clock clock;
  objects::Store objects;
  objects::Signer signer;
  api::Waiters waiters;
  api::RateLimiter limiter;
  api::Metrics metrics;
  api::Workers workers;
  api::Webhooks webhooks;
  std::unique_ptr<tasks::Store> store;
};

api::Settings settings_of(const Config& config, const std::string& public_url) {
  return {.version = std::string(cli::version()),
          .public_url = public_url,
          .has_public_url = !config.public_url.empty(),
          .no_auth = config.no_auth,
          .result_life = std::chrono::minutes(config.result_url_minutes),
          .sync_patience = seconds(config.sync_seconds),
          .upload_bytes = static_cast<uint64_t>(config.upload_megabytes) << 20,
          .retention_ms = config.retention_days * 24 * 3600 * 1000,
          .weights = weights_in_use(config)};
}

Children::Watch watch_workers(api::Context& context) {
  return {.started =
              [](const std::string& name, int process) {
                logging::info("worker started", {{"worker", name}, {"process", process}});
              },
          .ended =
              [&context](const std::string& name, const std::string& how) {
                logging::warning("worker ended", {{"worker", name}, {"how", how}});
                context.workers.is_gone(name);
                for (const auto& task : context.store.worker_gone(name)) {
                  logging::warning("task lost its worker",
                                   {{"task", task.task}, {"attempt", task.attempt}});
                }
              }};
}

// SIGTERM and SIGINT arrive in await_signal() and nowhere else.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace

fs::path data_folder(const std::string& configured) {
  if (!configured.empty()) return configured;
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && *data == '/') return fs::path(data) / "zoetrope/server";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') {
    throw Error(Fault::invalid, "--data: is needed, since there is no HOME");
  }
  return fs::path(home) / ".local/share/zoetrope/server";
}

fs::path socket_in(const fs::path& data) {
  return data / "server.sock";
}

std::string database_url(const std::string& configured, const fs::path& data) {
  return configured == "sqlite" ? "sqlite:" + (data / "zoetrope.db").string() : configured;
}

int serve(const Config& config, const fs::path& engine) {
  configure_log(config);
  const auto signals = block_signals();
  Parts parts(config);
  api::Context context{.store = *parts.store,
                       .objects = parts.objects,
                       .signer = parts.signer,
                       .waiters = parts.waiters,
                       .limiter = parts.limiter,
                       .metrics = parts.metrics,
                       .workers = parts.workers,
                       .webhooks = parts.webhooks,
                       .clock = parts.clock,
                       .settings = {}};
  http::Server server(
      api::make_service(context),
      {.threads = kThreads, .log = [](const std::string& line) { logging::info(line); }});
  server.listen(config.listen);
  server.listen(socket_in(parts.data).string());
  const auto first_key = make_first_key(*parts.store, config, server.is_local());
  context.settings = settings_of(config, public_url(config, server.port()));
  context.connections = [&server] { return server.connections(); };
  if (!server.is_local() && !context.settings.has_public_url) {
    logging::warning(
        "webhooks name an address of this machine alone; --public-url tells a better one",
        {{"address", context.settings.public_url}});
  }
  const auto workers =
      workers_of(config, context.settings.weights, gpus(), engine, socket_in(parts.data));
  std::cout << first_screen(context, config, parts.data.string(), workers.size(), first_key)
            << std::flush;

  parts.webhooks.start(context, kWebhookThreads);
  // The sockets are bound: who connects before run() waits there.
  Children children(workers, watch_workers(context));
  const Upkeep upkeep(context, [] { ::kill(::getpid(), SIGTERM); });
  std::thread stopper([&] {
    int signal = 0;
    ::sigwait(&signals, &signal);
    logging::info("stopping", {{"signal", signal}});
    context.is_draining = true;
    parts.waiters.close();
    children.stop(kDrainPatience);
    server.drain();
  });
  server.run();
  stopper.join();
  parts.webhooks.stop();
  const bool has_failed = parts.store->has_failed() || parts.objects.has_failed();
  return has_failed ? kDiskFailed : cli::kDone;
}

}  // namespace server
