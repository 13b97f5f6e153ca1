// SPDX-License-Identifier: Apache-2.0
#include "http/multipart.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "http/field.h"
#include "http/target.h"

namespace http {
namespace {

using base::text;

constexpr size_t kMaxBoundary = 70;  // RFC 2046 §5.1.1
constexpr size_t kMaxLabel = 255;

[[noreturn]] void refuse(const std::string& why) {
  throw base::Error(base::Fault::invalid, "multipart body: " + why);
}

// "form-data; name=\"a\"" as its word, in lower case, and its parameters, names in lower case.
struct Described {
  std::string word;
  Fields parameters;
};

// Takes what stands in quotes at the beginning of `rest`, with its end.
std::string take_quoted(std::string_view& rest) {
  std::string value;
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return value;
    }
    // Browsers write %22 for a quote and nothing for a backslash; others escape both with one.
    const bool is_escape =
        rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\');
    if (is_escape) ++i;
    value += rest[i];
  }
  refuse("a quoted value does not end");
}

Described describe(std::string_view value) {
  auto rest = value.substr(std::min(value.find(';'), value.size()));
  Described described{lower_case(trim(value.substr(0, value.size() - rest.size()))), {}};
  while (!(rest = trim(rest)).empty()) {
    if (rest.front() != ';') refuse("a parameter does not begin with a semicolon");
    rest = trim(rest.substr(1));
    if (rest.empty()) break;
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) refuse("a parameter has no value");
    const auto name = lower_case(trim(rest.substr(0, equals)));
    rest = trim(rest.substr(equals + 1));
    if (find(described.parameters, name) != nullptr) refuse("a parameter is there twice");
    if (rest.starts_with('"')) {
      described.parameters.push_back({name, take_quoted(rest)});
    } else {
      const auto token = rest.substr(0, rest.find(';'));
      rest.remove_prefix(token.size());
      described.parameters.push_back({name, std::string(trim(token))});
    }
  }
  return described;
}

std::string boundary_of(const std::string& content_type) {
  const auto described = describe(content_type);
  if (described.word != "multipart/form-data")
    refuse("the Content-Type is not multipart/form-data");
  const auto* boundary = find(described.parameters, "boundary");
  if (boundary == nullptr) refuse("the Content-Type names no boundary");
  const bool is_plain = std::ranges::all_of(*boundary, [](char c) { return c >= ' ' && c < 0x7f; });
  if (boundary->empty() || boundary->size() > kMaxBoundary || !is_plain) {
    refuse(text("the boundary is not 1 to ", kMaxBoundary, " printable characters"));
  }
  return *boundary;
}

std::string label(const Fields& parameters, std::string_view name) {
  const auto* value = find(parameters, name);
  if (value == nullptr) return {};
  const bool has_control = std::ranges::any_of(
      *value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (value->size() > kMaxLabel || has_control || !is_utf8(*value)) {
    refuse(text("the ", name, " of a part is not plain UTF-8 of at most ", kMaxLabel, " bytes"));
  }
  return *value;
}

void read_part_field(std::string_view line, Part& part) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) refuse("a part has a header line without a colon");
  const auto name = lower_case(line.substr(0, colon));
  const auto value = trim(line.substr(colon + 1));
  if (name == "content-type") {
    part.media_type = describe(value).word;
  } else if (name == "content-disposition") {
    const auto described = describe(value);
    if (described.word != "form-data") refuse("a part is not form-data");
    part.name = label(described.parameters, "name");
    part.filename = label(described.parameters, "filename");
  } else if (name == "content-transfer-encoding") {
    const auto encoding = lower_case(value);
    if (encoding != "binary" && encoding != "8bit" && encoding != "7bit") {
      refuse("a part has a Content-Transfer-Encoding");
    }
  }
}

// Walks over the body from delimiter to delimiter.
class MultipartReader {
 public:
  MultipartReader(std::string_view body, const std::string& boundary, const MultipartLimits& limits)
      : body_(body), delimiter_("\r\n--" + boundary), limits_(limits) {}

  std::vector<Part> read() {
    // The first delimiter is the only one without a line end before it.
    const auto first = std::string_view(delimiter_).substr(2);
    if (!body_.starts_with(first)) refuse("it does not begin with the boundary");
    position_ = first.size();
    std::vector<Part> parts;
    while (!ends_here()) {
      if (parts.size() == limits_.parts) refuse(text("more than ", limits_.parts, " parts"));
      parts.push_back(read_part());
    }
    return parts;
  }

 private:
  std::string_view rest() const { return body_.substr(position_); }

  // Behind a delimiter: whether it was the last one. Otherwise moves to the next line.
  bool ends_here() {
    if (rest().starts_with("--")) {
      if (rest() != "--" && rest() != "--\r\n") refuse("bytes follow its end");
      return true;
    }
    if (!rest().starts_with("\r\n")) refuse("a boundary is not alone on its line");
    position_ += 2;
    return false;
  }

  Part read_part() {
    Part part;
    const auto limit = position_ + limits_.head_bytes;
    for (;;) {
      const auto window = body_.substr(0, std::min(body_.size(), limit));
      const auto end = window.find("\r\n", position_);
      if (end == std::string_view::npos) refuse("the header of a part does not end or is too long");
      const auto line = window.substr(position_, end - position_);
      position_ = end + 2;
      if (line.empty()) break;
      read_part_field(line, part);
    }
    if (part.name.empty()) refuse("a part has no name");
    // The line end before the delimiter is the delimiter's own.
    part.offset = position_;
    part.length = find_delimiter() - position_;
    position_ += part.length + delimiter_.size();
    return part;
  }

  // memmem() searches a gigabyte in a blink; std::string_view::find() stops at every line end.
  size_t find_delimiter() const {
    const auto* found =
        ::memmem(rest().data(), rest().size(), delimiter_.data(), delimiter_.size());
    if (found == nullptr) refuse("a part does not end");
    return static_cast<size_t>(static_cast<const char*>(found) - body_.data());
  }

  std::string_view body_;
  std::string delimiter_;
  const MultipartLimits& limits_;
  size_t position_ = 0;
};

}  // namespace

std::vector<Part> read_multipart(std::string_view body,
                                 const std::string& content_type,
                                 const MultipartLimits& limits) {
  return MultipartReader(body, boundary_of(content_type), limits).read();
}

std::vector<Part> read_multipart_file(const std::filesystem::path& body_file,
                                      const std::string& content_type,
                                      const MultipartLimits& limits) {
  const base::MappedFile file(body_file);
  const auto bytes = file.bytes();
  return read_multipart(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                        content_type,
                        limits);
}

}  // namespace http
