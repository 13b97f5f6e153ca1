// SPDX-License-Identifier: Apache-2.0
#include "hub/fetch.h"

#include <algorithm>
#include <cstdlib>

#include <sys/stat.h>

#include "base/text.h"
#include "hub/cache.h"
#include "hub/reference.h"

namespace hub {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Fault;
using base::text;

// How long a file is used without asking, where its place cannot tell whether it has changed.
constexpr int64_t kUnaskedMs = 3600LL * 1000;

// The place has another file by now.
struct HasChanged {};

fs::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : fs::path(value);
}

// Without what may be secret: the query.
std::string shown_url(const std::string& url) {
  return url.substr(0, url.find_first_of("?#"));
}

FetchedFile given_out(HeldEntry&& held) {
  return {.path = held.entry.link.empty() ? held.entry.file : held.entry.link,
          .sha256 = held.entry.sha256,
          .use = std::make_shared<const FileLock>(std::move(held.use))};
}

}  // namespace

struct Fetcher::State {
  FetchSettings settings;
  http::Client client;
  http::Client own_client;  // without the wall
  HuggingFace huggingface;
  FileCache cache;

  explicit State(FetchSettings given)
      : settings(std::move(given)),
        client({.wall = settings.wall, .ca_file = settings.ca_file}),
        own_client({.ca_file = settings.ca_file}),
        huggingface(client, settings.huggingface, settings.patience),
        cache(settings.cache, settings.cache_bytes, settings.clock) {}

  // ── files of this machine ──

  fs::path local_path(const std::string& given) const {
    if (settings.local.everywhere) return given;
    const auto name = fs::path(given).lexically_normal();
    const bool is_inside = name.is_relative() && !name.empty() && *name.begin() != "..";
    if (settings.local.folder.empty() || !is_inside) return {};
    return settings.local.folder / name;
  }

  bool is_local(const std::string& given) const {
    std::error_code ignored;
    const auto path = given.find("://") == std::string::npos ? local_path(given) : fs::path();
    return !path.empty() && fs::is_regular_file(path, ignored);
  }

  FetchedFile local(const std::string& given) const {
    const auto path = local_path(given);
    if (path.empty()) {
      throw Error(Fault::invalid,
                  settings.local.folder.empty()
                      ? text("fetch_refused: ", given, ": local files are not allowed")
                      : text("fetch_refused: ", given, " is outside of the folder of LoRAs"));
    }
    if (!is_local(given)) {
      throw Error(Fault::not_found,
                  text("lora_not_found: there is no file ",
                       given,
                       settings.local.everywhere ? "" : " in the folder of LoRAs"));
    }
    check_safetensors(path, given);
    return {.path = path};
  }

  // ── repositories ──

  FetchedFile from_repository(const RepositoryReference& reference, const ByteProgress& progress) {
    const auto goes_on = [&] { return !progress || progress(0, 0); };
    const auto listing = huggingface.list(reference.repository, reference.revision, goes_on);
    const auto& file = choose_file(listing, reference.path);
    const auto shown = listing.repository + "/" + file.path;
    if (is_called_a_pickle(file.path)) {
      throw Error(
          Fault::invalid,
          text("lora_file_invalid: ", shown, " is a pickle, which is not read; only .safetensors"));
    }
    if (file.bytes > settings.max_bytes) throw_too_large(shown, file.bytes, settings.max_bytes);
    const auto key = text("hub ", listing.repository, '@', listing.commit, '/', file.path);
    const auto lock = cache.lock(key, goes_on);
    auto held = cache.find(key);
    if (held && (file.sha256.empty() || held->entry.sha256 == file.sha256)) {
      return given_out(std::move(*held));
    }
    cache.make_room();
    while (true) {
      auto found = from_hub(key, listing, file, progress);
      if (found) return given_out(std::move(*found));
    }
  }

  // Nothing, where what was in the cache is damaged and was removed to be fetched again.
  std::optional<HeldEntry> from_hub(const std::string& key,
                                    const Listing& listing,
                                    const RepositoryFile& file,
                                    const ByteProgress& progress) {
    Download limits;
    limits.max_bytes = settings.max_bytes;
    limits.progress = progress;
    const auto shown = listing.repository + "/" + file.path;
    bool is_ours = false;
    const auto check = [&](const fs::path& fetched) {
      is_ours = true;
      check_safetensors(fetched, shown);
    };
    const auto path = huggingface.fetch(listing, file, limits, check, partial_for_hub(key));
    const auto blob = fs::canonical(path);
    if (!is_ours) {
      // huggingface_hub has left it, or an earlier commit with the same file.
      const auto sha256 = sha256_of(blob);
      if (!file.sha256.empty() && sha256 != file.sha256) {
        std::error_code failed;
        fs::remove(path, failed);
        if (!failed) fs::remove(blob, failed);
        if (!failed) return std::nullopt;
        throw Error(Fault::internal, "internal error", blob.string() + " is damaged");
      }
      check_safetensors(blob, shown);
      return cache.put(key, {.file = blob, .sha256 = sha256, .link = path, .is_ours = false});
    }
    const auto sha256 = file.sha256.empty() ? sha256_of(blob) : file.sha256;
    return cache.put(key, {.file = blob, .sha256 = sha256, .link = path});
  }

