// SPDX-License-Identifier: Apache-2.0
// What `zoetrope serve` is told: flags, over variables ZOETROPE_…, over zoetrope.toml, over
// defaults.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"

namespace server {

struct Config {
  std::string listen = "127.0.0.1:8000";
  std::string data;        // folder; empty: the user's data folder
  std::string public_url;  // how clients reach this server; empty: http:// and `listen`
  std::string database = "sqlite";
  std::optional<int64_t> workers;  // child processes; nothing: one per GPU, or one for the CPU
  std::string config;              // the file that was read; empty: none
  bool no_auth = false;
  std::string log = "plain";
  std::string log_level = "info";
  int64_t retention_days = 7;  // of tasks, results and uploads; source: the vendor's
  int64_t result_url_minutes = 60 * 24 * 7;
  int64_t sync_seconds = 90;  // how long a synchronous submit waits; source: wire facts A3
  int64_t upload_megabytes = 1024;
  std::optional<int64_t> free_disk_megabytes;  // nothing new below; nothing: see --help
  std::vector<std::string> allow_address;      // private addresses that webhooks may go to
  // Name of a model in specs::models() -> the name, file or folder that serves it.
  std::map<std::string, std::string> weights;
};

extern const cli::Form<Config> kServeForm;

// The variable of an environment, or null: std::getenv, or what a test sets.
using Environment = std::function<const char*(const std::string& name)>;

// Nothing where --help was asked for and is printed. Throws Error(invalid) with every complaint of
// every source, each with the file or variable that it is about. The file is the one of --config,
// else zoetrope/zoetrope.toml in the user's configuration folder if it is there.
std::optional<Config> read_config(cli::Arguments arguments, const Environment& environment);

}  // namespace server
