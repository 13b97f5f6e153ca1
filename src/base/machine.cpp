// SPDX-License-Identifier: Apache-2.0
#include "base/machine.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>

#include <sched.h>

namespace base {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// The number behind `key` at the start of a line: "MemTotal:   24682416 kB", "inactive_file 4096".
std::optional<uint64_t> value_of(const std::string& text, std::string_view key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    uint64_t value = 0;
    if (words >> name >> value && name == key) return value;
  }
  return std::nullopt;
}

// A file that holds one number; "max" and an absent file are none.
std::optional<uint64_t> number_in(const fs::path& file) {
  const auto text = content(file);
  uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  return number;
}

// Where a version of control groups keeps what we ask for.
struct GroupFiles {
  const char* hierarchy;  // in /proc/self/cgroup: "0::/path", "4:memory:/path"
  const char* mount;
  const char* limit;
  const char* usage;
  const char* cache[2];  // in memory.stat: what can be dropped
};
constexpr GroupFiles kVersions[] = {
    {"0::", "sys/fs/cgroup", "memory.max", "memory.current", {"active_file", "inactive_file"}},
    {":memory:",
     "sys/fs/cgroup/memory",
     "memory.limit_in_bytes",
     "memory.usage_in_bytes",
     {"total_active_file", "total_inactive_file"}},
};

// The path behind `hierarchy` in /proc/self/cgroup.
std::optional<fs::path> group_path(const fs::path& root, std::string_view hierarchy) {
  std::istringstream lines(content(root / "proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find(hierarchy);
    if (at != std::string::npos) return fs::path(line.substr(at + hierarchy.size()));
  }
  return std::nullopt;
}

// Narrows `memory` by the limit of one group.
void apply_limit(Memory& memory, const fs::path& folder, const GroupFiles& files) {
  const auto limit = number_in(folder / files.limit);
  const auto usage = number_in(folder / files.usage);
  if (!limit || !usage || *limit >= memory.total) return;
  const auto stat = content(folder / "memory.stat");
  uint64_t cache = 0;
  for (const auto* key : files.cache) cache += value_of(stat, key).value_or(0);
  const auto held = *usage - std::min(cache, *usage);
  memory.total = *limit;
  memory.available = std::min(memory.available, *limit - std::min(held, *limit));
  memory.limit = (folder / files.limit).string();
}

// Every group from this process's up to the root may set a limit. In a container the path may be
// that of the host, and only the mount itself exists.
void apply_limits(Memory& memory, const fs::path& root, const GroupFiles& files) {
  const auto mount = root / files.mount;
  auto path = group_path(root, files.hierarchy);
  if (!path) return;
  for (auto group = path->relative_path(); !group.empty(); group = group.parent_path()) {
    apply_limit(memory, mount / group, files);
  }
  apply_limit(memory, mount, files);
}

}  // namespace

Memory memory(const fs::path& root) {
  const auto text = content(root / "proc/meminfo");
  Memory memory{.total = value_of(text, "MemTotal:").value_or(0) * 1024,
                .available = value_of(text, "MemAvailable:").value_or(0) * 1024,
                .limit = {}};
  for (const auto& version : kVersions) apply_limits(memory, root, version);
  return memory;
}

int cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}

bool Processor::has(std::string_view feature) const {
  return std::ranges::find(features, feature) != features.end();
}

Processor processor(const fs::path& root) {
  Processor processor;
  std::istringstream lines(content(root / "proc/cpuinfo"));
  for (std::string line; std::getline(lines, line) && processor.features.empty();) {
    const auto colon = line.find(": ");
    if (colon == std::string::npos) continue;
    if (line.starts_with("model name")) processor.name = line.substr(colon + 2);
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(line.substr(colon + 2));
    for (std::string word; words >> word;) processor.features.push_back(word);
  }
  return processor;
}

uint64_t free_disk(fs::path path) {
  std::error_code problem;
  path = fs::absolute(path, problem);
  while (!fs::exists(path, problem) && path.has_relative_path()) path = path.parent_path();
  const auto space = fs::space(path, problem);
  return problem ? 0 : space.available;
}

uint64_t peak_memory() {
  return value_of(content("/proc/self/status"), "VmHWM:").value_or(0) * 1024;
}

bool reset_peak_memory() {
  std::ofstream file("/proc/self/clear_refs");
  file << '5' << std::flush;
  return file.good();
}

}  // namespace base
