// SPDX-License-Identifier: Apache-2.0
#include "server/start.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "specs/specs.h"

namespace server {
namespace {

using base::Error;
using base::Fault;
using base::text;

constexpr auto* kTenant = "default";
constexpr auto* kUsualScopes = "tasks:read tasks:write metrics";
// Shown where no key was made just now.
constexpr auto* kAnyKey = "$WAVESPEED_API_KEY";

// The demo model of the same release: "wan2.2-t2v-tiny" for "wan2.2-t2v-a14b".
const specs::ModelSpec* demo_of(const specs::ModelSpec& model) {
  const auto release = model.name.substr(0, model.name.find('-'));
  const auto found = std::ranges::find_if(specs::models(), [&](const specs::ModelSpec& other) {
    return other.is_demo() && other.name.starts_with(release);
  });
  return found == specs::models().end() ? nullptr : &*found;
}

bool is_whole(const weights::InstalledModel& installed, const specs::ModelSpec& model) {
  return installed.problem.empty() && std::ranges::count(installed.specs, &model) > 0;
}

std::string host_of(const std::string& listen) {
  return listen.substr(0, listen.rfind(':'));
}

// 0.0.0.0 and [::] are addresses to listen to, not to call.
std::string callable(const std::string& host) {
  if (host == "0.0.0.0" || host.empty()) return "127.0.0.1";
  return host == "[::]" ? "[::1]" : host;
}

std::string weights_lines(const api::Context& context) {
  std::ostringstream lines;
  for (const auto& [name, serving] : context.settings.weights) {
    lines << "             " << name << ": ";
    if (serving.model.empty()) {
      lines << "nothing; tasks for it will fail\n";
    } else {
      lines << serving.model << (serving.is_demo ? " (a demo model stands in)\n" : "\n");
    }
  }
  return lines.str();
}

std::string curl_lines(const api::Context& context, const std::string& key) {
  const auto authorization = context.settings.no_auth
                                 ? std::string()
                                 : text("  -H \"Authorization: Bearer ", key, "\" \\\n");
  return text("  curl ",
              context.settings.public_url,
              "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast \\\n",
              authorization,
              "  -H 'Content-Type: application/json' \\\n"
              "  -d '{\"prompt\": \"a red ball bounces on a navy background\", "
              "\"enable_sync_mode\": true}'\n");
}

}  // namespace

std::string public_url(const Config& config, uint16_t port) {
  if (config.public_url.empty())
    return text("http://", callable(host_of(config.listen)), ':', port);
  auto url = config.public_url;
  while (url.ends_with('/')) url.pop_back();
  const auto scheme = url.substr(0, url.find("://"));
  if ((scheme != "http" && scheme != "https") || url.size() <= scheme.size() + 3 ||
      url.find_first_of("?# \"\\") != std::string::npos) {
    throw Error(Fault::invalid,
                text("--public-url: \"", config.public_url, "\" is not as https://videos.example"));
  }
  return url;
}

ServingByModel weights_in_use(const Config& config, const weights::ModelFolders& folders) {
  ServingByModel serving;
  const auto installed = weights::installed_models(folders);
  const auto has = [&](const specs::ModelSpec& model) {
    return std::ranges::any_of(installed, [&](const auto& one) { return is_whole(one, model); });
  };
  for (const auto& endpoint : catalog::endpoints()) {
    const auto* model = specs::find_model(endpoint.weights);
    const auto configured = config.weights.find(std::string(model->name));
    const auto* demo = demo_of(*model);
    auto& entry = serving[std::string(model->name)];
    if (configured != config.weights.end()) {
      entry = {.model = configured->second};
    } else if (has(*model)) {
      entry = {.model = std::string(model->name)};
    } else if (demo != nullptr && has(*demo)) {
      entry = {.model = std::string(demo->name), .is_demo = true};
    }
  }
  return serving;
}

std::optional<std::string> make_first_key(tasks::Store& store,
                                          const Config& config,
                                          bool is_local) {
  if (config.no_auth || store.has_keys()) return std::nullopt;
  if (!is_local) {
    throw Error(Fault::invalid,
                text("--listen: others can reach ",
                     config.listen,
                     " and there is no key yet; make one with: zoetrope keys create --name NAME",
                     config.data.empty() ? "" : text(" --data ", config.data),
                     "\n(--no-auth lets everybody in)"));
  }
  return store.create_key({.tenant = kTenant, .name = "first", .scopes = kUsualScopes});
}

std::string first_screen(const api::Context& context,
                         const Config& config,
                         const std::string& data,
                         size_t workers,
                         const std::optional<std::string>& first_key) {
  std::ostringstream screen;
  screen << "zoetrope " << context.settings.version << '\n'
         << "  address    " << context.settings.public_url << "  (description: /openapi.json)\n"
         << "  data       " << data << '\n';
  if (config.no_auth) {
    screen << "  key        none is needed: --no-auth\n";
  } else if (first_key) {
    screen << "  key        " << *first_key << "  (shown once)\n";
  } else {
    screen << "  key        as made before; another one: zoetrope keys create --name NAME\n";
  }
  screen << "  workers    " << workers << '\n'
         << "  weights\n"
         << weights_lines(context) << '\n'
         << curl_lines(context, first_key.value_or(kAnyKey)) << '\n';
  return screen.str();
}

}  // namespace server
