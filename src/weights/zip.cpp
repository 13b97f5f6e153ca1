// SPDX-License-Identifier: Apache-2.0
// Field order and signatures: PKWARE APPNOTE.TXT 6.3.9, sections 4.3.7, 4.3.12 to 4.3.16, 4.5.3.
#include "weights/zip.h"

#include <algorithm>
#include <cstdint>

#include "weights/byte_reader.h"

namespace weights {
namespace {

using base::text;
using Bytes = std::span<const std::byte>;

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDirectoryEntry = 0x02014b50;
constexpr uint32_t kEndOfDirectory = 0x06054b50;
constexpr uint32_t kEndOfDirectory64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr size_t kEndBytes = 22;
constexpr size_t kLocatorBytes = 20;
constexpr size_t kMaxComment = 65535;
constexpr uint64_t kMaxEntries = 1u << 17;  // as many as tensors are allowed, and then some
constexpr uint16_t kZip64Field = 1;
constexpr uint16_t kEncrypted = 1;
constexpr uint16_t kIn64 = UINT16_MAX;  // "see the zip64 record", in 16 and in 32 bits
constexpr uint32_t kIn64Wide = UINT32_MAX;

struct Directory {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;
};

struct Entry {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint64_t compressed = 0;
  uint64_t size = 0;
  uint64_t header = 0;
};

class Archive {
 public:
  Archive(Bytes bytes, std::string what) : bytes_(bytes), what_(std::move(what)) {}

  // A reader over [begin, end of file); refuses a begin outside the file.
  ByteReader at(uint64_t begin) const {
    if (begin > bytes_.size()) refuse(text("an offset of ", begin, " lies outside the file"));
    return {bytes_.subspan(begin), what_};
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw base::Error(base::Fault::invalid, text(what_, ": ", why));
  }

  // The record at the end, behind which there is only its own comment.
  size_t find_end() const {
    if (bytes_.size() >= kEndBytes) {
      const size_t last = bytes_.size() - kEndBytes;
      const size_t first = last > kMaxComment ? last - kMaxComment : 0;
      for (size_t begin = last + 1; begin-- > first;) {
        auto reader = at(begin);
        if (reader.number<uint32_t>() != kEndOfDirectory) continue;
        reader.take(16);
        if (reader.number<uint16_t>() == reader.left()) return begin;
      }
    }
    refuse("the zip directory at its end is missing: cut off or damaged");
  }

  Directory find_directory() const {
    const size_t end = find_end();
    auto reader = at(end);
    reader.take(8);  // signature, number of this disk, disk of the directory
    const auto entries_here = reader.number<uint16_t>();
    Directory found;
    found.entries = reader.number<uint16_t>();
    found.bytes = reader.number<uint32_t>();
    found.offset = reader.number<uint32_t>();
    if (entries_here != found.entries) refuse("an archive in several volumes");
    const bool in_64 =
        found.entries == kIn64 || found.bytes == kIn64Wide || found.offset == kIn64Wide;
    return in_64 ? find_directory64(end) : found;
  }

  Directory find_directory64(size_t end) const {
    if (end < kLocatorBytes) refuse("the zip64 locator is missing");
    auto locator = at(end - kLocatorBytes);
    if (locator.number<uint32_t>() != kLocator64) refuse("the zip64 locator is missing");
    locator.take(4);
    auto reader = at(locator.number<uint64_t>());
    if (reader.number<uint32_t>() != kEndOfDirectory64) refuse("the zip64 directory is missing");
    reader.take(28);  // record size, two versions, two disk numbers, entries on this disk
    Directory found;
    found.entries = reader.number<uint64_t>();
    found.bytes = reader.number<uint64_t>();
    found.offset = reader.number<uint64_t>();
    return found;
  }

  // Replaces the sizes and the offset that did not fit into 32 bits, in the order of the format.
  void read_extra(Entry& entry, ByteReader extra) const {
    while (extra.left() >= 4) {
      const auto kind = extra.number<uint16_t>();
      const auto length = extra.number<uint16_t>();
      ByteReader field(extra.take(length), what_);
      if (kind != kZip64Field) continue;
      for (uint64_t* value : {&entry.size, &entry.compressed, &entry.header}) {
        if (*value == kIn64Wide) *value = field.number<uint64_t>();
      }
    }
  }

  Entry read_entry(ByteReader& reader) const {
    if (reader.number<uint32_t>() != kDirectoryEntry) refuse("its zip directory is damaged");
    reader.take(4);  // versions
    Entry entry;
    entry.flags = reader.number<uint16_t>();
    entry.method = reader.number<uint16_t>();
    reader.take(8);  // time, date, checksum
    entry.compressed = reader.number<uint32_t>();
    entry.size = reader.number<uint32_t>();
    const auto name_bytes = reader.number<uint16_t>();
    const auto extra_bytes = reader.number<uint16_t>();
    const auto comment_bytes = reader.number<uint16_t>();
    reader.take(8);  // disk, attributes
    entry.header = reader.number<uint32_t>();
    entry.name = reader.text(name_bytes);
    read_extra(entry, {reader.take(extra_bytes), what_});
    reader.take(comment_bytes);
    return entry;
  }

  Bytes content(const Entry& entry) const {
    const auto refuse_entry = [&](const std::string& why) {
      refuse(text("entry ", entry.name, ": ", why));
    };
    if ((entry.flags & kEncrypted) != 0) refuse_entry("encrypted");
    if (entry.method != 0 || entry.compressed != entry.size) {
      refuse_entry("compressed; these archives hold stored entries only");
    }
    if (entry.size > bytes_.size() || entry.header > bytes_.size()) {
      refuse_entry(text("claims ", entry.size, " bytes in a file of ", bytes_.size()));
    }
    auto reader = at(entry.header);
    if (reader.left() < 30 || reader.number<uint32_t>() != kLocalHeader) {
      refuse_entry("its local header is missing");
    }
    reader.take(22);
    const auto name_bytes = reader.number<uint16_t>();
    const auto extra_bytes = reader.number<uint16_t>();
    if (reader.text(name_bytes) != entry.name) refuse_entry("its local header has another name");
    reader.take(extra_bytes);
    if (entry.size > reader.left()) {
      refuse_entry(text("claims ", entry.size, " bytes, ", reader.left(), " follow"));
    }
    return reader.take(entry.size);
  }

 private:
  Bytes bytes_;
  std::string what_;
};

}  // namespace

bool looks_like_zip(Bytes bytes) {
  uint32_t signature = 0;
  if (bytes.size() < sizeof signature) return false;
  std::memcpy(&signature, bytes.data(), sizeof signature);
  return signature == kLocalHeader;
}

ZipEntries read_zip(Bytes bytes, const std::string& what) {
  const Archive archive(bytes, what);
  const auto directory = archive.find_directory();
  if (directory.entries > kMaxEntries) {
    archive.refuse(text(directory.entries, " entries, at most ", kMaxEntries));
  }
  auto reader = archive.at(directory.offset);
  ByteReader listing(reader.take(directory.bytes), what);
  ZipEntries entries;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    const auto entry = archive.read_entry(listing);
    if (!entries.emplace(entry.name, archive.content(entry)).second) {
      archive.refuse(text("entry ", entry.name, " is there twice"));
    }
  }
  return entries;
}

}  // namespace weights
