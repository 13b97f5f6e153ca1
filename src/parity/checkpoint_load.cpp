// SPDX-License-Identifier: Apache-2.0
// Whole checkpoints in every layout, opened and used; and broken ones, which must be refused.
#include <torch/types.h>

#include "models/dit.h"
#include "models/umt5.h"
#include "models/vae.h"
#include "parity/parity.h"
#include "pipelines/tokenizer_of.h"
#include "text/clean.h"
#include "weights/checkpoint.h"

namespace parity {
namespace {

// The goldens are fp32 arithmetic on the values of the files.
template <typename Spec>
models::Weights cursor(const Case& c, const weights::Part<Spec>& part) {
  return {part.tensors, part.origin, {.device = c.options.device, .matrices = torch::kFloat32}};
}

// The whole folder, or the files of a ComfyUI set.
weights::Checkpoint open(const Case& c) {
  const auto folder = c.checkpoint();
  if (!c.args.contains("files")) return weights::open_checkpoint(folder);
  std::vector<std::filesystem::path> files;
  for (const auto& [part, file] : c.args.at("files").items()) {
    files.push_back(folder / file.get<std::string>());
  }
  return weights::open_checkpoint(files);
}

Tensor run_network(const Case& c, const weights::DitPart& part) {
  auto w = cursor(c, part);
  const models::Dit dit(part.spec, w);
  w.finish();
  const auto text_LC = c.in("context_0");
  const auto context = dit.prepare(text_LC.unsqueeze(0), {text_LC.size(0)});
  return dit(c.in("x_0").unsqueeze(0), c.in("t"), context).squeeze(0);
}

// The ids of every text of the case, and the features of the first.
void add_text(const Case& c, const weights::Checkpoint& checkpoint, Outputs& outputs) {
  const auto tokenizer = pipelines::tokenizer_of(checkpoint);
  constexpr auto kLength = static_cast<int64_t>(text::Tokenizer::kMaxLength);
  std::vector<Tensor> rows, masks;
  for (const auto& prompt : c.args.at("texts")) {
    const auto ids = tokenizer.encode(text::clean(prompt.get<std::string>()));
    const auto count = static_cast<int64_t>(ids.size());
    rows.push_back(torch::constant_pad_nd(torch::tensor(ids), {0, kLength - count}));
    masks.push_back((torch::arange(kLength) < count).to(torch::kInt64));
  }
  outputs["out.ids"] = torch::stack(rows);
  outputs["out.mask"] = torch::stack(masks);

  auto w = cursor(c, *checkpoint.text_encoder);
  const models::Umt5 umt5(checkpoint.text_encoder->spec, w);
  w.finish();
  const auto ids_L = rows[0].slice(0, 0, masks[0].sum().item<int64_t>());
  outputs["out.context_0"] = umt5.encode(ids_L.to(c.options.device));
}

void add_video(const Case& c, const weights::VaePart& part, Outputs& outputs) {
  const models::Vae vae(part.spec, cursor(c, part));
  std::vector<Tensor> groups;
  vae.decode(c.in("z"), [&](const Tensor& frames_CFHW) { groups.push_back(frames_CFHW); });
  outputs["out.video"] = torch::cat(groups, 1);
  outputs["out.latent"] = vae.encode(c.in("video"));
}

void add_networks(const Case& c, const weights::Checkpoint& checkpoint, Outputs& outputs) {
  if (!checkpoint.dit) return;
  const auto first = run_network(c, *checkpoint.dit);
  if (checkpoint.dit_low) {
    outputs["out.high_x_0"] = first;
    outputs["out.low_x_0"] = run_network(c, *checkpoint.dit_low);
  } else {
    outputs["out.x_0"] = first;
  }
}

}  // namespace

Outputs run_checkpoint_load(const Case& c) {
  const auto checkpoint = open(c);
  Outputs outputs;
  if (c.args.value("expect", "") == "error") return outputs;
  add_networks(c, checkpoint, outputs);
  if (checkpoint.vae) add_video(c, *checkpoint.vae, outputs);
  if (checkpoint.text_encoder) add_text(c, checkpoint, outputs);
  return outputs;
}

}  // namespace parity
