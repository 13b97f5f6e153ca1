// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <algorithm>
#include <sstream>

#include <toml++/toml.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "specs/specs.h"

namespace server {
namespace {

using base::text;

constexpr size_t kMostConfigBytes = 1 << 20;
constexpr std::string_view kForms[] = {"plain", "json"};
constexpr std::string_view kLevels[] = {"debug", "info", "warning", "error"};

constexpr cli::Option<Config> kOptions[] = {
    {"--listen", "HOST:PORT", &Config::listen, "Where to answer; [::1]:8000 for IPv6."},
    {"--data",
     "DIR",
     &Config::data,
     "Tasks, keys, uploads and results. Default: zoetrope/server "
     "in the user's data folder."},
    {"--public-url",
     "URL",
     &Config::public_url,
     "How clients reach this server, for addresses in answers. Default: http:// and --listen."},
    {"--database", "URL", &Config::database, "sqlite, which is a file in --data, or postgres://…"},
    {"--workers",
     "N",
     &Config::workers,
     "Worker processes to start. Default: one per GPU, or one for the CPU.",
     {.min = 0, .max = 64}},
    {"--no-auth",
     "",
     &Config::no_auth,
     "Take every caller for the owner, on any address. For trusted networks only."},
    {"--log", "FORM", &Config::log, "How lines on stderr look.", {.choices = kForms}},
    {"--log-level", "LEVEL", &Config::log_level, "The least that is logged.", {.choices = kLevels}},
    {"--retention-days",
     "N",
     &Config::retention_days,
     "How long tasks, results and uploads stay.",
     {.min = 1, .max = 3650}},
    {"--result-url-minutes",
     "N",
     &Config::result_url_minutes,
     "How long the address of a result works.",
     {.min = 1, .max = 5'256'000}},
    {"--sync-seconds",
     "N",
     &Config::sync_seconds,
     "How long a synchronous submit waits before it answers with the unfinished task.",
     {.min = 1, .max = 3600}},
    {"--upload-megabytes",
     "N",
     &Config::upload_megabytes,
     "The largest upload.",
     {.min = 1, .max = 1'048'576}},
    {"--free-disk-megabytes",
     "N",
     &Config::free_disk_megabytes,
     "Refuse new tasks and uploads while the disk has less. Default: 5 % of it, 10 GB at least, "
     "but "
     "no more than 10 %.",
     {.min = 0, .max = 1'000'000'000}},
    {"--allow-address",
     "CIDR",
     &Config::allow_address,
     "A private network that webhooks may go to, as 10.1.0.0/16; may be given again."},
    {"--config",
     "FILE",
     &Config::config,
     "Settings in TOML, by the names of these options: listen = \"0.0.0.0:8000\"."},
};

// "--no-auth" -> "no_auth", as in a TOML file.
std::string key_of(std::string_view option) {
  std::string key(option.substr(2));
  std::ranges::replace(key, '-', '_');
  return key;
}

std::string variable_of(std::string_view option) {
  auto name = "ZOETROPE_" + key_of(option);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name;
}

// Sets options as if they were typed; complaints name the source in place of the dashes.
class Source {
 public:
  Source(Config& config, cli::Complaints& complaints) : config_(config), complaints_(complaints) {}

  void set(const cli::Option<Config>& option, const std::string& value, const std::string& source) {
    const bool is_flag = std::holds_alternative<bool Config::*>(option.into);
    if (is_flag && value != "true" && value != "false" && value != "1" && value != "0") {
      complaints_.add(text(source, ": \"", value, "\" is not one of true, false"));
    }
    if (is_flag) {
      config_.*std::get<bool Config::*>(option.into) = value == "true" || value == "1";
      return;
    }
    auto bound = cli::bind(kServeForm, config_);
    cli::Complaints own;
    const std::string word = text(option.name, '=', value);
    cli::read_bound(bound, {&word, 1}, own);
    for (const auto& line : own.lines()) complaints_.add(source + line.substr(option.name.size()));
  }

 private:
  Config& config_;
  cli::Complaints& complaints_;
};

std::string value_text(const toml::node& node) {
  std::ostringstream out;
  if (const auto* string = node.as_string()) return string->get();
  node.visit([&](const auto& value) { out << toml::node_view(value); });
  return out.str();
}

void read_weights(const toml::node& node,
                  const std::string& file,
                  Config& config,
                  cli::Complaints& complaints) {
  const auto* table = node.as_table();
  if (table == nullptr) {
    complaints.add(text(file, ": weights: is not a table [weights] of model = \"path\""));
    return;
  }
  for (const auto& [key, value] : *table) {
    const std::string name(key.str());
    std::vector<std::string_view> known;
    for (const auto& model : specs::models()) known.push_back(model.name);
    if (specs::find_model(name) == nullptr) {
      complaints.add(text(file, ": weights.", name, ": is not one of ", base::join(known, ", ")));
    } else if (!value.is_string()) {
      complaints.add(text(file, ": weights.", name, ": is not a text, the model's name or path"));
    } else {
      config.weights[name] = value.as_string()->get();
    }
  }
}

void complain_of_unknown(std::string_view key,
                         const std::string& where,
                         cli::Complaints& complaints) {
  std::vector<std::string> keys = {"weights"};
  for (const auto& option : kOptions) keys.push_back(key_of(option.name));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  const auto meant = base::nearest(key, views);
  complaints.add(text(where,
                      key,
                      ": no such setting",
                      meant.empty() ? text("; there are ", base::join(keys, ", "))
                                    : text("; did you mean ", meant, "?")));
}

void read_entry(std::string_view key,
                const toml::node& node,
                const std::string& file,
                Config& config,
                cli::Complaints& complaints) {
  if (key == "weights") return read_weights(node, file, config, complaints);
  const auto option =
      std::ranges::find(kOptions, key, [](const auto& row) { return key_of(row.name); });
  if (option == std::end(kOptions) || key == "config") {
    return complain_of_unknown(key, file + ": ", complaints);
  }
  Source source(config, complaints);
  const auto where = text(file, ": ", key);
  if (const auto* array = node.as_array()) {
    for (const auto& item : *array) source.set(*option, value_text(item), where);
  } else {
    source.set(*option, value_text(node), where);
  }
}

void read_file(const std::filesystem::path& file, Config& config, cli::Complaints& complaints) {
  try {
    const auto content = base::read_file(file, kMostConfigBytes);
    const auto table = toml::parse(content, file.string());
    for (const auto& [key, node] : table) {
      read_entry(key.str(), node, file.string(), config, complaints);
    }
  } catch (const toml::parse_error& problem) {
    const auto& at = problem.source().begin;
    complaints.add(text(file.string(), ":", at.line, ":", at.column, ": ", problem.description()));
  } catch (const base::Error& problem) {
    complaints.add(problem.what());
  }
}

void read_environment(const Environment& environment, Config& config, cli::Complaints& complaints) {
  for (const auto& option : kOptions) {
    const auto name = variable_of(option.name);
    const char* value = environment(name);
    if (value != nullptr && option.name != "--config") {
      Source(config, complaints).set(option, value, name);
    }
  }
}

std::filesystem::path default_file(const Environment& environment) {
  const char* folder = environment("XDG_CONFIG_HOME");
  const char* home = environment("HOME");
  if (folder != nullptr && *folder == '/') {
    return std::filesystem::path(folder) / "zoetrope/zoetrope.toml";
  }
  if (home == nullptr) return {};
  return std::filesystem::path(home) / ".config/zoetrope/zoetrope.toml";
}

// Only to learn which file is to be read; complaints come with the second reading.
std::filesystem::path file_to_read(cli::Arguments arguments, const Environment& environment) {
  Config scratch;
  cli::Complaints ignored;
  auto bound = cli::bind(kServeForm, scratch);
  cli::read_bound(bound, arguments, ignored);
  if (!scratch.config.empty()) return scratch.config;
  const char* named = environment("ZOETROPE_CONFIG");
  if (named != nullptr && *named != '\0') return named;
  const auto usual = default_file(environment);
  return !usual.empty() && std::filesystem::exists(usual) ? usual : std::filesystem::path();
}

}  // namespace

const cli::Form<Config> kServeForm = {
    "zoetrope serve",
    "Answers WaveSpeed's and Novita's wire formats and makes the videos that are asked for.",
    kOptions,
    "Every option is also a setting of zoetrope.toml (no_auth = true) and a variable\n"
    "(ZOETROPE_NO_AUTH=true). Which weights serve a model is told in the file:\n\n"
    "  [weights]\n"
    "  \"wan2.2-t2v-a14b\" = \"/models/Wan2.2-T2V-A14B\"\n"};

std::optional<Config> read_config(cli::Arguments arguments, const Environment& environment) {
  if (cli::asks_for_help(arguments)) {
    Config defaults;
    cli::print_help(cli::bind(kServeForm, defaults));
    return std::nullopt;
  }
  Config config;
  cli::Complaints complaints;
  const auto file = file_to_read(arguments, environment);
  if (!file.empty()) read_file(file, config, complaints);
  read_environment(environment, config, complaints);
  // A list on the command line takes the place of the file's.
  Config typed;
  auto bound = cli::bind(kServeForm, typed);
  cli::read_bound(bound, arguments, complaints);
  if (!typed.allow_address.empty()) config.allow_address.clear();
  bound = cli::bind(kServeForm, config);
  cli::Complaints already_told;
  cli::read_bound(bound, arguments, already_told);
  config.config = file.string();
  complaints.refuse();
  return config;
}

}  // namespace server
