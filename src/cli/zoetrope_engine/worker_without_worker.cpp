// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "cli/zoetrope_engine/commands.h"

namespace cli {

int worker(Arguments) {
  throw base::Error(base::Fault::invalid,
                    "this program was built without FFmpeg, libcurl or OpenSSL and cannot work for "
                    "a server");
}

}  // namespace cli
