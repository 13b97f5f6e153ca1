// SPDX-License-Identifier: Apache-2.0
// The one precompiled header of the rooms that see torch: tensors, autograd and devices. All of
// torch/torch.h would double the time of every file, for modules and data loaders nobody uses here.
// Sources include <torch/types.h> (and <torch/autograd.h>, <torch/cuda.h> where they need them).
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

#include <torch/autograd.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>
