// SPDX-License-Identifier: Apache-2.0
// What this machine has to offer: memory, cores, CPU features, room on a disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace base {

struct Memory {
  uint64_t total = 0;
  uint64_t available = 0;  // without swapping; page cache that can be dropped counts
  std::string limit;       // the control group's file that sets `total`; empty: the machine itself
};

// Of the machine or of the tightest control group (v1 or v2) around this process. `root` is where
// /proc and /sys are looked for; tests give a folder of their own.
Memory memory(const std::filesystem::path& root = "/");

// Processors that this process may run on.
int cores();

struct Processor {
  std::string name;
  std::vector<std::string> features;  // "avx2", "avx512_bf16" …, as the kernel calls them
  bool has(std::string_view feature) const;
};
Processor processor(const std::filesystem::path& root = "/");

// Bytes that this user can still write to the disk of `path`, or of the nearest folder above that
// exists.
uint64_t free_disk(std::filesystem::path path);

// The most memory that this process held since it began or since reset_peak_memory(), in bytes.
uint64_t peak_memory();

// False where the kernel does not let a process do this.
bool reset_peak_memory();

}  // namespace base
