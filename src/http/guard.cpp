// SPDX-License-Identifier: Apache-2.0
#include "http/guard.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "http/target.h"

namespace http {
namespace {

constexpr std::array<std::string_view, 6> kMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
constexpr std::array<std::string_view, 2> kMethodsWithBody = {"POST", "PUT"};
constexpr std::array<std::string_view, 7> kSingleFields = {"host",
                                                           "content-length",
                                                           "authorization",
                                                           "idempotency-key",
                                                           "range",
                                                           "content-type",
                                                           "expect"};
constexpr size_t kMaxLengthDigits = 12;
constexpr size_t kMaxHost = 255;

// Which bytes are among those, to be looked up.
using Bytes = std::array<bool, 256>;
constexpr Bytes alphanumeric_and(std::string_view others) {
  Bytes bytes{};
  for (unsigned char c = '0'; c <= '9'; ++c) bytes[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) bytes[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) bytes[c] = true;
  for (const char c : others) bytes[static_cast<unsigned char>(c)] = true;
  return bytes;
}
constexpr Bytes kTokenBytes = alphanumeric_and("!#$%&'*+-.^_`|~");  // RFC 9110 §5.6.2
// Of names, IPv4 and bracketed IPv6 addresses, with a port: fit to build links out of.
constexpr Bytes kHostBytes = alphanumeric_and("-._~:[]");

bool consists_of(std::string_view text, const Bytes& bytes) {
  return std::ranges::all_of(text, [&](char c) { return bytes[static_cast<unsigned char>(c)]; });
}

bool is_token(std::string_view text) {
  return !text.empty() && consists_of(text, kTokenBytes);
}

// A byte that no line of a head may hold; the tab is the one control byte that it may.
bool is_forbidden(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

bool is_host(std::string_view text) {
  return text.size() <= kMaxHost && consists_of(text, kHostBytes);
}

// The words of a comma-separated list; empty ones count for nothing (RFC 9110 §5.6.1).
std::vector<std::string_view> words_of(std::string_view list) {
  std::vector<std::string_view> words;
  while (!list.empty()) {
    const auto item = list.substr(0, list.find(','));
    if (!trim(item).empty()) words.push_back(trim(item));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
  }
  return words;
}

// Reads one head. Each step says false once the head is refused.
class HeadReader {
 public:
  HeadReader(std::string_view bytes, const HeadLimits& limits) : rest_(bytes), limits_(limits) {}

  std::variant<Head, Refusal> read() {
    if (read_lines() && check_framing() && check_singles() && read_length() && read_expectation() &&
        read_connection()) {
      return std::move(head_);
    }
    return std::move(refusal_);
  }

 private:
  bool refuse(int status, std::string reason) {
    refusal_ = {status, std::move(reason)};
    return false;
  }

  bool read_lines() {
    if (rest_.size() > limits_.bytes) return refuse(431, "the header is too long");
    head_.headers.reserve(16);
    if (!next_line() || !read_request_line()) return false;
    while (next_line()) {
      if (line_.empty()) return rest_.empty() || refuse(400, "bytes follow the header's end");
      if (!read_field()) return false;
    }
    return false;
  }

  // Moves the next line, without its CR LF, from rest_ to line_.
  bool next_line() {
    const auto end = rest_.find("\r\n");
    if (end == std::string_view::npos) return refuse(400, "the header does not end");
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    if (!std::ranges::any_of(line_, is_forbidden)) return true;
    return refuse(400, "the header holds a control byte");
  }

  bool read_request_line() {
    const auto first = line_.find(' ');
    const auto last = line_.rfind(' ');
    if (first == last) return refuse(400, "the first line is not: method, target, version");
    head_.method = line_.substr(0, first);
    if (!is_token(head_.method)) return refuse(400, "the method is not a word");
    if (std::ranges::find(kMethods, head_.method) == kMethods.end()) {
      return refuse(501, "the method is not one of GET, HEAD, POST, PUT, DELETE, OPTIONS");
    }
    return read_version(line_.substr(last + 1)) &&
           read_target_of(line_.substr(first + 1, last - first - 1));
  }

  bool read_version(std::string_view version) {
    is_1_1_ = version == "HTTP/1.1";
    if (is_1_1_ || version == "HTTP/1.0") return true;
    const bool is_version = version.size() == 8 && version.starts_with("HTTP/");
    return is_version ? refuse(505, "the version is neither HTTP/1.1 nor HTTP/1.0")
                      : refuse(400, "the first line does not end with an HTTP version");
  }

  bool read_target_of(std::string_view text) {
    if (text.size() > limits_.target) return refuse(414, "the target is too long");
    auto target = read_target(text);
    if (!target.complaint.empty()) return refuse(400, std::move(target.complaint));
    head_.path = std::move(target.path);
    head_.query = std::move(target.query);
    head_.query_text = std::move(target.query_text);
    return true;
  }

  bool read_field() {
    if (line_.front() == ' ' || line_.front() == '\t') return refuse(400, "a field is folded");
    const auto colon = line_.find(':');
    const auto name = line_.substr(0, colon);
    if (colon == std::string_view::npos || !is_token(name)) {
      return refuse(400, "a field is not: name, colon, value");
    }
    if (head_.headers.size() == limits_.fields) return refuse(431, "there are too many fields");
    head_.headers.push_back({lower_case(name), std::string(trim(line_.substr(colon + 1)))});
    return true;
  }

  size_t count(std::string_view name) const {
    return static_cast<size_t>(std::ranges::count(head_.headers, name, &Field::name));
  }

  bool check_framing() {
    if (count("transfer-encoding") > 0 || count("trailer") > 0) {
      return refuse(411, "a body needs a Content-Length; Transfer-Encoding is not supported");
    }
    // Gateways that make variables of fields read these as if they had the hyphen.
    if (count("transfer_encoding") > 0 || count("content_length") > 0) {
      return refuse(400, "a field that says where the body ends has an underscore");
    }
    return true;
  }

  bool check_singles() {
    for (const auto name : kSingleFields) {
      if (count(name) > 1) return refuse(400, "the field " + std::string(name) + " is there twice");
    }
    const auto* host = find(head_.headers, "host");
    if (host == nullptr && is_1_1_) return refuse(400, "the field host is missing");
    if (host != nullptr && !is_host(*host)) return refuse(400, "the field host is no host");
    return true;
  }

  bool read_length() {
    const auto* text = find(head_.headers, "content-length");
    if (text == nullptr) return true;
    const bool is_number = !text->empty() && text->size() <= kMaxLengthDigits &&
                           text->find_first_not_of("0123456789") == std::string::npos;
    if (!is_number) return refuse(400, "the Content-Length is not a number of at most 12 digits");
    std::from_chars(text->data(), text->data() + text->size(), head_.framing.body_bytes);
    const bool may_have_body =
        std::ranges::find(kMethodsWithBody, head_.method) != kMethodsWithBody.end();
    return may_have_body || head_.framing.body_bytes == 0 || refuse(400, "this method has no body");
  }

  bool read_expectation() {
    const auto* text = find(head_.headers, "expect");
    if (text == nullptr) return true;
    if (lower_case(*text) != "100-continue") {
      return refuse(417, "the only expectation that is met is 100-continue");
    }
    head_.framing.expects_continue = is_1_1_;
    return true;
  }

  bool read_connection() {
    head_.framing.keeps_alive = is_1_1_;
    for (const auto& field : head_.headers) {
      if (field.name != "connection") continue;
      for (const auto word : words_of(field.value)) {
        if (!is_token(word)) return refuse(400, "the field connection is no list of words");
        if (lower_case(word) == "close") head_.framing.keeps_alive = false;
      }
    }
    return true;
  }

  std::string_view rest_;
  std::string_view line_;
  const HeadLimits& limits_;
  bool is_1_1_ = false;
  Head head_;
  Refusal refusal_{400, {}};
};

}  // namespace

HeadSearch find_head(std::string_view bytes, size_t seen, const HeadLimits& limits) {
  const auto window = bytes.substr(0, limits.bytes);
  if (!window.empty() && !is_token(window.substr(0, 1))) {
    return {0, 400, "this does not begin like HTTP"};
  }
  for (auto end = window.find('\n', seen); end != std::string_view::npos;
       end = window.find('\n', end + 1)) {
    if (window[end - 1] != '\r') return {0, 400, "a line does not end with CR LF"};
    if (window.substr(0, end + 1).ends_with("\r\n\r\n")) return {end + 1, 0, {}};
  }
  if (bytes.size() >= limits.bytes) return {0, 431, "the header is too long"};
  // The method, two spaces and the version take less than 32 bytes.
  const bool in_first_line = window.find('\n') == std::string_view::npos;
  if (in_first_line && window.size() > limits.target + 32) {
    return {0, 414, "the target is too long"};
  }
  return {};
}

std::variant<Head, Refusal> read_head(std::string_view bytes, const HeadLimits& limits) {
  return HeadReader(bytes, limits).read();
}

}  // namespace http
