// SPDX-License-Identifier: Apache-2.0
#include "objects/signer.h"

#include <algorithm>
#include <charconv>

#include <sys/stat.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "objects/durable.h"
#include "objects/percent.h"
#include "objects/writer.h"

namespace objects {
namespace {

namespace fs = std::filesystem;
using base::text;

constexpr size_t kSecretBytes = 32;
constexpr size_t kIdBytes = 4;
constexpr size_t kMaxKeyFile = 4096;
constexpr size_t kValidKeys = 2;
constexpr std::string_view kSignature = "&signature=";

[[noreturn]] void refuse(const std::string& reason) {
  throw base::Error(base::Fault::unauthorized, "this link " + reason);
}

// ── the key file ────────────────────────────────────────────────────────────────────────────────

void write_keys(const fs::path& file, const std::vector<SigningKey>& keys) {
  auto list = base::Json::array();
  for (const auto& key : keys) list.push_back({{"id", key.id}, {"secret", key.secret}});
  Writer writer(file.string() + "." + crypto::random_hex(kIdBytes), kMaxKeyFile);
  writer.write(base::Json{{"keys", list}}.dump(2) + "\n");
  durable_publish(writer.finish().file, file, file.parent_path(), system_disk());
}

void check_is_private(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) throw_disk_error("look at", file);
  if ((status.st_mode & 077) == 0) return;
  throw base::Error(base::Fault::invalid,
                    text(file.string(),
                         ": others may read the keys that sign links; expected mode 0600: chmod "
                         "600 ",
                         file.string()));
}

std::vector<SigningKey> read_keys(const fs::path& file) {
  check_is_private(file);
  const auto json = base::read_json(file, {.depth = 3, .bytes = kMaxKeyFile});
  std::vector<SigningKey> keys;
  try {
    for (const auto& key : json.at("keys")) keys.push_back({key.at("id"), key.at("secret")});
  } catch (const base::Json::exception&) {
    keys.clear();
  }
  const auto is_whole = [](const SigningKey& key) {
    return key.id.size() == 2 * kIdBytes && key.secret.size() == 2 * kSecretBytes;
  };
  if (keys.empty() || keys.size() > kValidKeys || !std::ranges::all_of(keys, is_whole)) {
    throw base::Error(base::Fault::invalid,
                      text(file.string(), ": not a file of keys that sign links"));
  }
  return keys;
}

SigningKey new_key() {
  return {.id = crypto::random_hex(kIdBytes), .secret = crypto::random_hex(kSecretBytes)};
}

// ── links ───────────────────────────────────────────────────────────────────────────────────────

std::string signature(const SigningKey& key,
                      std::string_view method,
                      std::string_view path,
                      std::string_view query) {
  std::string message(method);
  message.append("|").append(path).append("|").append(query);
  return crypto::hmac_sha256_hex(key.secret, message);
}

void check_path(std::string_view path) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
  if (path.starts_with('/') && path.find_first_not_of(kAllowed) == std::string_view::npos) return;
  throw base::Error(base::Fault::internal, "internal error", text("cannot sign the path ", path));
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

Parameters parse_query(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto name = pair.substr(0, pair.find('='));
    const auto value = pair.substr(std::min(pair.size(), name.size() + 1));
    parameters.emplace_back(name, percent_decode(value));
  }
  return parameters;
}

// Empty where there is none.
std::string value_of(const Parameters& parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &Parameters::value_type::first);
  return found == parameters.end() ? std::string() : found->second;
}

// Zero for what is no number.
uint64_t number_of(const Parameters& parameters, std::string_view name) {
  const auto digits = value_of(parameters, name);
  uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

}  // namespace

Signer::Signer(const fs::path& key_file, base::Clock clock) : clock_(std::move(clock)) {
  if (!fs::exists(key_file)) write_keys(key_file, {new_key()});
  keys_ = read_keys(key_file);
}

std::string Signer::sign_get(std::string_view path,
                             std::chrono::seconds lifetime,
                             Disposition disposition) const {
  const auto* word = disposition == Disposition::shown ? "inline" : "attachment";
  return sign("GET", path, lifetime, {{"disposition", word}});
}

std::string Signer::sign_put(std::string_view path,
                             std::chrono::seconds lifetime,
                             const UploadTicket& ticket) const {
  return sign("PUT",
              path,
              lifetime,
              {{"bytes", std::to_string(ticket.bytes)},
               {"type", ticket.content_type},
               {"name", ticket.name}});
}

Disposition Signer::verify_get(std::string_view path, std::string_view query) const {
  const auto parameters = verify("GET", path, query);
  return value_of(parameters, "disposition") == "inline" ? Disposition::shown : Disposition::saved;
}

UploadTicket Signer::verify_put(std::string_view path, std::string_view query) const {
  const auto parameters = verify("PUT", path, query);
  return {.bytes = number_of(parameters, "bytes"),
          .content_type = value_of(parameters, "type"),
          .name = value_of(parameters, "name")};
}

std::string Signer::sign(std::string_view method,
                         std::string_view path,
                         std::chrono::seconds lifetime,
                         const Parameters& parameters) const {
  check_path(path);
  const auto& key = keys_.front();
  const auto expires = clock_.wall() / 1000 + lifetime.count();
  auto query = "expires=" + std::to_string(expires) + "&key=" + key.id;
  for (const auto& [name, value] : parameters) {
    query.append("&").append(name).append("=").append(percent_encode(value));
  }
  const auto digest = signature(key, method, path, query);
  return std::string(path).append("?").append(query).append(kSignature).append(digest);
}

// The signature comes first: nothing that a stranger wrote is believed, not even a time.
Signer::Parameters Signer::verify(std::string_view method,
                                  std::string_view path,
                                  std::string_view query) const {
  const auto end = query.rfind(kSignature);
  if (end == std::string_view::npos) refuse("is not signed");
  const auto given = query.substr(end + kSignature.size());
  const auto signed_query = query.substr(0, end);
  const auto parameters = parse_query(signed_query);

  const auto key = std::ranges::find(keys_, value_of(parameters, "key"), &SigningKey::id);
  if (key == keys_.end()) refuse("was signed with a key that is no longer valid");
  if (!crypto::equal_secrets(given, signature(*key, method, path, signed_query))) {
    refuse("was changed after it was signed");
  }
  const auto expires = static_cast<int64_t>(number_of(parameters, "expires")) * 1000;
  if (clock_.wall() >= expires) refuse("expired at " + base::iso8601(expires));
  return parameters;
}

void rotate_keys(const fs::path& key_file) {
  auto keys = read_keys(key_file);
  keys.insert(keys.begin(), new_key());
  keys.resize(kValidKeys);
  write_keys(key_file, keys);
}

}  // namespace objects
