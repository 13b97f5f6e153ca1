// SPDX-License-Identifier: Apache-2.0
// The official name of every tensor: one table per network, in the file of its name (names_dit.cpp,
// …), and how a row of a table is applied.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weights {

// A module under a foreign and under its official name; `#` stands for a number, the same on both
// sides, in order.
struct NameRow {
  std::string_view theirs;
  std::string_view official;
};

// Rows for whole modules, and rows for what follows the module's name.
struct NameTable {
  std::span<const NameRow> modules;
  std::span<const NameRow> inside;
};

NameTable dit_names();
NameTable umt5_names();
NameTable vae21_names();
NameTable vae22_names();
NameTable clip_names();

// The official name; a name that no row knows stays as it is.
std::string official_name(const NameTable& table, std::string_view name);

// The way back, by the rows for whole modules.
std::string foreign_name(const NameTable& table, std::string_view official);

// Whether `name` is `module` or lies below it; `#` in `module` stands for a number.
bool lies_below(std::string_view name, std::string_view module);

}  // namespace weights
