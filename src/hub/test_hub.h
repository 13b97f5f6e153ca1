// SPDX-License-Identifier: Apache-2.0
// For tests: a small hub of the shapes of Hugging Face's, with its CDN, and a small Civitai.
#pragma once

#include <atomic>
#include <map>
#include <string>

#include "base/json.h"
#include "crypto/digest.h"
#include "hub/test_origin.h"
#include "weights/test_files.h"

namespace hub::test {

// A safetensors file with one tensor of so many floats.
inline std::string weights_of(size_t floats, const std::string& name = "w") {
  const base::Json header = {
      {name, {{"dtype", "F32"}, {"shape", {floats}}, {"data_offsets", {0, floats * 4}}}}};
  return weights::test::safetensors(header.dump(), weights::test::floats(floats));
}

// One repository, "alice/style". Large files (.safetensors) come from another host, to which the
// hub's answer leads; small ones from the hub itself.
class TestHub {
 public:
  std::map<std::string, std::string> files;
  std::string commit = std::string(40, 'a');
  std::string token;                        // that is needed; empty: none
  std::function<void(Answer&)> on_content;  // may spoil what the CDN answers
  std::atomic<int> failures = 0;            // answers of the hub that are 503 before it works

  TestHub()
      : cdn([this](const Asked& asked) { return content(asked); }, "127.0.0.2"),
        origin([this](const Asked& asked) { return answer(asked); }) {}

  std::string site() const { return origin.site(); }
  size_t contents_sent() { return cdn.asked().size(); }

 private:
  Answer answer(const Asked& asked) {
    if (failures-- > 0) return {.status = 503};
    if (!token.empty() && asked.header("authorization") != "Bearer " + token) {
      return {.status = 401, .headers = {{"x-error-code", "RepoNotFound"}}};
    }
    const std::string api = "/api/models/alice/style/revision/";
    if (asked.target.starts_with(api)) {
      const auto revision = asked.target.substr(api.size(), asked.target.find('?') - api.size());
      if (revision != "main" && revision != "v2" && revision != commit) {
        return {.status = 404, .headers = {{"x-error-code", "RevisionNotFound"}}};
      }
      return {.headers = {{"content-type", "application/json"}}, .body = listing().dump()};
    }
    const auto base = "/alice/style/resolve/" + commit + "/";
    const auto file =
        asked.target.starts_with(base) ? files.find(asked.target.substr(base.size())) : files.end();
    if (file == files.end()) return {.status = 404};
    if (!file->first.ends_with(".safetensors")) return file_answer(asked, file->second);
    const auto sha256 = crypto::sha256_hex(file->second);
    return {.status = 302,
            .headers = {{"location", cdn.url("/" + file->first + "?signature=x")},
                        {"x-repo-commit", commit},
                        {"x-linked-size", std::to_string(file->second.size())},
                        {"x-linked-etag", '"' + sha256 + '"'}}};
  }

  base::Json listing() const {
    base::Json siblings = base::Json::array();
    for (const auto& [path, content] : files) {
      base::Json sibling = {
          {"rfilename", path}, {"size", content.size()}, {"blobId", crypto::git_blob_id(content)}};
      if (path.ends_with(".safetensors")) {
        sibling["lfs"] = {{"sha256", crypto::sha256_hex(content)},
                          {"size", content.size()},
                          {"pointerSize", 134}};
      }
      siblings.push_back(sibling);
    }
    return {{"id", "alice/style"}, {"sha", commit}, {"siblings", siblings}};
  }

  Answer content(const Asked& asked) {
    if (!asked.header("authorization").empty()) return {.status = 400};  // as S3 does
    const auto name = asked.target.substr(1, asked.target.find('?') - 1);
    auto answer = file_answer(asked, files.at(name));
    if (on_content) on_content(answer);
    return answer;
  }

 public:
  Origin cdn;
  Origin origin;
};

// Model 123, whose newest version is 456.
class TestCivitai {
 public:
  base::Json files = base::Json::array();
  std::map<std::string, std::string> contents;  // by the query of the download
  std::string token = "civitai";

  TestCivitai()
      : cdn([this](const Asked& asked) { return content(asked); }, "127.0.0.2"),
        origin([this](const Asked& asked) { return answer(asked); }) {}

  std::string site() const { return origin.site(); }

  void add(const std::string& name, const std::string& query, const std::string& content) {
    contents[query] = content;
    files.push_back({{"name", name},
                     {"type", "Model"},
                     {"sizeKB", 1.5},
                     {"primary", files.empty()},
                     {"metadata", {{"format", "SafeTensor"}}},
                     {"hashes", {{"SHA256", upper(crypto::sha256_hex(content))}}},
                     {"downloadUrl", "https://civitai.com/api/download/models/456?" + query}});
  }

 private:
  static std::string upper(std::string text) {
    for (auto& c : text) c = static_cast<char>(std::toupper(c));
    return text;
  }

  Answer answer(const Asked& asked) {
    if (asked.target == "/api/v1/models/123") {
      return {.body = base::Json{{"modelVersions", {{{"id", 456}}, {{"id", 111}}}}}.dump()};
    }
    if (asked.target == "/api/v1/model-versions/456") {
      return {.body = base::Json{{"id", 456}, {"files", files}}.dump()};
    }
    const std::string download = "/api/download/models/456";
    if (!asked.target.starts_with(download)) return {.status = 404};
    if (asked.header("authorization") != "Bearer " + token) return {.status = 401};
    const auto question = asked.target.find('?');
    const auto query = question == std::string::npos ? "" : asked.target.substr(question + 1);
    if (!contents.contains(query)) return {.status = 404};
    return {.status = 307, .headers = {{"location", cdn.url("/" + query)}}};
  }

  Answer content(const Asked& asked) {
    if (!asked.header("authorization").empty()) return {.status = 400};
    return file_answer(asked, contents.at(asked.target.substr(1)));
  }

 public:
  Origin cdn;
  Origin origin;
};

}  // namespace hub::test
