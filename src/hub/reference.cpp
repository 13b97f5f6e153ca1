// SPDX-License-Identifier: Apache-2.0
#include "hub/reference.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "http/field.h"
#include "objects/percent.h"

namespace hub {
namespace {

using base::text;

constexpr size_t kMaxText = 2048;
constexpr size_t kMaxName = 96;  // of an owner and of a repository: huggingface_hub's validators

[[noreturn]] void refuse(std::string_view given, std::string_view why) {
  throw base::Error(base::Fault::invalid, text("lora_not_found: \"", given, "\" ", why));
}

bool is_name(std::string_view name) {
  const auto is_allowed = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, is_allowed) &&
         std::string_view("-.").find(name.front()) == std::string_view::npos &&
         std::string_view("-.").find(name.back()) == std::string_view::npos &&
         name.find("--") == std::string_view::npos && name.find("..") == std::string_view::npos &&
         !name.ends_with(".git");
}

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (slash > 0) segments.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return segments;
}

bool is_control(unsigned char c) {
  return c < 0x20 || c == 0x7f;
}

// Paths and revisions become names of files: they lead nowhere else.
bool is_inner_path(std::string_view path) {
  const auto segments = segments_of(path);
  const auto is_odd = [](const std::string& segment) { return segment == "." || segment == ".."; };
  return std::ranges::none_of(segments, is_odd) && std::ranges::none_of(path, is_control);
}

bool stays_inside(const RepositoryReference& reference) {
  return is_inner_path(reference.path) && is_inner_path(reference.revision) &&
         !reference.revision.starts_with('/');
}

std::string joined(const std::vector<std::string>& segments, size_t from) {
  std::string path;
  for (size_t i = from; i < segments.size(); ++i) path += (i > from ? "/" : "") + segments[i];
  return path;
}

// How many segments a revision takes: those of pull requests have slashes in them.
size_t segments_of_revision(const std::vector<std::string>& segments, size_t from) {
  const bool is_reference = from + 2 < segments.size() && segments[from] == "refs" &&
                            (segments[from + 1] == "pr" || segments[from + 1] == "convert");
  return is_reference ? 3 : 1;
}

// "owner/name[@revision][/path]" or "owner/name[@revision]:path".
std::optional<RepositoryReference> repository_in(std::string_view given) {
  auto segments = segments_of(given);
  if (segments.size() < 2) return std::nullopt;
  RepositoryReference found;
  std::string name = segments[1];
  size_t path_begin = 2;
  const auto at = name.find('@');
  if (at != std::string::npos) {
    segments[1] = name.substr(at + 1);  // the revision's first, or only, segment
    name.resize(at);
    path_begin = 1 + segments_of_revision(segments, 1);
    found.revision = joined({segments.begin(), segments.begin() + path_begin}, 1);
  }
  found.path = joined(segments, path_begin);
  // A colon ends the name or the revision, whichever comes last.
  auto& last = at == std::string::npos ? name : found.revision;
  if (const auto colon = last.find(':'); colon != std::string::npos) {
    found.path = last.substr(colon + 1) + (found.path.empty() ? "" : "/" + found.path);
    last.resize(colon);
    if (found.path.empty()) return std::nullopt;
  }
  if (!is_name(segments[0]) || !is_name(name) || found.revision.empty()) return std::nullopt;
  found.repository = segments[0] + "/" + name;
  return found;
}

// ── URLs ──

struct SplitUrl {
  std::string_view host;  // with its port
  std::string_view path;
  std::string_view query;
};

// For telling sites apart; who connects reads the URL again, as libcurl does.
std::optional<SplitUrl> split_url(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (http::lower_case(url.substr(0, scheme.size())) != scheme) continue;
    url.remove_prefix(scheme.size());
    url = url.substr(0, url.find('#'));
    SplitUrl split;
    const auto question = std::min(url.find('?'), url.size());
    split.query = url.substr(std::min(question + 1, url.size()));
    url = url.substr(0, question);
    const auto slash = std::min(url.find('/'), url.size());
    split.host = url.substr(0, slash);
    split.path = url.substr(slash);
    return split;
  }
  return std::nullopt;
}

bool is_host_of(std::string_view host,
                const std::string& site,
                std::initializer_list<std::string_view> usual) {
  const auto name = http::lower_case(host);
  const auto at = split_url(site);
  return std::ranges::find(usual, std::string_view(name)) != usual.end() ||
         (at && name == http::lower_case(at->host));
}

