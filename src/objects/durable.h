// SPDX-License-Identifier: Apache-2.0
// Giving a finished file its name so that it survives a power cut. Nothing else in this project
// creates a file that somebody was promised.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace objects {

// The two system calls that decide what a power cut leaves; tests put their own in place to fail
// or to end the process between two steps.
struct Disk {
  std::function<int(int descriptor)> sync;
  std::function<int(const char* from, const char* to)> rename;
};
Disk system_disk();

// Brings the bytes of `temporary` to the disk, gives it the name `file`, and brings to the disk
// every folder from that of the file up to `root`, which exists; folders between are made, 0700. A
// file that had the name is replaced. Once this returns, the file is there whatever happens.
//
// Throws Error(exhausted) where the disk is full and Error(internal) for any other failure; nothing
// is promised then. Where it was a sync that failed, this process must end: the kernel drops the
// pages that it could not write and lets the next sync succeed, so that only what the disk holds
// can be trusted.
void durable_publish(const std::filesystem::path& temporary,
                     const std::filesystem::path& file,
                     const std::filesystem::path& root,
                     const Disk& disk);

// Brings the names in a folder to the disk. Throws as durable_publish().
void sync_folder(const std::filesystem::path& folder, const Disk& disk);

// The error of the system call that has just failed: exhausted where the disk is full, else
// internal. The path and the reason are for the log only.
[[noreturn]] void throw_disk_error(std::string_view doing, const std::filesystem::path& path);

}  // namespace objects