  // In our cache, where what is not finished counts, unless that lies on another disk.
  fs::path partial_for_hub(const std::string& key) const {
    auto partial = cache.partial(key);
    std::error_code ignored;
    fs::create_directories(partial.parent_path(), ignored);
    fs::create_directories(settings.huggingface.cache, ignored);
    struct stat ours {};
    struct stat theirs {};
    const bool is_known = ::stat(partial.parent_path().c_str(), &ours) == 0 &&
                          ::stat(settings.huggingface.cache.c_str(), &theirs) == 0;
    return is_known && ours.st_dev == theirs.st_dev ? partial : fs::path();
  }

  // ── other sites ──

  FetchedFile from_civitai(const CivitaiReference& reference, const ByteProgress& progress) {
    const auto goes_on = [&] { return !progress || progress(0, 0); };
    refuse_offline();
    auto file = find_on_civitai(client, settings.civitai, reference, settings.patience, goes_on);
    const auto lock = cache.lock(file.key, goes_on);
    auto held = cache.find(file.key);
    if (held && (file.download.sha256.empty() || held->entry.sha256 == file.download.sha256)) {
      return given_out(std::move(*held));
    }
    file.download.progress = progress;
    file.download.max_bytes = settings.max_bytes;
    try {
      return keep(client, file.key, file.download);
    } catch (const Error& error) {
      // The site's own URLs with a query are not found at times, and the plain one is.
      if (error.fault() != Fault::not_found || file.plain_url.empty()) throw;
      file.download.url = file.plain_url;
      return keep(client, file.key, file.download);
    }
  }

  FetchedFile from_url(const std::string& url, const ByteProgress& progress) {
    const auto goes_on = [&] { return !progress || progress(0, 0); };
    const auto& own_url = settings.own.url;
    const bool is_own =
        own_url.ends_with('/') && url.starts_with(own_url) && url.find("..") == std::string::npos;
    auto& sender = is_own ? own_client : client;
    const auto key = "url " + url;
    const auto lock = cache.lock(key, goes_on);
    Download what;
    what.url = url;
    what.place = {.what = shown_url(url)};
    what.max_bytes = settings.max_bytes;
    what.patience = settings.patience;
    what.progress = progress;
    if (is_own) what.redirects = 0;
    if (is_own) what.unix_socket = settings.own.unix_socket;
    if (auto held = cache.find(key)) {
      if (is_current(sender, what, key, held->entry, goes_on)) return given_out(std::move(*held));
    }
    if (!is_own) refuse_offline();
    return keep(sender, key, what);
  }

  // Whether the place still has the file of the entry. Where it does not answer, it has.
  bool is_current(http::Client& sender,
                  const Download& what,
                  const std::string& key,
                  CacheEntry& entry,
                  const std::function<bool()>& goes_on) const {
    if (settings.huggingface.is_offline) return true;
    if (entry.etag.empty()) return settings.clock.wall() - entry.asked_ms < kUnaskedMs;
    http::Call call{.url = what.url,
                    .headers = {{"if-none-match", entry.etag}},
                    .unix_socket = what.unix_socket,
                    .redirects = what.redirects};
    call.max_bytes = UINT64_MAX;
    call.sink = [](const http::Reply&, std::string_view) { throw HasChanged(); };
    auto patience = settings.patience;
    patience.retries = 1;
    try {
      const auto reply = send_patiently(sender, call, what.place, patience, goes_on);
      if (reply.status != 304) return false;
    } catch (const HasChanged&) {
      return false;
    } catch (const Error& error) {
      return error.fault() == Fault::upstream;
    }
    cache.confirm(key, entry);
    return true;
  }

  // Downloads, checks and keeps.
  FetchedFile keep(http::Client& sender, const std::string& key, const Download& what) {
    cache.make_room();
    const auto partial = cache.partial(key);
    const auto got = download(sender, what, partial);
    try {
      check_safetensors(partial, what.place.what);
    } catch (...) {
      std::error_code ignored;
      fs::remove(partial, ignored);
      throw;
    }
    return given_out(cache.put(key, {.sha256 = got.sha256, .etag = got.etag}, partial));
  }

  void refuse_offline() const {
    if (!settings.huggingface.is_offline) return;
    throw Error(Fault::not_found, "lora_not_found: it is not here, and HF_HUB_OFFLINE is set");
  }
};

fs::path cache_folder() {
  if (auto named = from_environment("ZOETROPE_CACHE"); !named.empty()) return named;
  if (const auto cache = from_environment("XDG_CACHE_HOME"); !cache.empty()) {
    return cache / "zoetrope";
  }
  return from_environment("HOME") / ".cache/zoetrope";
}

Fetcher::Fetcher(FetchSettings settings) {
  if (settings.cache.empty()) settings.cache = cache_folder();
  if (settings.huggingface.cache.empty()) settings.huggingface.cache = settings.cache / "hub";
  state_ = std::make_unique<State>(std::move(settings));
}
Fetcher::~Fetcher() = default;

FetchedFile Fetcher::fetch(const std::string& path, const ByteProgress& progress) {
  auto& state = *state_;
  const auto& settings = state.settings;
  if (state.is_local(path)) return state.local(path);
  const auto reference =
      parse_reference(path, {settings.huggingface.endpoint, settings.civitai.endpoint});
  if (const auto* repository = std::get_if<RepositoryReference>(&reference)) {
    return state.from_repository(*repository, progress);
  }
  if (const auto* civitai = std::get_if<CivitaiReference>(&reference)) {
    return state.from_civitai(*civitai, progress);
  }
  if (const auto* url = std::get_if<UrlReference>(&reference)) {
    return state.from_url(url->url, progress);
  }
  return state.local(path);
}

}  // namespace hub
