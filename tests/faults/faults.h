// SPDX-License-Identifier: Apache-2.0
// What the files of the preloaded library share; faults.c says what it is for.
#pragma once

#include <limits.h>
#include <stdbool.h>

enum { kName = 56 };  // of a point, with the zero at its end

extern const char* data;  // the data folder; NULL: this program has no points

// What faults.c was told to do wrong.
extern struct bugs {
  bool no_fsync;         // nothing is synced
  bool no_folder_fsync;  // no folder is
  bool no_result_fsync;  // no file is before it gets its name
  bool late_rename;      // a result gets its name 300 ms after the program was told so
  bool no_unlink;        // results are never removed
  bool wall_leases;      // the clock of deadlines jumps with the wall clock
} bugs;

// What lies at the path, as in the names of points; NULL: nothing of the program's.
const char* place_of(const char* path);
const char* place_of_file(int descriptor);

bool path_of(int descriptor, char path[PATH_MAX]);
bool is_folder(int descriptor);

// Counts a passage of the point `place.call.when`, and ends the process where that was asked for;
// true where the call is to fail, with errno set. `place` NULL: no point.
bool pass(const char* place, const char* call, const char* when);

// Passes `place.call.after`, and hands on the result and errno.
long done(long result, const char* place, const char* call);
