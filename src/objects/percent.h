// SPDX-License-Identifier: Apache-2.0
// Any bytes inside of a URL's query (RFC 3986 §2).
#pragma once

#include <string>
#include <string_view>

namespace objects {

// All but letters, digits and "-._~" as %XX.
std::string percent_encode(std::string_view bytes);

// The reverse; a '%' without two digits behind it stands for itself.
std::string percent_decode(std::string_view text);

}  // namespace objects
