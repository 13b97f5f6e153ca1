// SPDX-License-Identifier: Apache-2.0
#include "pipelines/tokenizer_of.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

namespace pipelines {
namespace {

constexpr size_t kLargestModel = 64u << 20;  // the released one has 4.5 MB

}  // namespace

text::Tokenizer tokenizer_of(const weights::Checkpoint& checkpoint) {
  if (!checkpoint.tokenizer.empty()) {
    const auto json = checkpoint.tokenizer / "tokenizer.json";
    if (std::filesystem::exists(json)) return text::Tokenizer::from_json(json);
    const auto model = checkpoint.tokenizer / "spiece.model";
    return text::Tokenizer::from_sentencepiece(base::read_file(model, kLargestModel),
                                               model.string());
  }
  if (checkpoint.text_encoder && checkpoint.text_encoder->tokenizer) {
    const auto bytes = checkpoint.text_encoder->tokenizer->bytes;
    return text::Tokenizer::from_sentencepiece(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
        base::text(checkpoint.text_encoder->origin, ": spiece_model"));
  }
  throw base::Error(base::Fault::invalid,
                    "the checkpoint has no tokenizer: no google/umt5-xxl, no tokenizer folder");
}

}  // namespace pipelines
