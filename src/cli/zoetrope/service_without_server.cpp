// SPDX-License-Identifier: Apache-2.0
// Stands in for the service where the libraries it needs were not there.
#include <iostream>

#include "cli/zoetrope/commands.h"

namespace cli {
namespace {

int refuse(std::string_view command) {
  std::cerr << "zoetrope " << command
            << ": this build is without the service; cmake says which libraries are missing\n";
  return kFailed;
}

}  // namespace

int serve(Arguments) {
  return refuse("serve");
}

int keys(Arguments) {
  return refuse("keys");
}

}  // namespace cli
