// SPDX-License-Identifier: Apache-2.0
// The video transformer on the cases of goldens/dit, one sample after the other: padding and the
// other samples of a batch have no influence.
#include "base/error.h"
#include "base/text.h"
#include "parity/configs.h"
#include "weights/recognise.h"
#include "weights/tensor_set.h"

namespace parity {
namespace {

using base::text;

Tensor run_sample(const Case& c, const models::Dit& dit, int64_t i) {
  auto x_1CFHW = c.in(text("x_", i)).unsqueeze(0);
  const auto y = text("y_", i);
  if (c.has(y)) x_1CFHW = torch::cat({x_1CFHW, c.in(y).unsqueeze(0)}, 1);

  const auto text_LC = c.in(text("context_", i));
  Tensor clip_1IC;
  if (dit.spec.clip_dim > 0) {
    // First and last image of a sample follow each other.
    const int64_t images = dit.spec.image_tokens > 0 ? 2 : 1;
    clip_1IC = c.in("clip_fea").narrow(0, i * images, images).flatten(0, 1).unsqueeze(0);
  }
  const auto context = dit.prepare(text_LC.unsqueeze(0), {text_LC.size(0)}, clip_1IC);

  // Per-token timesteps are padded to seq_len as the reference's tokens are.
  auto t_BT = c.in("t").narrow(0, i, 1);
  if (t_BT.dim() == 2) {
    t_BT = t_BT.narrow(1, 0, x_1CFHW.size(2) * x_1CFHW.size(3) * x_1CFHW.size(4) / 4);
  }
  return dit(x_1CFHW, t_BT, context).squeeze(0);
}

Outputs run_all(const Case& c, models::Weights w) {
  const auto dit = dit_of(c.config, std::move(w));
  Outputs outputs;
  for (int64_t i = 0; c.has(text("x_", i)); ++i) {
    outputs[text("out.x_", i)] = run_sample(c, dit, i);
  }
  return outputs;
}

// A file in another spelling, under the official names.
models::Weights renamed(const Case& c, const std::filesystem::path& file) {
  auto parts = weights::recognise(weights::read_tensor_file(file));
  if (parts.size() != 1) {
    throw base::Error(base::Fault::invalid, text(file.string(), " is not one network"));
  }
  return {std::move(parts.front().tensors),
          file.string(),
          {.device = c.options.device, .matrices = torch::kFloat32}};
}

}  // namespace

Outputs run_dit(const Case& c) {
  auto outputs = run_all(c, c.weights());
  const auto diffusers = c.folder / "weights_diffusers.safetensors";
  if (!std::filesystem::exists(diffusers)) return outputs;
  for (const auto& [name, again] : run_all(c, renamed(c, diffusers))) {
    // The same values at other addresses may take another path through a matrix product, so the
    // last bit is not the same: both spellings are held against the reference.
    const auto& limit = c.tolerance.at(name);
    const auto want = c.tensors.at(name).to(again.device());
    if (!torch::allclose(again, want, limit.at("rtol"), limit.at("atol"))) {
      throw base::Error(base::Fault::invalid,
                        text(diffusers.string(), " does not give the expected ", name));
    }
  }
  return outputs;
}

}  // namespace parity
