// SPDX-License-Identifier: Apache-2.0
// The head of an answer as bytes.
#pragma once

#include <cstdint>
#include <string>

#include "http/field.h"

namespace http {

// Throws Error(internal) where a field holds a control byte: no answer is split in two.
void check_fields(const Fields& fields);

// "HTTP/1.1 200 OK", the fields, the empty line. Checks the fields as well.
std::string head_text(int status, const Fields& fields);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7), of milliseconds since 1970.
std::string http_date(int64_t wall_ms);

}  // namespace http
