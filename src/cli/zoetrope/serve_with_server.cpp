// SPDX-License-Identifier: Apache-2.0
// zoetrope serve: the service.
#include <cstdlib>

#include "cli/zoetrope/commands.h"
#include "cli/zoetrope/engine.h"
#include "server/serve.h"

namespace cli {

int serve(Arguments arguments) {
  const auto config = server::read_config(
      arguments, [](const std::string& name) { return std::getenv(name.c_str()); });
  return config ? server::serve(*config, engine_path()) : kDone;
}

}  // namespace cli
