// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine, the program beside this one, and how its commands are run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cli {

// Where it belongs: beside this program. It need not be there.
std::filesystem::path engine_path();

bool has_engine();

// Becomes the engine, with `arguments` behind its name. Returns an exit code only when it cannot,
// with the reason on stderr.
int become_engine(const std::vector<std::string>& arguments);

// What the engine prints on stdout; empty when it is absent or fails.
std::string engine_output(const std::vector<std::string>& arguments);

}  // namespace cli
