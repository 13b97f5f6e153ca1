// SPDX-License-Identifier: Apache-2.0
#include "cli/zoetrope_engine/freed_memory.h"

#include <limits>

#include <malloc.h>

namespace cli {

void return_freed_memory() {
#if defined(__GLIBC__)
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

}  // namespace cli
