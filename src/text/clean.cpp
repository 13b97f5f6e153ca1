// SPDX-License-Identifier: Apache-2.0
#include "text/clean.h"

#include "text/html.h"
#include "text/repair.h"
#include "text/utf8.h"

namespace text {
namespace {

std::u32string collapse_spaces(std::u32string_view text) {
  std::u32string result;
  bool wants_space = false;
  for (const char32_t c : text) {
    if (is_space(c)) {
      wants_space = !result.empty();
      continue;
    }
    if (wants_space) result.push_back(U' ');
    wants_space = false;
    result.push_back(c);
  }
  return result;
}

}  // namespace

std::string clean(std::string_view prompt) {
  check_utf8(prompt, "the prompt");
  return encode(collapse_spaces(unescape_html(unescape_html(repair(decode(prompt))))));
}

}  // namespace text
