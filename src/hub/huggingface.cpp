// SPDX-License-Identifier: Apache-2.0
#include "hub/huggingface.h"

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "hub/file_lock.h"
#include "objects/percent.h"

namespace hub {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Fault;
using base::Json;
using base::text;

constexpr size_t kMaxShown = 20;  // names of files in a message
constexpr uint64_t kMaxListingBytes = 64 << 20;
constexpr size_t kMaxSmallFile = 64 << 20;  // Git's own; larger ones are in LFS
constexpr std::string_view kWeights = ".safetensors";
constexpr std::string_view kPickles[] = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"};

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

fs::path with_home(const std::string& path) {
  if (!path.starts_with("~/")) return path;
  return fs::path(from_environment("HOME")) / path.substr(2);
}

fs::path home_folder() {
  if (const auto named = from_environment("HF_HOME"); !named.empty()) return with_home(named);
  const auto cache = from_environment("XDG_CACHE_HOME");
  return (cache.empty() ? with_home("~/.cache") : with_home(cache)) / "huggingface";
}

bool is_true(std::string value) {
  value = http::lower_case(value);
  return value == "1" || value == "true" || value == "yes" || value == "on";
}

std::string read_token(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return {};
  const auto content = base::read_file(file, 4096);
  const auto end = content.find_last_not_of(" \r\n\t");
  return end == std::string::npos ? std::string() : content.substr(0, end + 1);
}

// ── the answer ──

bool is_blob_name(const std::string& name) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return (name.size() == 40 || name.size() == 64) && std::ranges::all_of(name, is_digit);
}

// What the hub says becomes names of files here.
bool is_safe_path(const std::string& path) {
  const fs::path parsed(path);
  const auto is_odd = [](const fs::path& part) {
    return part == ".." || part == "." || part == "";
  };
  return !path.empty() && !parsed.is_absolute() && std::ranges::none_of(parsed, is_odd) &&
         path.find('\0') == std::string::npos;
}

RepositoryFile file_in(const Json& sibling) {
  RepositoryFile file{.path = sibling.at("rfilename").get<std::string>(),
                      .bytes = sibling.value("size", uint64_t{0}),
                      .blob = sibling.value("blobId", "")};
  if (const auto lfs = sibling.find("lfs"); lfs != sibling.end() && lfs->is_object()) {
    file.sha256 = lfs->at("sha256").get<std::string>();
    file.bytes = lfs->at("size").get<uint64_t>();
    file.blob = file.sha256;
  }
  if (!is_safe_path(file.path) || !is_blob_name(file.blob)) {
    throw Error(Fault::upstream, "fetch_failed: the hub's list of files cannot be read");
  }
  return file;
}

Listing listing_in(const std::string& body,
                   const std::string& repository,
                   const std::string& revision) {
  try {
    const auto json =
        base::parse_json(body, "the hub's answer", {.depth = 16, .bytes = kMaxListingBytes});
    Listing listing{.repository = repository,
                    .revision = revision,
                    .commit = json.at("sha").get<std::string>()};
    if (listing.commit.size() != 40 || !is_blob_name(listing.commit)) throw std::exception();
    for (const auto& sibling : json.at("siblings")) listing.files.push_back(file_in(sibling));
    return listing;
  } catch (const std::exception& error) {
    throw Error(Fault::upstream,
                text("fetch_failed: what the hub says of ", repository, " cannot be read"),
                error.what());
  }
}

// ── choosing ──

std::string shown(const std::vector<const RepositoryFile*>& files) {
  std::string names;
  for (size_t i = 0; i < std::min(files.size(), kMaxShown); ++i) {
    names += (i > 0 ? ", " : "") + files[i]->path;
  }
  if (files.size() > kMaxShown) names += text(" and ", files.size() - kMaxShown, " more");
  return names;
}

std::vector<const RepositoryFile*> weights_below(const Listing& listing,
                                                 const std::string& folder) {
  std::vector<const RepositoryFile*> found;
  for (const auto& file : listing.files) {
    const bool is_below = folder.empty() || file.path.starts_with(folder + "/");
    if (is_below && file.path.ends_with(kWeights)) found.push_back(&file);
  }
  return found;
}

[[noreturn]] void refuse_absent(const Listing& listing, const std::string& path) {
  const auto all = weights_below(listing, {});
  if (all.empty()) {
    const bool has_pickles =
        std::ranges::any_of(listing.files, is_called_a_pickle, &RepositoryFile::path);
    throw Error(has_pickles ? Fault::invalid : Fault::not_found,
                text(has_pickles ? "lora_file_invalid: " : "lora_not_found: ",
                     listing.repository,
                     " holds no .safetensors file",
                     has_pickles ? ", only pickles, which are not read" : ""));
  }
  throw Error(
      Fault::not_found,
      text("lora_not_found: ", listing.repository, " has no ", path, "; it has ", shown(all)));
}

}  // namespace

HuggingFaceSettings huggingface_settings() {
  HuggingFaceSettings settings;
  const auto home = home_folder();
  if (auto endpoint = from_environment("HF_ENDPOINT"); !endpoint.empty()) {
    while (endpoint.ends_with('/')) endpoint.pop_back();
    settings.endpoint = endpoint;
  }
  for (const auto* name : {"HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE"}) {
    if (const auto named = from_environment(name); !named.empty())
      settings.cache = with_home(named);
  }
  if (settings.cache.empty()) settings.cache = home / "hub";
  for (const auto* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (settings.token.empty()) settings.token = from_environment(name);
  }
  if (settings.token.empty()) {
    const auto named = from_environment("HF_TOKEN_PATH");
    settings.token = read_token(named.empty() ? home / "token" : with_home(named));
  }
  settings.is_offline = is_true(from_environment("HF_HUB_OFFLINE")) ||
                        is_true(from_environment("TRANSFORMERS_OFFLINE"));
  return settings;
}

