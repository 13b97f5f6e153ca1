// SPDX-License-Identifier: Apache-2.0
// Owns the precompiled torch header that the other rooms reuse.
#include "torch_pch.h"
