// SPDX-License-Identifier: Apache-2.0
#include "logging/log.h"

#include <atomic>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"

namespace logging {
namespace {

using base::Json;

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "";
}

// Bytes that are no UTF-8 are replaced: a log is not the place to fail.
std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// As a person would write it: texts without quotes where none are needed.
std::string plain(const Json& value) {
  if (!value.is_string()) return dump(value);
  const auto& text = value.get_ref<const std::string&>();
  const auto quoted = dump(value);
  const bool is_word = text.find_first_of(" =\"") == std::string::npos && !text.empty() &&
                       quoted.size() == text.size() + 2;
  return is_word ? text : quoted;
}

struct Settings {
  std::atomic<Form> form{Form::plain};
  std::atomic<Level> least{Level::info};
  std::shared_ptr<spdlog::logger> lines = [] {
    auto logger = std::make_shared<spdlog::logger>(
        "zoetrope", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    return logger;
  }();
};

// The process has one stderr.
Settings& settings() {
  static Settings the_settings;
  return the_settings;
}

void write(Level level, std::string_view message, Fields fields) {
  auto& current = settings();
  if (level < current.least) return;
  const auto time = base::iso8601(base::system_clock().wall());
  current.lines->info("{}", line(current.form, time, level, message, fields));
}

}  // namespace

void configure(Form form, Level least) {
  settings().form = form;
  settings().least = least;
}

std::string line(
    Form form, std::string_view time, Level level, std::string_view message, Fields fields) {
  if (form == Form::json) {
    nlohmann::ordered_json object = {
        {"time", time}, {"level", name_of(level)}, {"message", message}};
    for (const auto& field : fields) object[std::string(field.name)] = field.value;
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  // The message is ours, but may quote what somebody sent.
  const auto quoted = dump(message);
  auto text = std::string(time) + ' ' + std::string(name_of(level)) + "  " +
              quoted.substr(1, quoted.size() - 2);
  for (const auto& field : fields) {
    text += "  " + std::string(field.name) + '=' + plain(field.value);
  }
  return text;
}

void debug(std::string_view message, Fields fields) {
  write(Level::debug, message, fields);
}
void info(std::string_view message, Fields fields) {
  write(Level::info, message, fields);
}
void warning(std::string_view message, Fields fields) {
  write(Level::warning, message, fields);
}
void error(std::string_view message, Fields fields) {
  write(Level::error, message, fields);
}

}  // namespace logging