bool is_called_a_pickle(std::string_view path) {
  const auto name = http::lower_case(path);
  return std::ranges::any_of(kPickles,
                             [&](std::string_view ending) { return name.ends_with(ending); });
}

const RepositoryFile& choose_file(const Listing& listing, const std::string& path) {
  for (const auto& file : listing.files) {
    if (file.path == path) return file;
  }
  const auto candidates = weights_below(listing, path);
  if (candidates.empty()) refuse_absent(listing, path);
  if (candidates.size() == 1) return *candidates[0];
  throw Error(Fault::invalid,
              text("lora_ambiguous: ",
                   listing.repository,
                   " has several files: ",
                   shown(candidates),
                   "; name one of them, as in ",
                   listing.repository,
                   "/",
                   candidates[0]->path));
}

HuggingFace::HuggingFace(http::Client& client, HuggingFaceSettings settings, Patience patience)
    : client_(client),
      settings_(std::move(settings)),
      patience_(std::move(patience)),
      cache_(settings_.cache) {}

Place HuggingFace::place_of(const std::string& what) const {
  auto host = settings_.endpoint.substr(settings_.endpoint.find("://") + 3);
  return {.what = what + " on " + host,
          .token_variable = "HF_TOKEN",
          .has_token = !settings_.token.empty()};
}

http::Fields HuggingFace::headers() const {
  if (settings_.token.empty()) return {};
  return {{"authorization", "Bearer " + settings_.token}};
}

Listing HuggingFace::ask(const std::string& repository,
                         const std::string& revision,
                         const Patience& patience,
                         const std::function<bool()>& goes_on) const {
  http::Call call;
  call.url = text(settings_.endpoint,
                  "/api/models/",
                  repository,
                  "/revision/",
                  objects::percent_encode(revision),
                  "?blobs=true");
  call.headers = headers();
  call.redirects = 5;  // a repository may have got another name
  call.max_bytes = kMaxListingBytes;
  const auto place = place_of(revision == "main" ? repository : repository + "@" + revision);
  const auto reply = send_patiently(client_, call, place, patience, goes_on);
  if (reply.status != 200) throw_status(place, reply);
  return listing_in(reply.body, repository, revision);
}

Listing HuggingFace::list(const std::string& repository,
                          const std::string& revision,
                          const std::function<bool()>& goes_on) const {
  auto cached = cache_.list(repository, revision);
  if (!cached) return list_online(repository, revision, goes_on);
  if (settings_.is_offline) return std::move(*cached);
  auto patience = patience_;
  patience.retries = std::min(patience.retries, 1);
  try {
    return ask(repository, revision, patience, goes_on);
  } catch (const Error& error) {
    if (error.fault() != Fault::upstream) throw;
    return std::move(*cached);
  }
}

Listing HuggingFace::list_online(const std::string& repository,
                                 const std::string& revision,
                                 const std::function<bool()>& goes_on) const {
  if (!settings_.is_offline) return ask(repository, revision, patience_, goes_on);
  throw Error(Fault::not_found,
              text("lora_not_found: ",
                   repository,
                   " is not in the cache, and HF_HUB_OFFLINE forbids to ask the hub"));
}

Download HuggingFace::download_of(const Listing& listing, const RepositoryFile& file) const {
  Download what;
  std::string path;
  for (const auto& part : fs::path(file.path)) {
    path += "/" + objects::percent_encode(part.string());
  }
  // The commit, not the branch: the content cannot change while it is fetched.
  what.url = text(settings_.endpoint, "/", listing.repository, "/resolve/", listing.commit, path);
  what.headers = headers();
  what.place = place_of(listing.repository + "/" + file.path);
  what.bytes = file.bytes;
  what.sha256 = file.sha256;
  what.patience = patience_;
  return what;
}

fs::path HuggingFace::fetch(const Listing& listing,
                            const RepositoryFile& file,
                            const Download& limits,
                            const std::function<void(const fs::path&)>& check,
                            const fs::path& place) const {
  if (auto found = cache_.find(listing, file)) return *found;
  if (settings_.is_offline) {
    throw Error(Fault::not_found,
                text("lora_not_found: ",
                     listing.repository,
                     "/",
                     file.path,
                     " is not in the cache, and HF_HUB_OFFLINE forbids to fetch it"));
  }
  const auto goes_on = [&] { return !limits.progress || limits.progress(0, file.bytes); };
  const auto lock = FileLock::exclusive(cache_.lock(listing, file), goes_on);
  if (auto found = cache_.find(listing, file)) return *found;
  const auto blob = cache_.blob(listing, file);
  std::error_code failed;
  if (fs::file_size(blob, failed) == file.bytes && !failed) {
    return cache_.publish(listing, file, {});
  }
  auto what = download_of(listing, file);
  what.max_bytes = limits.max_bytes;
  what.connections = limits.connections;
  what.progress = limits.progress;
  const auto partial = place.empty() ? fs::path(blob.string() + ".partial") : place;
  fs::create_directories(blob.parent_path(), failed);
  download(client_, what, partial);
  const bool is_whole = !file.sha256.empty() ||
                        crypto::git_blob_id(base::read_file(partial, kMaxSmallFile)) == file.blob;
  try {
    if (!is_whole)
      throw Error(Fault::upstream, text("fetch_failed: ", what.place.what, ": is damaged"));
    if (check) check(partial);
  } catch (...) {
    fs::remove(partial, failed);
    throw;
  }
  return cache_.publish(listing, file, partial);
}

}  // namespace hub
