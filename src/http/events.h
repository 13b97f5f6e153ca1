// SPDX-License-Identifier: Apache-2.0
// Server-sent events as text (the HTML standard, §9.2).
#pragma once

#include <string>

#include "http/message.h"

namespace http {

// One event with the empty line that ends it. Line ends in the data become lines of data; name and
// id are cut at their first line end.
std::string event_text(const Event& event);

// A comment, which no client shows: keeps proxies from closing a quiet stream.
inline constexpr std::string_view kPing = ": ping\n\n";

}  // namespace http
