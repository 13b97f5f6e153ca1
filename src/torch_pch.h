// SPDX-License-Identifier: Apache-2.0
// The one precompiled header of the rooms that see torch. Headers include <torch/types.h> only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <torch/torch.h>
