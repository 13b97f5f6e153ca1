// SPDX-License-Identifier: Apache-2.0
#include "hub/civitai.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <vector>

#include "base/json.h"
#include "base/text.h"

namespace hub {
namespace {

using base::Error;
using base::Fault;
using base::Json;
using base::text;

struct Candidate {
  std::string name;
  std::string query;  // of its download's URL
  std::string sha256;
  bool is_main = false;
};

class Site {
 public:
  Site(http::Client& client,
       const CivitaiSettings& settings,
       const Patience& patience,
       const std::function<bool()>& goes_on)
      : client_(client), settings_(settings), patience_(patience), goes_on_(goes_on) {}

  Place place(const std::string& what) const {
    return {.what = what + " on Civitai",
            .token_variable = "CIVITAI_TOKEN",
            .has_token = !settings_.token.empty()};
  }

  http::Fields headers() const {
    if (settings_.token.empty()) return {};
    return {{"authorization", "Bearer " + settings_.token}};
  }

  Json ask(const std::string& path, const std::string& what) const {
    http::Call call;
    call.url = settings_.endpoint + path;
    call.headers = headers();
    call.redirects = 5;
    const auto reply = send_patiently(client_, call, place(what), patience_, goes_on_);
    if (reply.status != 200) throw_status(place(what), reply);
    try {
      return base::parse_json(reply.body, "the answer");
    } catch (const Error& error) {
      throw Error(Fault::upstream, "fetch_failed: Civitai's answer cannot be read", error.what());
    }
  }

 private:
  http::Client& client_;
  const CivitaiSettings& settings_;
  const Patience& patience_;
  const std::function<bool()>& goes_on_;
};

std::set<std::string> fields_of(const std::string& query) {
  std::set<std::string> fields;
  for (size_t begin = 0; begin < query.size();) {
    const auto end = std::min(query.find('&', begin), query.size());
    if (end > begin) fields.insert(query.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

std::string text_at(const Json& json, const char* object, const char* key) {
  const auto found = json.find(object);
  if (found == json.end() || !found->is_object()) return {};
  const auto value = found->find(key);
  return value != found->end() && value->is_string() ? value->get<std::string>() : std::string();
}

std::vector<Candidate> candidates_in(const Json& version) {
  std::vector<Candidate> candidates;
  for (const auto& file : version.at("files")) {
    Candidate candidate{.name = file.at("name").get<std::string>()};
    const bool is_readable =
        http::lower_case(text_at(file, "metadata", "format")) == "safetensor" ||
        candidate.name.ends_with(".safetensors");
    if (!is_readable) continue;
    const auto url = file.value("downloadUrl", "");
    const auto question = url.find('?');
    if (question != std::string::npos) candidate.query = url.substr(question + 1);
    candidate.sha256 = http::lower_case(text_at(file, "hashes", "SHA256"));
    if (candidate.sha256.size() != 64) candidate.sha256.clear();
    const auto primary = file.find("primary");
    candidate.is_main = primary != file.end() && primary->is_boolean() && primary->get<bool>();
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

Candidate choose(const std::vector<Candidate>& candidates,
                 const CivitaiReference& reference,
                 const std::string& what) {
  if (candidates.empty()) {
    throw Error(
        Fault::invalid,
        text("lora_file_invalid: ", what, " on Civitai has no file in the safetensors format"));
  }
  const auto asked = fields_of(reference.query);
  if (!asked.empty()) {
    for (const auto& candidate : candidates) {
      if (fields_of(candidate.query) == asked) return candidate;
    }
  }
  if (candidates.size() == 1) return candidates[0];
  const auto main = std::ranges::find_if(candidates, &Candidate::is_main);
  if (main != candidates.end()) return *main;
  std::vector<std::string> names;
  for (const auto& candidate : candidates) {
    names.push_back(text(
        candidate.name, " (/api/download/models/", reference.version, "?", candidate.query, ")"));
  }
  throw Error(
      Fault::invalid,
      text("lora_ambiguous: ", what, " on Civitai has several files: ", base::join(names, ", ")));
}

int64_t newest_version(const Site& site, int64_t model) {
  const auto what = text("model ", model);
  const auto json = site.ask(text("/api/v1/models/", model), what);
  const auto& versions = json.at("modelVersions");
  if (versions.empty()) {
    throw Error(Fault::not_found, text("lora_not_found: ", what, " on Civitai has no version"));
  }
  return versions.at(0).at("id").get<int64_t>();
}

}  // namespace

CivitaiSettings civitai_settings() {
  CivitaiSettings settings;
  if (const char* token = std::getenv("CIVITAI_TOKEN")) settings.token = token;
  if (const char* endpoint = std::getenv("CIVITAI_ENDPOINT")) settings.endpoint = endpoint;
  return settings;
}

CivitaiFile find_on_civitai(http::Client& client,
                            const CivitaiSettings& settings,
                            const CivitaiReference& reference,
                            const Patience& patience,
                            const std::function<bool()>& goes_on) {
  const Site site(client, settings, patience, goes_on);
  try {
    auto exact = reference;
    if (exact.version == 0) exact.version = newest_version(site, exact.model);
    const auto what = text("version ", exact.version);
    const auto file = choose(
        candidates_in(site.ask(text("/api/v1/model-versions/", exact.version), what)), exact, what);
    CivitaiFile found;
    found.key = text("civitai ", exact.version, ' ', file.query);
    const auto url = text(settings.endpoint, "/api/download/models/", exact.version);
    found.download.url = file.query.empty() ? url : url + "?" + file.query;
    found.plain_url = file.query.empty() ? std::string() : url;
    found.download.headers = site.headers();
    found.download.place = site.place(file.name);
    found.download.sha256 = file.sha256;
    found.download.patience = patience;
    return found;
  } catch (const Json::exception& error) {
    throw Error(Fault::upstream, "fetch_failed: Civitai's answer cannot be read", error.what());
  }
}

}  // namespace hub
