// SPDX-License-Identifier: Apache-2.0
#include "text/normalizer.h"

#include <array>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "text/charsmap.h"
#include "text/utf8.h"

namespace text {
namespace {

[[noreturn]] void refuse(std::string_view origin, std::string_view part, const base::Json& step) {
  throw base::Error(
      base::Fault::invalid,
      base::text(origin, ": ", part, " ", step.dump().substr(0, 200), " is not supported"));
}

std::string decode_base64(std::string_view source, std::string_view origin) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  bytes.reserve(source.size() / 4 * 3);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : source.substr(0, source.find('='))) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) {
      throw base::Error(base::Fault::invalid,
                        base::text(origin, ": precompiled_charsmap is not base64"));
    }
    bits = bits << 6 | static_cast<uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<char>(bits >> held & 0xFF));
  }
  return bytes;
}

std::string replace_all(std::string_view in, std::string_view what, std::string_view with) {
  std::string result;
  for (;;) {
    const auto at = in.find(what);
    result += in.substr(0, at);
    if (at == std::string_view::npos) return result;
    result += with;
    in.remove_prefix(at + what.size());
  }
}

// Runs of two and more spaces.
std::string replace_space_runs(std::string_view in, std::string_view with) {
  std::string result;
  while (!in.empty()) {
    const auto run = std::min(in.find_first_not_of(' '), in.size());
    if (run >= 2) result += with;
    if (run == 1) result += ' ';
    in.remove_prefix(run);
    const auto other = std::min(in.find(' '), in.size());
    result += in.substr(0, other);
    in.remove_prefix(other);
  }
  return result;
}

std::string strip(std::string_view in, bool left, bool right) {
  size_t begin = in.size(), end = 0;
  for (size_t at = 0; at < in.size();) {
    const auto character = next_character(in.substr(at));
    if (!is_space(character.value)) {
      begin = std::min(begin, at);
      end = at + character.bytes;
    }
    at += character.bytes;
  }
  if (!left) begin = 0;
  if (!right) end = in.size();
  return std::string(in.substr(begin, begin < end ? end - begin : 0));
}

}  // namespace

Normalizer::Normalizer(const base::Json& normalizer, std::string_view origin) {
  if (!normalizer.is_null()) add(normalizer, origin);
}

std::string Normalizer::operator()(std::string_view valid) const {
  std::string result(valid);
  for (const auto& step : steps_) result = step(result);
  return result;
}

void Normalizer::add(const base::Json& step, std::string_view origin) {
  const auto type = step.value("type", "");
  if (type == "Sequence") {
    for (const auto& inner : step.at("normalizers")) add(inner, origin);
  } else if (type == "Precompiled") {
    const auto& table = step.at("precompiled_charsmap").get_ref<const std::string&>();
    if (table.empty()) return;
    const auto charsmap = std::make_shared<Charsmap>(decode_base64(table, origin), origin);
    steps_.push_back([charsmap](std::string_view in) { return charsmap->normalize(in); });
  } else if (type == "Strip") {
    steps_.push_back([left = step.at("strip_left").get<bool>(),
                      right = step.at("strip_right").get<bool>()](std::string_view in) {
      return strip(in, left, right);
    });
  } else if (type == "Replace" && step.at("pattern").value("Regex", "") == " {2,}") {
    steps_.push_back([with = step.at("content").get<std::string>()](std::string_view in) {
      return replace_space_runs(in, with);
    });
  } else if (type == "Replace" && !step.at("pattern").value("String", "").empty()) {
    steps_.push_back([what = step.at("pattern").at("String").get<std::string>(),
                      with = step.at("content").get<std::string>()](std::string_view in) {
      return replace_all(in, what, with);
    });
  } else {
    refuse(origin, "normalizer", step);
  }
}

PreTokenizer::PreTokenizer(const base::Json& pre_tokenizer, std::string_view origin) {
  if (!pre_tokenizer.is_null()) add(pre_tokenizer, origin);
}

void PreTokenizer::add(const base::Json& step, std::string_view origin) {
  const auto type = step.value("type", "");
  if (type == "Sequence") {
    for (const auto& inner : step.at("pretokenizers")) add(inner, origin);
  } else if (type == "WhitespaceSplit" && !has_metaspace_) {
    splits_at_spaces_ = true;
  } else if (type == "Metaspace" && !has_metaspace_) {
    has_metaspace_ = true;
    mark_ = step.at("replacement").get<std::string>();
    splits_at_mark_ = step.value("split", true);
    const auto scheme = step.value("prepend_scheme", "");
    if (scheme == "never" || (scheme.empty() && !step.value("add_prefix_space", true))) {
      prefix_ = Prefix::never;
    } else if (scheme == "first") {
      prefix_ = Prefix::first;
    } else if (!scheme.empty() && scheme != "always") {
      refuse(origin, "pre_tokenizer", step);
    }
  } else {
    refuse(origin, "pre_tokenizer", step);
  }
}

std::vector<std::string> PreTokenizer::operator()(std::string_view valid, bool at_start) const {
  std::vector<std::string> words;
  if (!splits_at_spaces_) {
    append_words(valid, at_start, words);
    return words;
  }
  size_t begin = 0;
  for (size_t at = 0; at < valid.size();) {
    const auto character = next_character(valid.substr(at));
    if (is_space(character.value)) {
      append_words(valid.substr(begin, at - begin), at_start && begin == 0, words);
      begin = at + character.bytes;
    }
    at += character.bytes;
  }
  append_words(valid.substr(begin), at_start && begin == 0, words);
  return words;
}

void PreTokenizer::append_words(std::string_view chunk,
                                bool is_first,
                                std::vector<std::string>& words) const {
  if (chunk.empty()) return;
  if (!has_metaspace_) {
    words.emplace_back(chunk);
    return;
  }
  auto marked = replace_all(chunk, " ", mark_);
  const bool prefixes = prefix_ == Prefix::always || (prefix_ == Prefix::first && is_first);
  if (prefixes && !marked.starts_with(mark_)) marked.insert(0, mark_);
  if (!splits_at_mark_) {
    words.push_back(std::move(marked));
    return;
  }
  // A mark begins a word: it is merged with what follows it.
  for (size_t begin = 0; begin < marked.size();) {
    const auto end = std::min(marked.find(mark_, begin + 1), marked.size());
    words.push_back(marked.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace text
