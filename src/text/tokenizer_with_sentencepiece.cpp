// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include <sentencepiece_processor.h>

#include "base/error.h"
#include "base/text.h"
#include "text/tokenizer.h"

namespace text {
namespace {

using sentencepiece::SentencePieceProcessor;

std::vector<int64_t> pieces_of(const SentencePieceProcessor& model, std::string_view cleaned) {
  std::vector<int> ids;
  const auto status = model.Encode({cleaned.data(), cleaned.size()}, &ids);
  if (!status.ok()) {
    throw base::Error(base::Fault::internal, "the prompt was not tokenized", status.ToString());
  }
  return {ids.begin(), ids.end()};
}

}  // namespace

Tokenizer Tokenizer::from_sentencepiece(std::string_view model, std::string_view origin) {
  const auto processor = std::make_shared<SentencePieceProcessor>();
  const auto status = processor->LoadFromSerializedProto({model.data(), model.size()});
  if (!status.ok() || processor->eos_id() < 0) {
    throw base::Error(base::Fault::invalid,
                      base::text(origin, ": not a SentencePiece model with an end token"),
                      status.ToString());
  }
  return {[processor](std::string_view cleaned) { return pieces_of(*processor, cleaned); },
          processor->eos_id()};
}

}  // namespace text
