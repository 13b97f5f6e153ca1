// SPDX-License-Identifier: Apache-2.0
#include "cli/zoetrope/engine.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"

namespace cli {
namespace {

// Replaces this process. The engine speaks as "zoetrope", the name that its user typed.
void execute(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"zoetrope"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(engine_path().c_str(), pointers.data());
}

std::string read_all(int descriptor) {
  std::string content;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return content;
    content.append(buffer.data(), static_cast<size_t>(got));
  }
}

[[noreturn]] void be_the_quiet_child(int output, const std::vector<std::string>& arguments) {
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
  execute(arguments);
  ::_exit(kFailed);
}

}  // namespace

std::filesystem::path engine_path() {
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return self.parent_path() / "zoetrope-engine";
}

bool has_engine() {
  return ::access(engine_path().c_str(), X_OK) == 0;
}

int become_engine(const std::vector<std::string>& arguments) {
  execute(arguments);
  const auto* reason = std::strerror(errno);
  std::cerr << "zoetrope: " << arguments.at(0) << " needs " << engine_path().string() << ": "
            << reason << "\nIt is built where LibTorch is found: make build\n";
  return kFailed;
}

std::string engine_output(const std::vector<std::string>& arguments) {
  int ends[2];
  if (!has_engine() || ::pipe2(ends, O_CLOEXEC) != 0) return {};
  const auto child = ::fork();
  if (child == 0) be_the_quiet_child(ends[1], arguments);
  ::close(ends[1]);
  auto content = child > 0 ? read_all(ends[0]) : std::string();
  ::close(ends[0]);
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return child > 0 && status == 0 ? content : std::string();
}

}  // namespace cli
