// SPDX-License-Identifier: Apache-2.0
// The commands of zoetrope itself, each in the file of its name.
#pragma once

#include "cli/command.h"

namespace cli {

int doctor(Arguments arguments);
int keys(Arguments arguments);
int models(Arguments arguments);
int pull(Arguments arguments);
int serve(Arguments arguments);
int show(Arguments arguments);

}  // namespace cli
