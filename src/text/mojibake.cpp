// SPDX-License-Identifier: Apache-2.0
#include "text/mojibake.h"

#include <algorithm>
#include <optional>

#include "text/utf8.h"
#include "text/windows_1252.h"

namespace text {
namespace {

// Characters of the text that are, as bytes, one UTF-8 character.
struct Sequence {
  size_t length = 0;  // in characters of the text
  char32_t meaning = 0;
  bool is_certain = false;  // nobody writes these characters side by side
};

// What people write behind an accented letter: the end of a quotation, a dash, a mark.
bool is_mark(char32_t c) {
  constexpr std::u32string_view kMarks =
      U"\u00A0\u00A9\u00AB\u00AE\u00B0\u00B7\u00BB\u2013\u2014\u2018\u2019\u201A\u201C\u201D\u201E"
      U"\u2022\u2026\u2039\u203A\u2122";
  return kMarks.find(c) != std::u32string_view::npos;
}

// Letters, digits and units, which also stand behind a letter or a multiplication sign.
bool is_letter_or_digit(char32_t c) {
  constexpr std::u32string_view kOnes =
      U"\u0160\u0161\u0152\u0153\u017D\u017E\u0178\u0192\u00A2\u00A3\u00A5\u00A7\u00B2\u00B3\u00B5"
      U"\u00B9\u00BC\u00BD\u00BE";
  return kOnes.find(c) != std::u32string_view::npos;
}

// Whether UTF-8 that begins so is certain whatever follows: Latin-1 letters and marks, Greek,
// Cyrillic, general punctuation, full-width forms, emoji.
bool is_certain_lead(char32_t lead) {
  constexpr std::u32string_view kLeads = U"\u00C2\u00C3\u00CE\u00CF\u00D0\u00D1\u00E2\u00EF\u00F0";
  return kLeads.find(lead) != std::u32string_view::npos;
}

// Marks that also stand before a small letter: an apostrophe, a trade mark.
bool joins_words(char32_t mark) {
  constexpr std::u32string_view kMarks = U"\u00A9\u00AE\u2018\u2019\u2122";
  return kMarks.find(mark) != std::u32string_view::npos;
}

// Whether somebody may have meant to write `read`, before what is in `rest`.
bool may_be_meant(std::u32string_view read, std::u32string_view rest) {
  if (read == U"\u00C3\u2026") return true;  // Portuguese capitals and an ellipsis
  if (is_certain_lead(read[0])) return false;
  const bool inside_a_word = !rest.empty() && rest[0] >= U'a' && rest[0] <= U'z';
  if (inside_a_word && !joins_words(read.back())) return false;
  if (read.size() == 2 && is_letter_or_digit(read[1])) return true;
  return std::ranges::all_of(read.substr(1), is_mark);
}

std::optional<Sequence> sequence_at(std::u32string_view text) {
  std::string bytes;
  const size_t longest = std::min<size_t>(text.size(), 4);
  for (size_t length = 1; length <= longest; ++length) {
    const auto byte = byte_of(text[length - 1]);
    if (!byte || *byte < (length == 1 ? 0xC2 : 0x80)) return std::nullopt;
    bytes.push_back(static_cast<char>(*byte));
    const auto character = length == 1 ? std::nullopt : first_character(bytes);
    if (!character) continue;
    const bool meant = may_be_meant(text.substr(0, length), text.substr(length));
    return Sequence{length, character->value, !meant};
  }
  return std::nullopt;
}

// "à" whose second byte, the no-break space, has become a space; it also was the space between two
// words where there is no other.
bool is_lost_a_grave(std::u32string_view text) {
  return text.starts_with(U"\u00C3 ");
}

struct Survey {
  bool has_certain = false;
  bool is_whole = true;  // every character beyond ASCII belongs to a sequence
};

Survey survey(std::u32string_view text) {
  Survey result;
  for (size_t at = 0; at < text.size();) {
    const auto sequence = sequence_at(text.substr(at));
    if (sequence) result.has_certain = result.has_certain || sequence->is_certain;
    const bool is_plain = text[at] < 0x80 || is_lost_a_grave(text.substr(at));
    if (!sequence && !is_plain) result.is_whole = false;
    at += sequence ? sequence->length : 1;
  }
  return result;
}

std::u32string decode_once(std::u32string_view text) {
  const auto found = survey(text);
  if (!found.has_certain) return std::u32string(text);
  std::u32string result;
  for (size_t at = 0; at < text.size();) {
    const auto rest = text.substr(at);
    const auto sequence = sequence_at(rest);
    if (sequence && (found.is_whole || sequence->is_certain)) {
      result.push_back(sequence->meaning);
      at += sequence->length;
    } else if (found.is_whole && is_lost_a_grave(rest)) {
      result.push_back(U'\u00E0');
      at += rest.substr(2).starts_with(U' ') ? 2 : 1;
    } else {
      result.push_back(text[at++]);
    }
  }
  return result;
}

}  // namespace

std::u32string repair_mojibake(std::u32string_view text) {
  std::u32string result(text);
  for (;;) {  // each pass makes the text shorter
    auto decoded = decode_once(result);
    if (decoded.size() == result.size()) return decoded;
    result = std::move(decoded);
  }
}

}  // namespace text
