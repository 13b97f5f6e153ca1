// SPDX-License-Identifier: Apache-2.0
// From cleaned text to the token ids of the text encoder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace text {

// Cheap to copy; safe to use from several threads.
class Tokenizer {
 public:
  // text_len of every Wan model (wan/configs/shared_config.py).
  static constexpr size_t kMaxLength = 512;

  // A tokenizer.json with a Unigram model, taken exactly as it is: this is what the official code
  // means. Throws Error(not_found) for a missing file, Error(invalid) naming the file and the part
  // that is damaged or not supported.
  static Tokenizer from_json(const std::filesystem::path& file);

  // The bytes of a spiece.model, through the sentencepiece library, for text encoders that bring
  // only this; `origin` names them in errors. Rare characters give other ids than from_json: the
  // model's byte pieces are used here. Throws Error(invalid) for damaged bytes and where this
  // program was built without the library.
  static Tokenizer from_sentencepiece(std::string_view model, std::string_view origin);

  // Ids of the pieces and the end token, at most `max_length` in all: what does not fit is cut at
  // the right, never the end token. The text is the result of clean(). Throws Error(invalid) for
  // invalid UTF-8.
  std::vector<int64_t> encode(std::string_view cleaned, size_t max_length = kMaxLength) const;

 private:
  using Pieces = std::function<std::vector<int64_t>(std::string_view)>;

  Tokenizer(Pieces pieces, int64_t end_token);

  Pieces pieces_;  // ids without the end token
  int64_t end_token_;
};

}  // namespace text
