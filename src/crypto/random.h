// SPDX-License-Identifier: Apache-2.0
// Random names and secrets, out of OpenSSL's generator.
#pragma once

#include <string>

namespace crypto {

// Throws Error(internal) where the generator fails; nothing weaker takes its place.
std::string random_bytes(size_t count);

// `bytes` random bytes as twice as many lower-case hex digits.
std::string random_hex(size_t bytes);

// `length` characters of 0-9A-Za-z, 5.95 bits each.
std::string random_base62(size_t length);

}  // namespace crypto