// Of "/owner/name", "/owner/name/resolve/main/x.safetensors", "/owner/name/tree/main/folder", …
std::optional<RepositoryReference> repository_of_url(std::string_view path) {
  auto segments = segments_of(path);
  for (auto& segment : segments) segment = objects::percent_decode(segment);
  if (segments.size() < 2 || !is_name(segments[0]) || !is_name(segments[1])) return std::nullopt;
  for (const auto* other : {"api", "datasets", "spaces", "docs", "collections", "papers"}) {
    if (segments[0] == other) return std::nullopt;
  }
  RepositoryReference found;
  found.repository = segments[0] + "/" + segments[1];
  if (segments.size() == 2) return found;
  constexpr std::string_view kViews[] = {"resolve", "blob", "raw", "tree"};
  if (std::ranges::find(kViews, segments[2]) == std::end(kViews) || segments.size() < 4) {
    return std::nullopt;
  }
  const auto path_begin = 3 + segments_of_revision(segments, 3);
  found.revision = joined({segments.begin(), segments.begin() + path_begin}, 3);
  found.path = joined(segments, path_begin);
  return found;
}

int64_t number_in(std::string_view digits) {
  int64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  return read.ec == std::errc() && read.ptr == end && value > 0 ? value : 0;
}

// The query without what is nobody's business to keep: a token.
std::string without_token(std::string_view query) {
  std::string kept;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto field = query.substr(0, end);
    if (!field.starts_with("token=")) kept += (kept.empty() ? "" : "&") + std::string(field);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return kept;
}

// "/models/MODEL/title?modelVersionId=VERSION" and "/api/download/models/VERSION?…".
std::optional<CivitaiReference> civitai_of_url(const SplitUrl& url) {
  const auto segments = segments_of(url.path);
  CivitaiReference found;
  if (segments.size() >= 2 && segments[0] == "models") {
    found.model = number_in(segments[1]);
    constexpr std::string_view kVersion = "modelVersionId=";
    if (const auto at = url.query.find(kVersion); at != std::string_view::npos) {
      const auto digits = url.query.substr(at + kVersion.size());
      found.version = number_in(digits.substr(0, digits.find('&')));
    }
  } else if (segments.size() == 4 && joined(segments, 0).starts_with("api/download/models/")) {
    found.version = number_in(segments[3]);
    found.query = without_token(url.query);
  }
  if (found.model == 0 && found.version == 0) return std::nullopt;
  return found;
}

Reference parse_url(std::string_view given, const SplitUrl& url, const Sites& sites) {
  if (is_host_of(url.host, sites.hub, {"huggingface.co", "www.huggingface.co", "hf.co"})) {
    if (const auto found = repository_of_url(url.path)) {
      if (!stays_inside(*found)) refuse(given, "leads out of its repository");
      return *found;
    }
  }
  if (is_host_of(url.host, sites.civitai, {"civitai.com", "www.civitai.com"})) {
    if (auto found = civitai_of_url(url)) return *found;
    refuse(given,
           "is neither a model's page on Civitai (/models/123?modelVersionId=456) nor a download "
           "(/api/download/models/456)");
  }
  return UrlReference{std::string(given)};
}

bool looks_local(std::string_view given) {
  for (const auto* begin : {"/", "./", "../", "~"}) {
    if (given.starts_with(begin)) return true;
  }
  const auto slash = given.find('/');
  const bool is_alone = slash == std::string_view::npos;
  // What lies in one folder and has this ending is no repository's name.
  return is_alone ||
         (given.find('/', slash + 1) == std::string_view::npos && given.ends_with(".safetensors") &&
          given.find_first_of("@:") == std::string_view::npos);
}

}  // namespace

bool is_repository_name(std::string_view given) {
  const auto slash = given.find('/');
  return slash != std::string_view::npos && is_name(given.substr(0, slash)) &&
         is_name(given.substr(slash + 1));
}

Reference parse_reference(std::string_view given, const Sites& sites) {
  if (given.empty()) refuse(given, "is empty");
  if (given.size() > kMaxText) refuse(given.substr(0, 64), "… is too long");
  if (std::ranges::any_of(given, is_control)) refuse(given, "holds a control byte");
  if (const auto url = split_url(given)) return parse_url(given, *url, sites);

  constexpr std::string_view kHub = "hf://";
  const bool is_marked = given.starts_with(kHub);
  const auto rest = is_marked ? given.substr(kHub.size()) : given;
  if (!is_marked && given.find("://") != std::string_view::npos) {
    throw base::Error(base::Fault::invalid,
                      text("fetch_refused: \"", given, "\" is neither http nor https"));
  }
  if (is_marked || !looks_local(given)) {
    auto found = repository_in(rest);
    if (found && !stays_inside(*found)) refuse(given, "leads out of its repository");
    if (found) return *found;
    if (is_marked) refuse(given, "names no repository: hf://owner/name/file");
  }
  return LocalReference{std::filesystem::path(given)};
}

std::string to_text(const RepositoryReference& reference) {
  return text(reference.repository,
              reference.revision == "main" ? "" : "@" + reference.revision,
              reference.path.empty() ? "" : "/" + reference.path);
}

}  // namespace hub
