// SPDX-License-Identifier: Apache-2.0
// B batch, L tokens, D width of a feature
#include "toyworld/train_text.h"

#include <torch/types.h>

#include "base/text.h"
#include "models/umt5.h"
#include "toyworld/batch.h"
#include "toyworld/networks.h"
#include "toyworld/probes.h"
#include "toyworld/tokens.h"

namespace toyworld {
namespace {

constexpr int64_t kStepsPerLine = 100;

// The answers to one question about a concept; the last answer is "there is none".
struct Question {
  const char* name;
  int64_t answers;
  int64_t (*answer)(const Concept&);
};

constexpr Question kQuestions[] = {
    {"colour", kColours.size(), [](const Concept& c) -> int64_t { return c.colour; }},
    {"shape", kWorldShapes, [](const Concept& c) { return static_cast<int64_t>(c.shape); }},
    {"background", kBackgrounds.size(), [](const Concept& c) -> int64_t { return c.background; }},
    {"motion", kMotions.size(), [](const Concept& c) { return static_cast<int64_t>(c.motion); }}};

std::string probe_name(const char* question) {
  return base::text(kProbe, question);
}

NamedTensors with_probes(const specs::Umt5Spec& spec) {
  auto tensors = new_umt5(spec);
  const auto probe = [&](const char* name, int64_t answers) {
    tensors[probe_name(name)] = torch::zeros({answers, spec.dim}).requires_grad_(true);
  };
  for (const auto& question : kQuestions) probe(question.name, question.answers + 1);
  probe("token", spec.vocab);
  return tensors;
}

bool by_muon(std::string_view name) {
  return name.starts_with("blocks.") &&
         (name.find(".attn.") != name.npos || name.find(".ffn.") != name.npos);
}

struct Loss {
  Tensor total;
  double right = 0;  // share of (token, question) pairs answered correctly
};

Loss loss_of(const models::Umt5& umt5, const NamedTensors& tensors, const Sentences& sentences) {
  const auto device = umt5.placement.device;
  const Tokens tokens = tokenise(sentences.prompts).to(device);
  const auto real_BL = tokens.mask_BL;
  const auto features_ND = umt5.encode_batch(tokens.ids_BL, real_BL).index({real_BL});
  const auto ask = [&](const char* name) {
    return torch::linear(features_ND, tensors.at(probe_name(name)));
  };
  Loss loss;
  loss.total = torch::cross_entropy_loss(ask("token"), tokens.ids_BL.index({real_BL}));
  for (const auto& question : kQuestions) {
    std::vector<int64_t> answers;
    for (size_t i = 0; i < sentences.concepts.size(); ++i) {
      answers.push_back(sentences.is_prompt[i] ? question.answer(sentences.concepts[i])
                                               : question.answers);
    }
    const auto answer_BL =
        torch::tensor(answers, torch::kInt64).to(device).unsqueeze(1).expand_as(tokens.ids_BL);
    const auto answer_N = answer_BL.index({real_BL});
    const auto logits = ask(question.name);
    loss.total = loss.total + torch::cross_entropy_loss(logits, answer_N);
    loss.right += logits.argmax(1).eq(answer_N).to(torch::kFloat32).mean().item<double>() / 4;
  }
  return loss;
}

}  // namespace

void train_text(const specs::Umt5Spec& spec, const RunSettings& settings) {
  torch::manual_seed(settings.seed);
  const auto tensors = as_leaves(with_probes(spec), settings.device);
  const models::Umt5 umt5(
      spec,
      models::Weights(
          without_probes(tensors), "text encoder in training", {settings.device, torch::kFloat32}));
  Optimizer optimizer(tensors, by_muon, {.average = 0.99});
  Run run(settings, optimizer);
  double total = 0, right = 0;
  while (!run.is_complete()) {
    const auto loss =
        loss_of(umt5, tensors, draw_sentences(settings.seed, run.next_step(), settings.batch));
    loss.total.backward();
    run.finish_step();
    total += loss.total.item<double>() / kStepsPerLine;
    right += loss.right / kStepsPerLine;
    if (run.next_step() % kStepsPerLine != 0) continue;
    run.log(base::text("step ", run.next_step(), "  loss ", total, "  answers right ", right));
    total = right = 0;
  }
}

}  // namespace toyworld
