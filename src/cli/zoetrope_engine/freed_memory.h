// SPDX-License-Identifier: Apache-2.0
// What the C library does with blocks that the process frees. For the whole process, from the call
// on; without effect where the C library is not glibc.
#pragma once

namespace cli {

// Blocks from 1 MiB on go back to the system when they are freed. By itself the C library moves its
// threshold up to 32 MiB as they come and go, and keeps the holes between them: half as much memory
// again while a VAE decodes.
void return_freed_memory();

// Freed blocks stay with the process. Every step of a training needs the blocks of the step before:
// fetching them anew costs a quarter of the time for the system's empty pages.
void keep_freed_memory();

}  // namespace cli
