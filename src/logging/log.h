// SPDX-License-Identifier: Apache-2.0
// Lines for the operator, on stderr: plain to be read, or one JSON object each to be collected.
//
// What is logged is chosen field by field. Keys, secrets, signed addresses and prompts have no
// field of their own and never go into a message.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/json.h"

namespace logging {

enum class Form { plain, json };
enum class Level { debug, info, warning, error };

// May be called again. Until the first call lines are plain, from info on.
void configure(Form form, Level least);

struct Field {
  std::string_view name;
  base::Json value;
};
using Fields = std::initializer_list<Field>;

// Any thread. Control characters in values are escaped, so that one call is one line.
void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warning(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

// The line as it is written, without its end; `time` is an ISO 8601 text.
std::string line(
    Form form, std::string_view time, Level level, std::string_view message, Fields fields);

}  // namespace logging
