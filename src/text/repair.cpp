// SPDX-License-Identifier: Apache-2.0
#include "text/repair.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "text/html.h"
#include "text/mojibake.h"
#include "text/unicode.h"
#include "text/windows_1252.h"

namespace text {
namespace {

// Escapes of escapes take one round each, so this bounds the time that a hostile prompt can cost.
constexpr int kMostRounds = 100;

struct Ligature {
  char32_t ligature;
  std::u32string_view letters;
};

constexpr Ligature kLigatures[] = {
    {0x0132, U"IJ"},      {0x0133, U"ij"},      {0x0149, U"\u02BCn"}, {0x01C4, U"D\u017D"},
    {0x01C5, U"D\u017E"}, {0x01C6, U"d\u017E"}, {0x01C7, U"LJ"},      {0x01C8, U"Lj"},
    {0x01C9, U"lj"},      {0x01CA, U"NJ"},      {0x01CB, U"Nj"},      {0x01CC, U"nj"},
    {0x01F1, U"DZ"},      {0x01F2, U"Dz"},      {0x01F3, U"dz"},      {0xFB00, U"ff"},
    {0xFB01, U"fi"},      {0xFB02, U"fl"},      {0xFB03, U"ffi"},     {0xFB04, U"ffl"},
    {0xFB05, U"\u017Ft"}, {0xFB06, U"st"},
};

std::optional<std::u32string_view> letters_of(char32_t c) {
  const auto* found = std::ranges::find(kLigatures, c, &Ligature::ligature);
  if (found == std::end(kLigatures)) return std::nullopt;
  return found->letters;
}

char32_t straight_quote(char32_t c) {
  if ((c >= 0x2018 && c <= 0x201B) || c == 0x02BC) return U'\'';
  if (c >= 0x201C && c <= 0x201F) return U'"';
  return c;
}

bool is_dropped_control(char32_t c) {
  return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
         (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

// C1 controls, then ligatures, then width, then quotes: each sees what the one before made.
std::u32string repair_characters(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  const auto put = [&](std::u32string_view characters) {
    for (const char32_t c : characters) result.push_back(straight_quote(c));
  };
  for (char32_t c : text) {
    if (c >= 0x80 && c <= 0x9F) c = windows_1252(static_cast<uint8_t>(c));
    if (const auto letters = letters_of(c)) {
      put(*letters);
    } else if (c == 0x3000) {
      result.push_back(U' ');
    } else if (c >= 0xFF01 && c <= 0xFFEF) {
      put(normal_width(c));
    } else {
      result.push_back(straight_quote(c));
    }
  }
  return result;
}

// CR LF, CR, U+2028 and U+2029 -> LF.
std::u32string repair_line_ends(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    const bool before_lf = i + 1 < text.size() && text[i + 1] == U'\n';
    if (c == U'\r' && before_lf) continue;
    result.push_back(c == U'\r' || c == 0x2028 || c == 0x2029 ? U'\n' : c);
  }
  return result;
}

// The length of a terminal's colour sequence (ESC [ digits and semicolons, letter) or 0.
size_t terminal_sequence(std::u32string_view text) {
  if (!text.starts_with(U"\x1B[")) return 0;
  size_t at = 2;
  while (at < text.size() && ((text[at] >= U'0' && text[at] <= U'9') || text[at] == U';')) ++at;
  if (at == text.size()) return 0;
  const char32_t letter = text[at] | 0x20;
  return letter >= U'a' && letter <= U'z' ? at + 1 : 0;
}

std::u32string drop_controls(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto sequence = terminal_sequence(text.substr(i));
    if (sequence == 0 && !is_dropped_control(text[i])) result.push_back(text[i]);
    i += std::max<size_t>(sequence, 1);
  }
  return result;
}

std::u32string repair_line(std::u32string text, bool unescape) {
  for (int round = 0; round < kMostRounds; ++round) {
    const auto before = text;
    if (unescape) text = unescape_closed_html(text);
    text = repair_mojibake(text);
    text = compose(drop_controls(repair_line_ends(repair_characters(text))));
    if (text == before) return text;
  }
  throw base::Error(
      base::Fault::invalid,
      base::text("the prompt has HTML escapes of escapes, more than ", kMostRounds, " deep"));
}

}  // namespace

std::u32string repair(std::u32string_view text) {
  std::u32string result;
  bool unescape = true;  // until the first '<': what follows may be HTML that is meant as such
  while (!text.empty()) {
    const auto line = text.substr(0, text.find(U'\n'));
    const auto length = std::min(line.size() + 1, text.size());
    unescape = unescape && line.find(U'<') == std::u32string_view::npos;
    result += repair_line(std::u32string(text.substr(0, length)), unescape);
    text.remove_prefix(length);
  }
  return result;
}

}  // namespace text
