// SPDX-License-Identifier: Apache-2.0
// The directory of a ZIP archive whose entries are stored, not compressed, so that each is a piece
// of the mapped file. zip64 included: .pth files exceed 4 GiB.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace weights {

using ZipEntries = std::map<std::string, std::span<const std::byte>, std::less<>>;

// Whether the bytes begin as a ZIP archive does.
bool looks_like_zip(std::span<const std::byte> bytes);

// Every entry by name. Throws Error(invalid) that starts with `what` (the file) and names the entry
// at fault: compressed, encrypted, named twice, or lying outside the archive. Checksums are not
// compared: that would read the whole file.
ZipEntries read_zip(std::span<const std::byte> bytes, const std::string& what);

}  // namespace weights
