// SPDX-License-Identifier: Apache-2.0
#include "worker/remote_server.h"

#include <cmath>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "http/client.h"

namespace worker {
namespace {

using base::Fault;
using base::Json;
using base::text;
using std::chrono::milliseconds;

// A heartbeat that is not answered soon leaves time for another one within the lease.
constexpr milliseconds kHeartbeatTime{5'000};
constexpr milliseconds kCallTime{15'000};
constexpr milliseconds kStallTime{15'000};  // of a file that is sent

// What an operator reads of an answer, or of an error, at most.
constexpr size_t kMaxDetail = 4'000;

// ── answers ─────────────────────────────────────────────────────────────────────────────────────

Fault fault_of(int status) {
  if (status == 401 || status == 403) return Fault::unauthorized;
  if (status == 409) return Fault::conflict;
  const bool is_passing = status == 408 || status == 429 || status >= 500;
  return is_passing ? Fault::upstream : Fault::internal;
}

void check(const http::Reply& reply, std::string_view path) {
  if (reply.status == 200) return;
  throw base::Error(fault_of(reply.status),
                    text("the server answered ", reply.status, " to ", path),
                    reply.body.substr(0, kMaxDetail));
}

// Throws Error(internal) where the answer is not as it was agreed upon: two versions that do not
// understand each other.
template <typename Read>
auto read(const http::Reply& reply, std::string_view path, Read read_json) {
  try {
    return read_json(base::parse_json(reply.body, "answer"));
  } catch (const std::exception& problem) {
    throw base::Error(Fault::internal,
                      text("the server's answer to ", path, " is not understood"),
                      text(problem.what(), ": ", reply.body.substr(0, kMaxDetail)));
  }
}

std::optional<Task> task_of(const Json& answer) {
  const auto& json = answer.at("task");
  if (json.is_null()) return std::nullopt;
  Task task{.id = json.at("id"),
            .attempt = json.at("attempt"),
            .token = json.at("token"),
            .endpoint = json.at("endpoint"),
            .kind = json.at("kind"),
            .weights = json.at("weights"),
            .model = json.value("model", ""),
            .request = json.at("request"),
            .warnings = json.value("warnings", std::vector<std::string>()),
            .lease = milliseconds(json.at("lease_ms").get<int64_t>()),
            .heartbeat = milliseconds(json.at("heartbeat_ms").get<int64_t>()),
            .out_of_memory = json.value("out_of_memory", 0)};
  // Less would be over (Lease) before a second heartbeat could make up for a first.
  if (task.heartbeat.count() < 1 || task.lease < 3 * task.heartbeat) {
    throw base::Error(Fault::internal, "the lease is shorter than three heartbeats");
  }
  return task;
}

// ── messages ────────────────────────────────────────────────────────────────────────────────────

Json fenced(const Task& task) {
  return {{"attempt", task.attempt}, {"token", task.token}};
}

Json as_json(const Progress& progress) {
  Json json = {{"phase", progress.phase},
               {"step", progress.step},
               {"steps", progress.steps},
               {"percent", progress.percent}};
  if (progress.eta_seconds) json["eta_seconds"] = std::round(*progress.eta_seconds * 10) / 10;
  return json;
}

Json as_json(const Output& output) {
  return {{"name", output.name},
          {"media_type", output.media_type},
          {"bytes", output.bytes},
          {"sha256", output.sha256}};
}

Json with(Json message, const Result& result) {
  message["files"] = Json::array();
  for (const auto& file : result.files) message["files"].push_back(as_json(file));
  message["seed"] = result.seed;
  message["warnings"] = result.warnings;
  message["inference_ms"] = result.inference.count();
  message["phases_ms"] = Json::object();
  for (const auto& [phase, time] : result.phases) message["phases_ms"][phase] = time.count();
  message["steps"] = result.steps;
  return message;
}

Json with(Json message, const Failure& failure) {
  message["class"] = name_of(failure.kind);
  message["message"] = failure.message;
  message["detail"] = failure.detail.substr(0, kMaxDetail);
  return message;
}

std::string path_of(const Task& task, std::string_view call) {
  return text("/worker/v1/tasks/", task.id, '/', call);
}

// Shared by the calls of one server.
class Connection {
 public:
  explicit Connection(Address address) : address_(std::move(address)) {}

  http::Reply post(const std::string& path, const Json& message, milliseconds time) {
    auto call = to(path);
    call.method = "POST";
    call.headers.push_back({"content-type", "application/json"});
    // An error's text may quote bytes that are no UTF-8.
    call.body = message.dump(-1, ' ', false, Json::error_handler_t::replace);
    call.total_time = time;
    return send(call, path);
  }

  void put(const Task& task, const Output& output, const std::filesystem::path& file) {
    const auto path = path_of(task, "files/" + output.name);
    auto call = to(text(path, "?attempt=", task.attempt, "&token=", task.token));
    call.method = "PUT";
    call.headers.push_back({"content-type", output.media_type});
    call.headers.push_back({"x-content-sha256", output.sha256});
    call.upload = file;
    call.total_time = milliseconds(0);
    call.stall_time = kStallTime;
    const auto sha256 = read(send(call, path), path, [](const Json& answer) {
      return answer.at("sha256").get<std::string>();
    });
    if (sha256 != output.sha256) {
      throw base::Error(Fault::upstream, "the server received other bytes than were sent");
    }
  }

 private:
  http::Call to(const std::string& path) const {
    http::Call call{.url = address_.url + path};
    call.unix_socket = address_.unix_socket;
    if (!address_.key.empty()) call.headers.push_back({"authorization", "Bearer " + address_.key});
    return call;
  }

  http::Reply send(const http::Call& call, std::string_view path) {
    auto reply = client_.send(call);
    check(reply, path);
    return reply;
  }

  Address address_;
  http::Client client_;
};

}  // namespace

Server remote_server(const Address& address) {
  const auto connection = std::make_shared<Connection>(address);
  const auto tell = [connection](const Task& task, std::string_view call, const Json& message) {
    connection->post(path_of(task, call), message, kCallTime);
  };
  return {
      .claim =
          [connection](const Claim& claim) {
            constexpr const char* kPath = "/worker/v1/claim";
            const Json message = {{"worker", claim.worker},
                                  {"weights", claim.weights},
                                  {"wait_ms", claim.wait.count()}};
            return read(connection->post(kPath, message, claim.wait + kCallTime), kPath, task_of);
          },
      .heartbeat =
          [connection](const Task& task, const Progress& progress) {
            const auto path = path_of(task, "heartbeat");
            auto message = fenced(task);
            message["progress"] = as_json(progress);
            return read(connection->post(path, message, kHeartbeatTime),
                        path,
                        [](const Json& answer) -> Wish {
                          return {.cancel = answer.at("cancel"), .drain = answer.at("drain")};
                        });
          },
      .put_file =
          [connection](const Task& task, const Output& output, const std::filesystem::path& file) {
            connection->put(task, output, file);
          },
      .finish = [tell](const Task& task,
                       const Result& result) { tell(task, "finish", with(fenced(task), result)); },
      .fail = [tell](const Task& task,
                     const Failure& failure) { tell(task, "fail", with(fenced(task), failure)); },
      .release = [tell](const Task& task) { tell(task, "release", fenced(task)); }};
}

}  // namespace worker
