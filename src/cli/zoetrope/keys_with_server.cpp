// SPDX-License-Identifier: Apache-2.0
// zoetrope keys: make, list and revoke keys, through the server's socket while it runs and on its
// database while it does not.
#include <algorithm>
#include <iostream>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/admin.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/zoetrope/commands.h"
#include "http/client.h"
#include "server/serve.h"
#include "tasks/store.h"

namespace cli {
namespace {

using base::Error;
using base::Fault;
using base::Json;
using base::text;

struct Request {
  std::string action;
  std::string id;
  std::string data;
  std::string database = "sqlite";
  std::string tenant = "default";
  std::string name;
  std::string scopes;
  std::optional<int64_t> expires_days, priority, queued, running, requests_per_minute;
  std::optional<double> spending_cap;
  bool json = false;
};

constexpr Option<Request> kOptions[] = {
    {"ACTION", "", &Request::action, "create, list or revoke.", {.required = true}},
    {"ID", "", &Request::id, "Of the key to revoke: what is between zt_ and the next _."},
    {"--data", "DIR", &Request::data, "The server's data folder."},
    {"--database", "URL", &Request::database, "The server's database, as told to serve."},
    {"--tenant", "NAME", &Request::tenant, "Whose key: tenants see nothing of each other."},
    {"--name", "NAME", &Request::name, "What you call it."},
    {"--scopes",
     "WORDS",
     &Request::scopes,
     "What it may: tasks:read tasks:write metrics worker. Default: the first two."},
    {"--expires-days", "N", &Request::expires_days, "When it ends.", {.min = 1}},
    {"--priority",
     "N",
     &Request::priority,
     "Tasks of a higher one run first. Default: 0.",
     {.min = -1000, .max = 1000}},
    {"--queued", "N", &Request::queued, "The most tasks that may wait.", {.min = 0}},
    {"--running", "N", &Request::running, "The most that may run at a time.", {.min = 0}},
    {"--requests-per-minute", "N", &Request::requests_per_minute, "The most calls.", {.min = 1}},
    {"--spending-cap",
     "USD",
     &Request::spending_cap,
     "The most that it may ever spend.",
     {.min = 0}},
    {"--json", "", &Request::json, "One JSON object."},
};
constexpr Form<Request> kForm = {
    "zoetrope keys", "Makes, lists and revokes the keys of a server.", kOptions};

template <typename Value>
void put(Json& body, const char* name, const std::optional<Value>& value) {
  if (value) body[name] = *value;
}

Json key_body(const Request& request) {
  Json body = {{"tenant", request.tenant}, {"name", request.name}, {"scopes", request.scopes}};
  put(body, "expires_days", request.expires_days);
  put(body, "priority", request.priority);
  put(body, "queued", request.queued);
  put(body, "running", request.running);
  put(body, "requests_per_minute", request.requests_per_minute);
  if (request.spending_cap) {
    body["spending_cap_mills"] = static_cast<int64_t>(*request.spending_cap * 1000 + 0.5);
  }
  return body;
}

bool is_answering(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.string().size() >= sizeof address.sun_path) return false;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool answers =
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(descriptor);
  return answers;
}

Json call_server(const std::filesystem::path& socket,
                 const std::string& method,
                 const std::string& path,
                 const Json& body) {
  http::Client client;
  const auto reply = client.send({.method = method,
                                  .url = "http://server" + path,
                                  .headers = {{"content-type", "application/json"}},
                                  .body = method == "GET" ? std::string() : body.dump(),
                                  .unix_socket = socket});
  const auto answer = base::parse_json(reply.body, "the server's answer");
  if (reply.status != 200) {
    throw Error(reply.status == 404 ? Fault::not_found : Fault::invalid,
                answer.value("message", ""));
  }
  return answer.at("data");
}

Json ask_server(const std::filesystem::path& socket, const Request& request) {
  constexpr auto* kKeys = "/admin/v1/keys";
  if (request.action == "create") return call_server(socket, "POST", kKeys, key_body(request));
  if (request.action == "list") {
    return call_server(socket, "GET", text(kKeys, "?tenant=", request.tenant), {});
  }
  return call_server(
      socket, "POST", text(kKeys, "/revoke"), {{"tenant", request.tenant}, {"id", request.id}});
}

Json ask_store(const std::filesystem::path& data, const Request& request) {
  const auto clock = base::system_clock();
  const auto store = tasks::Store::open(server::database_url(request.database, data), clock);
  if (request.action == "create") return api::admin::make_key(*store, key_body(request), clock);
  if (request.action == "list") return api::admin::describe_keys(*store, request.tenant);
  store->revoke_key(request.tenant, request.id);
  return {{"id", request.id}};
}

void print(const Request& request, const Json& answer) {
  if (request.json) {
    std::cout << answer.dump() << '\n';
  } else if (request.action == "create") {
    std::cout << answer.at("key").get<std::string>() << '\n';
  } else if (request.action == "revoke") {
    std::cout << "revoked " << request.id << '\n';
  } else {
    for (const auto& key : answer) {
      std::cout << key.value("id", "") << "  " << key.value("tenant", "") << "  "
                << key.value("name", "") << "  " << key.value("scopes", "") << "  made "
                << key.value("created_at", "");
      if (key.contains("expires_at")) std::cout << "  until " << key.value("expires_at", "");
      if (key.contains("revoked_at")) std::cout << "  REVOKED " << key.value("revoked_at", "");
      std::cout << '\n';
    }
  }
}

void complain(const Request& request, Complaints& complaints) {
  constexpr std::string_view kActions[] = {"create", "list", "revoke"};
  if (std::ranges::find(kActions, request.action) == std::end(kActions)) {
    complaints.add(text("ACTION: \"", request.action, "\" is not one of create, list, revoke"));
  }
  if (request.action == "revoke" && request.id.empty()) {
    complaints.add("ID: is missing; zoetrope keys list shows the keys");
  }
  if (request.action != "revoke" && !request.id.empty()) {
    complaints.add(text("\"", request.id, "\": only revoke takes an id"));
  }
}

}  // namespace

int keys(Arguments arguments) {
  Complaints complaints;
  const auto request = read_options(kForm, arguments, complaints);
  if (!request) return kDone;
  complain(*request, complaints);
  complaints.refuse();
  const auto data = server::data_folder(request->data);
  const auto socket = server::socket_in(data);
  std::filesystem::create_directories(data);
  print(*request, is_answering(socket) ? ask_server(socket, *request) : ask_store(data, *request));
  return kDone;
}

}  // namespace cli
