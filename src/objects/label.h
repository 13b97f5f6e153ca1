// SPDX-License-Identifier: Apache-2.0
// Names that come from outside: those of people, which are labels, and those that become paths.
#pragma once

#include <string>
#include <string_view>

namespace objects {

// What a person called a file, fit to be shown and to stand in a header: valid UTF-8 of at most 255
// bytes, without folders, control characters and marks of writing direction. What is not so is left
// out, and "file" is what remains of nothing. Never a path.
std::string label(std::string_view name);

// Throws Error(invalid) that starts with `what` unless the name is 1 to 64 letters, digits, '.',
// '_' and '-' and begins with a letter or digit: such a name is safe as one part of a path.
void check_path_part(std::string_view name, std::string_view what);

}  // namespace objects
