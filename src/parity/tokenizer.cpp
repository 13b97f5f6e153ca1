// SPDX-License-Identifier: Apache-2.0
// Module tokenizer: every text of the case is cleaned, compared with what it should be, and
// tokenised by tokenizer.json and by spiece.model.
#include "text/tokenizer.h"

#include <torch/types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "parity/parity.h"
#include "text/clean.h"

namespace parity {
namespace {

constexpr size_t kLargestModel = 64u << 20;

std::vector<std::string> clean_all(const base::Json& args) {
  const auto texts = args.at("texts").get<std::vector<std::string>>();
  const auto wanted = args.at("cleaned").get<std::vector<std::string>>();
  std::vector<std::string> cleaned;
  for (size_t i = 0; i < texts.size(); ++i) {
    cleaned.push_back(text::clean(texts[i]));
    if (cleaned[i] == wanted.at(i)) continue;
    throw base::Error(
        base::Fault::internal,
        base::text("text ", i, " became \"", cleaned[i], "\", expected \"", wanted[i], "\""));
  }
  return cleaned;
}

// [texts, length], the ids of each text and zeros behind them.
Tensor ids_of_all(const text::Tokenizer& tokenizer,
                  const std::vector<std::string>& texts,
                  size_t length) {
  std::vector<Tensor> rows;
  for (const auto& cleaned : texts) {
    auto ids = tokenizer.encode(cleaned, length);
    ids.resize(length, 0);
    rows.push_back(torch::tensor(ids));
  }
  return torch::stack(rows);
}

}  // namespace

Outputs run_tokenizer(const Case& c) {
  const auto length = c.config.at("seq_len").get<size_t>();
  const auto texts = clean_all(c.args);
  const auto folder = c.checkpoint();
  Outputs outputs;
  const auto fast = text::Tokenizer::from_json(folder / "tokenizer.json");
  outputs["out.ids"] = ids_of_all(fast, texts, length);
  // The id of <pad> is 0 in every vocabulary, also where the text contains it; so the mask is
  // counted, not compared with 0.
  std::vector<Tensor> masks;
  for (const auto& cleaned : texts) {
    const auto count = static_cast<int64_t>(fast.encode(cleaned, length).size());
    masks.push_back((torch::arange(static_cast<int64_t>(length)) < count).to(torch::kInt64));
  }
  outputs["out.mask"] = torch::stack(masks);
  const auto model = base::read_file(folder / "spiece.model", kLargestModel);
  const auto origin = (folder / "spiece.model").string();
  outputs["out.spm_ids"] =
      ids_of_all(text::Tokenizer::from_sentencepiece(model, origin), texts, length);
  return outputs;
}

}  // namespace parity
