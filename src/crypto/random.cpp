// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/rand.h>

#include "base/error.h"
#include "crypto/encoding.h"

namespace crypto {
namespace {

constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

}  // namespace

std::string random_bytes(size_t count) {
  std::string bytes(count, '\0');
  auto* out = reinterpret_cast<unsigned char*>(bytes.data());
  if (RAND_bytes(out, static_cast<int>(count)) != 1) {
    throw base::Error(base::Fault::internal, "internal error", "the random generator failed");
  }
  return bytes;
}

std::string random_hex(size_t bytes) {
  return to_hex(random_bytes(bytes));
}

std::string random_base62(size_t length) {
  // Bytes from 248 = 4 * 62 on are drawn again, so that every character is equally likely.
  std::string characters;
  while (characters.size() < length) {
    for (const char byte : random_bytes(length)) {
      const auto value = static_cast<unsigned char>(byte);
      if (value < 248 && characters.size() < length) characters += kBase62[value % 62];
    }
  }
  return characters;
}

}  // namespace crypto
