// SPDX-License-Identifier: Apache-2.0
// Little-endian numbers out of bytes that nobody vouches for: every read is checked.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace weights {

static_assert(std::endian::native == std::endian::little, "weight files are little-endian");

// Moves through `bytes` from the front. Reading past the end throws Error(invalid) that starts with
// `what`, the name of the file or of the part of it.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string what)
      : bytes_(bytes), what_(std::move(what)) {}

  template <typename Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::span<const std::byte> take(uint64_t count) {
    if (count > left()) {
      refuse(base::text("cut off: ", count, " bytes wanted at ", position_, ", ", left(), " left"));
    }
    const auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  std::string_view text(uint64_t count) {
    const auto taken = take(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }
  const std::string& what() const { return what_; }

  [[noreturn]] void refuse(const std::string& why) const {
    throw base::Error(base::Fault::invalid, base::text(what_, ": ", why));
  }

 private:
  std::span<const std::byte> bytes_;
  std::string what_;
  size_t position_ = 0;
};

}  // namespace weights
