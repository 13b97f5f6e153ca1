// SPDX-License-Identifier: Apache-2.0
// Bytes as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crypto {

// Two lower-case digits per byte.
std::string to_hex(std::string_view bytes);

// RFC 4648 §4, padded, without line ends.
std::string to_base64(std::string_view bytes);

// The reverse; nothing where the text is not exactly that.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace crypto
