// SPDX-License-Identifier: Apache-2.0
// Stands in for pull where the libraries it needs were not there.
#include <iostream>

#include "cli/zoetrope/commands.h"
#include "weights/installed.h"

namespace cli {

int pull(Arguments) {
  std::cerr << "zoetrope pull: this build is without libcurl or OpenSSL. With the Python package "
               "huggingface_hub:\n  hf download REPOSITORY --local-dir "
            << weights::model_folders().own.string() << "/NAME\n";
  return kFailed;
}

}  // namespace cli
