// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <memory>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/unigram.h"
#include "text/utf8.h"

namespace text {
namespace {

using base::Json;

// The parts of a tokenizer.json.
struct Parts {
  AddedTokens before_normalizing;
  Normalizer normalize;
  AddedTokens after_normalizing;
  PreTokenizer words_of;
  Unigram unigram;
  int64_t end_token;

  void encode_text(std::string_view stretch, bool at_start, std::vector<int64_t>& ids) const {
    const auto normalized = normalize(stretch);
    for (const auto& [part, token] : after_normalizing.split(normalized)) {
      if (token >= 0) {
        ids.push_back(token);
        continue;
      }
      const bool is_first = at_start && part.data() == normalized.data();
      for (const auto& word : words_of(part, is_first)) unigram.encode(word, ids);
    }
  }

  std::vector<int64_t> encode(std::string_view cleaned) const {
    std::vector<int64_t> ids;
    for (const auto& [stretch, token] : before_normalizing.split(cleaned)) {
      if (token >= 0) {
        ids.push_back(token);
      } else {
        encode_text(stretch, stretch.data() == cleaned.data(), ids);
      }
    }
    return ids;
  }
};

// Reads one file; every complaint names it.
struct Reader {
  std::string origin;

  template <typename... Why>
  [[noreturn]] void refuse(const Why&... why) const {
    throw base::Error(base::Fault::invalid, base::text(origin, ": ", why...));
  }

  Unigram model(const Json& json) const {
    if (json.value("type", "") != "Unigram") {
      refuse("model is ", json.value("type", "not named"), ", expected Unigram");
    }
    if (json.value("byte_fallback", false)) refuse("byte_fallback is not supported");
    std::vector<Unigram::Piece> vocabulary;
    for (const auto& piece : json.at("vocab")) {
      vocabulary.push_back({piece.at(0).get<std::string>(), piece.at(1).get<double>()});
    }
    const auto unknown = json.at("unk_id").get<size_t>();
    if (unknown >= vocabulary.size()) {
      refuse("unk_id ", unknown, " is outside the vocabulary of ", vocabulary.size());
    }
    return {vocabulary, static_cast<int32_t>(unknown)};
  }

  // The added tokens that are looked for before (or after) normalisation.
  AddedTokens added_tokens(const Json& list,
                           bool in_normalized,
                           const Normalizer& normalize) const {
    std::vector<AddedToken> tokens;
    for (const auto& token : list) {
      if (token.value("normalized", false) != in_normalized) continue;
      const auto content = token.at("content").get<std::string>();
      if (token.value("single_word", false)) refuse("single_word of ", content, " not supported");
      tokens.push_back({.content = in_normalized ? normalize(content) : content,
                        .id = token.at("id").get<int64_t>(),
                        .takes_left_space = token.value("lstrip", false),
                        .takes_right_space = token.value("rstrip", false)});
    }
    return AddedTokens(std::move(tokens));
  }

  // The one token that the template puts behind the text.
  int64_t end_token(const Json& processor) const {
    const auto& single = processor.at("single");
    if (processor.value("type", "") != "TemplateProcessing" || single.size() != 2 ||
        !single[0].contains("Sequence") || !single[1].contains("SpecialToken")) {
      refuse("post_processor is not the text followed by one token");
    }
    const auto name = single[1].at("SpecialToken").at("id").get<std::string>();
    const auto& ids = processor.at("special_tokens").at(name).at("ids");
    if (ids.size() != 1) refuse("the end token ", name, " has ", ids.size(), " ids, expected 1");
    return ids[0].get<int64_t>();
  }

  std::shared_ptr<const Parts> parts(const Json& json) const {
    const Normalizer normalize(json.at("normalizer"), origin);
    const auto& added = json.at("added_tokens");
    return std::make_shared<const Parts>(Parts{
        .before_normalizing = added_tokens(added, /*in_normalized=*/false, normalize),
        .normalize = normalize,
        .after_normalizing = added_tokens(added, /*in_normalized=*/true, normalize),
        .words_of = PreTokenizer(json.at("pre_tokenizer"), origin),
        .unigram = model(json.at("model")),
        .end_token = end_token(json.at("post_processor")),
    });
  }
};

}  // namespace

Tokenizer Tokenizer::from_json(const std::filesystem::path& file) {
  const Reader reader{file.string()};
  try {
    const auto parts = reader.parts(base::read_json(file));
    return {[parts](std::string_view cleaned) { return parts->encode(cleaned); }, parts->end_token};
  } catch (const Json::exception& error) {
    reader.refuse("not a tokenizer: ", error.what());
  }
}

#ifndef ZOETROPE_WITH_SENTENCEPIECE
Tokenizer Tokenizer::from_sentencepiece(std::string_view, std::string_view origin) {
  throw base::Error(base::Fault::invalid,
                    base::text(origin,
                               ": this program was built without the sentencepiece library; put a "
                               "tokenizer.json beside the text encoder"));
}
#endif

std::vector<int64_t> Tokenizer::encode(std::string_view cleaned, size_t max_length) const {
  check_utf8(cleaned, "the prompt");
  auto ids = pieces_(cleaned);
  ids.resize(std::min(ids.size(), max_length - 1));
  ids.push_back(end_token_);
  return ids;
}

Tokenizer::Tokenizer(Pieces pieces, int64_t end_token)
    : pieces_(std::move(pieces)), end_token_(end_token) {}

}  // namespace text
