// SPDX-License-Identifier: Apache-2.0
#include "tasks/task.h"

#include <array>

#include "base/text.h"

namespace tasks {
namespace {

constexpr std::array<std::string_view, 4> kStates = {
    "created", "processing", "completed", "failed"};

constexpr std::array<std::string_view, 9> kFailureClasses = {"invalid_input",
                                                             "content_refused",
                                                             "gpu_oom",
                                                             "gpu_sticky",
                                                             "worker_lost",
                                                             "exhausted",
                                                             "upstream",
                                                             "internal",
                                                             "cancelled"};

template <typename Enum, size_t N>
Enum named(const std::array<std::string_view, N>& names, std::string_view name, const char* what) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  throw base::Error(base::Fault::invalid,
                    base::text(what, ": \"", name, "\" is not one of ", base::join(names, ", ")));
}

}  // namespace

std::string_view name_of(State state) {
  return kStates[static_cast<size_t>(state)];
}

State state_named(std::string_view name) {
  return named<State>(kStates, name, "status");
}

std::string_view name_of(FailureClass kind) {
  return kFailureClasses[static_cast<size_t>(kind)];
}

FailureClass failure_class_named(std::string_view name) {
  return named<FailureClass>(kFailureClasses, name, "class");
}

}  // namespace tasks
