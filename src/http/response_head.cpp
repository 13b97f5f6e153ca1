// SPDX-License-Identifier: Apache-2.0
#include "http/response_head.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <ostream>  // Boost.Core 1.81 uses it without including it

#include <boost/beast/http/status.hpp>

#include "base/error.h"

namespace http {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

void check_fields(const Fields& fields) {
  for (const auto& field : fields) {
    if (std::ranges::none_of(field.name, is_control) &&
        std::ranges::none_of(field.value, is_control)) {
      continue;
    }
    throw base::Error(base::Fault::internal,
                      "internal error",
                      "the header field " + field.name + " of an answer holds a control byte");
  }
}

std::string head_text(int status, const Fields& fields) {
  const auto reason =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  check_fields(fields);
  std::string text;
  text += "HTTP/1.1 " + std::to_string(status) + ' ';
  text.append(reason.data(), reason.size());
  text += "\r\n";
  for (const auto& field : fields) {
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  text += "\r\n";
  return text;
}

std::string http_date(int64_t wall_ms) {
  const time_t seconds = wall_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> buffer{};
  // The C locale, which the project never leaves, has the English names that are asked for.
  const auto length =
      std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {buffer.data(), length};
}

}  // namespace http
