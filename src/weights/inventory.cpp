// SPDX-License-Identifier: Apache-2.0
// Follows the constructors in wan/modules/{model,t5,clip,vae2_1,vae2_2}.py.
#include "weights/inventory.h"

#include <array>
#include <set>

#include "base/error.h"
#include "base/text.h"

namespace weights {
namespace {

using base::text;

constexpr std::array<int64_t, 3> kPatch = {1, 2, 2};
constexpr int64_t kPatchVolume = 4;
constexpr int64_t kRgb = 3;
constexpr int64_t kPatchifiedRgb = 12;  // the 2.2 VAE folds 2x2 pixels into channels
constexpr size_t kNamesInAnError = 5;

// Collects tensors below a prefix.
class List {
 public:
  void add(std::string name, std::vector<int64_t> shape) {
    tensors_.push_back({std::move(name), std::move(shape)});
  }

  void linear(const std::string& name, int64_t in, int64_t out) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }

  void norm(const std::string& name, int64_t width) {
    add(name + ".weight", {width});
    add(name + ".bias", {width});
  }

  // `kernel` is [3, 3, 3] for a video convolution, [3, 3] for one frame by frame.
  void convolution(const std::string& name,
                   int64_t in,
                   int64_t out,
                   std::span<const int64_t> kernel) {
    std::vector<int64_t> shape = {out, in};
    shape.insert(shape.end(), kernel.begin(), kernel.end());
    add(name + ".weight", std::move(shape));
    add(name + ".bias", {out});
  }

  std::vector<ExpectedTensor> take() { return std::move(tensors_); }

 private:
  std::vector<ExpectedTensor> tensors_;
};

// ── dit ─────────────────────────────────────────────────────────────────────────────────────────

void add_attention(List& list, const std::string& name, int64_t dim) {
  for (const char* part : {".q", ".k", ".v", ".o"}) list.linear(name + part, dim, dim);
  list.add(name + ".norm_q.weight", {dim});
  list.add(name + ".norm_k.weight", {dim});
}

void add_block(List& list, const std::string& name, const specs::DitSpec& spec) {
  const int64_t dim = spec.dim;
  list.add(name + ".modulation", {1, 6, dim});
  add_attention(list, name + ".self_attn", dim);
  if (spec.cross_attn_norm) list.norm(name + ".norm3", dim);
  add_attention(list, name + ".cross_attn", dim);
  if (spec.clip_dim > 0) {
    list.linear(name + ".cross_attn.k_img", dim, dim);
    list.linear(name + ".cross_attn.v_img", dim, dim);
    list.add(name + ".cross_attn.norm_k_img.weight", {dim});
  }
  list.linear(name + ".ffn.0", dim, spec.ffn_dim);
  list.linear(name + ".ffn.2", spec.ffn_dim, dim);
}

// ── vae ─────────────────────────────────────────────────────────────────────────────────────────

constexpr std::array<int64_t, 3> kKernel3 = {3, 3, 3};
constexpr std::array<int64_t, 3> kKernel1 = {1, 1, 1};
constexpr std::array<int64_t, 3> kTime3 = {3, 1, 1};
constexpr std::array<int64_t, 2> kSpace3 = {3, 3};
constexpr std::array<int64_t, 2> kSpace1 = {1, 1};

void add_residual(List& list, const std::string& name, int64_t in, int64_t out) {
  list.add(name + ".residual.0.gamma", {in, 1, 1, 1});
  list.convolution(name + ".residual.2", in, out, kKernel3);
  list.add(name + ".residual.3.gamma", {out, 1, 1, 1});
  list.convolution(name + ".residual.6", out, out, kKernel3);
  if (in != out) list.convolution(name + ".shortcut", in, out, kKernel1);
}

void add_middle(List& list, const std::string& name, int64_t width) {
  add_residual(list, name + ".0", width, width);
  list.add(name + ".1.norm.gamma", {width, 1, 1});
  list.convolution(name + ".1.to_qkv", width, 3 * width, kSpace1);
  list.convolution(name + ".1.proj", width, width, kSpace1);
  add_residual(list, name + ".2", width, width);
}

void add_head(List& list, const std::string& name, int64_t in, int64_t out) {
  list.add(name + ".0.gamma", {in, 1, 1, 1});
  list.convolution(name + ".2", in, out, kKernel3);
}

// Names modules one after the other: flat in 2.1 (downsamples.3), in groups in 2.2
// (downsamples.1.downsamples.0).
class StageNames {
 public:
  StageNames(std::string folder, specs::VaeKind kind) : folder_(std::move(folder)), kind_(kind) {}

  void begin_stage(int stage) {
    stage_ = stage;
    in_stage_ = 0;
  }

  std::string next() {
    if (kind_ == specs::VaeKind::vae21) return text(folder_, ".", flat_++);
    const auto last = folder_.substr(folder_.find('.') + 1);
    return text(folder_, ".", stage_, ".", last, ".", in_stage_++);
  }

 private:
  std::string folder_;
  specs::VaeKind kind_;
  int flat_ = 0, stage_ = 0, in_stage_ = 0;
};

void add_encoder(List& list, const specs::VaeSpec& spec) {
  const int64_t dim = spec.dim;
  const std::array<int64_t, 5> widths = {dim, dim, 2 * dim, 4 * dim, 4 * dim};
  const bool is_22 = spec.kind == specs::VaeKind::vae22;
  list.convolution("encoder.conv1", is_22 ? kPatchifiedRgb : kRgb, dim, kKernel3);
  StageNames names("encoder.downsamples", spec.kind);
  for (int stage = 0; stage < 4; ++stage) {
    names.begin_stage(stage);
    const int64_t out = widths[stage + 1];
    add_residual(list, names.next(), widths[stage], out);
    add_residual(list, names.next(), out, out);
    if (stage == 3) continue;
    const auto down = names.next();
    list.convolution(down + ".resample.1", out, out, kSpace3);
    if (stage > 0) list.convolution(down + ".time_conv", out, out, kTime3);
  }
  add_middle(list, "encoder.middle", 4 * dim);
  add_head(list, "encoder.head", 4 * dim, 2 * int64_t{spec.z_dim});
}

void add_decoder(List& list, const specs::VaeSpec& spec) {
  const int64_t dim = spec.decoder_dim;
  const std::array<int64_t, 5> widths = {4 * dim, 4 * dim, 4 * dim, 2 * dim, dim};
  const bool is_22 = spec.kind == specs::VaeKind::vae22;
  list.convolution("decoder.conv1", spec.z_dim, 4 * dim, kKernel3);
  add_middle(list, "decoder.middle", 4 * dim);
  StageNames names("decoder.upsamples", spec.kind);
  for (int stage = 0; stage < 4; ++stage) {
    names.begin_stage(stage);
    // The resampler of 2.1 halves the width, that of 2.2 keeps it.
    const int64_t in = is_22 || stage == 0 ? widths[stage] : widths[stage] / 2;
    const int64_t out = widths[stage + 1];
    add_residual(list, names.next(), in, out);
    add_residual(list, names.next(), out, out);
    add_residual(list, names.next(), out, out);
    if (stage == 3) continue;
    const auto up = names.next();
    list.convolution(up + ".resample.1", out, is_22 ? out : out / 2, kSpace3);
    if (stage < 2) list.convolution(up + ".time_conv", out, 2 * out, kTime3);
  }
  add_head(list, "decoder.head", dim, is_22 ? kPatchifiedRgb : kRgb);
}

// ── complaints ──────────────────────────────────────────────────────────────────────────────────

std::string shape_text(const std::vector<int64_t>& shape) {
  return text("[", base::join(shape, ", "), "]");
}

// Keeps the first few of one sort and counts the rest.
class Complaints {
 public:
  void add(std::string complaint) {
    if (++count_ <= kNamesInAnError) shown_.push_back(std::move(complaint));
  }

  void report(std::string_view sort, std::vector<std::string>& lines) const {
    if (count_ == 0) return;
    const auto more = count_ - shown_.size();
    lines.push_back(
        text(sort, base::join(shown_, ", "), more > 0 ? text(" and ", more, " more") : ""));
  }

 private:
  std::vector<std::string> shown_;
  size_t count_ = 0;
};

}  // namespace

std::vector<ExpectedTensor> tensors_of(const specs::DitSpec& spec) {
  List list;
  const int64_t dim = spec.dim;
  list.convolution("patch_embedding", spec.in_dim, dim, kPatch);
  list.linear("text_embedding.0", spec.text_dim, dim);
  list.linear("text_embedding.2", dim, dim);
  list.linear("time_embedding.0", spec.freq_dim, dim);
  list.linear("time_embedding.2", dim, dim);
  list.linear("time_projection.1", dim, 6 * dim);
  for (int i = 0; i < spec.num_layers; ++i) add_block(list, text("blocks.", i), spec);
  list.linear("head.head", dim, kPatchVolume * spec.out_dim);
  list.add("head.modulation", {1, 2, dim});
  if (spec.clip_dim > 0) {
    list.norm("img_emb.proj.0", spec.clip_dim);
    list.linear("img_emb.proj.1", spec.clip_dim, spec.clip_dim);
    list.linear("img_emb.proj.3", spec.clip_dim, dim);
    list.norm("img_emb.proj.4", dim);
    if (spec.image_tokens > 0) list.add("img_emb.emb_pos", {1, spec.image_tokens, spec.clip_dim});
  }
  return list.take();
}

std::vector<ExpectedTensor> tensors_of(const specs::Umt5Spec& spec) {
  List list;
  list.add("token_embedding.weight", {spec.vocab, spec.dim});
  for (int i = 0; i < spec.num_layers; ++i) {
    const auto name = text("blocks.", i);
    list.add(name + ".norm1.weight", {spec.dim});
    for (const char* part : {".attn.q", ".attn.k", ".attn.v"}) {
      list.add(name + part + ".weight", {spec.dim_attn, spec.dim});
    }
    list.add(name + ".attn.o.weight", {spec.dim, spec.dim_attn});
    list.add(name + ".norm2.weight", {spec.dim});
    list.add(name + ".ffn.gate.0.weight", {spec.dim_ffn, spec.dim});
    list.add(name + ".ffn.fc1.weight", {spec.dim_ffn, spec.dim});
    list.add(name + ".ffn.fc2.weight", {spec.dim, spec.dim_ffn});
    list.add(name + ".pos_embedding.embedding.weight", {spec.num_buckets, spec.num_heads});
  }
  list.add("norm.weight", {spec.dim});
  return list.take();
}

std::vector<ExpectedTensor> tensors_of(const specs::VaeSpec& spec) {
  List list;
  const int64_t z = spec.z_dim;
  add_encoder(list, spec);
  list.convolution("conv1", 2 * z, 2 * z, kKernel1);
  list.convolution("conv2", z, z, kKernel1);
  add_decoder(list, spec);
  return list.take();
}

std::vector<ExpectedTensor> tensors_of(const specs::ClipSpec& spec) {
  List list;
  const int64_t grid = spec.image_size / spec.patch_size;
  list.add("visual.cls_embedding", {1, 1, spec.dim});
  list.add("visual.pos_embedding", {1, grid * grid + 1, spec.dim});
  list.add("visual.patch_embedding.weight", {spec.dim, kRgb, spec.patch_size, spec.patch_size});
  list.norm("visual.pre_norm", spec.dim);
  for (int i = 0; i < spec.num_layers; ++i) {
    const auto name = text("visual.transformer.", i);
    list.norm(name + ".norm1", spec.dim);
    list.linear(name + ".attn.to_qkv", spec.dim, 3 * int64_t{spec.dim});
    list.linear(name + ".attn.proj", spec.dim, spec.dim);
    list.norm(name + ".norm2", spec.dim);
    list.linear(name + ".mlp.0", spec.dim, spec.mlp_dim);
    list.linear(name + ".mlp.2", spec.mlp_dim, spec.dim);
  }
  return list.take();
}

int64_t count_parameters(std::span<const ExpectedTensor> tensors) {
  int64_t total = 0;
  for (const auto& tensor : tensors) {
    int64_t count = 1;
    for (const auto size : tensor.shape) count *= size;
    total += count;
  }
  return total;
}

uint64_t published_bytes(const specs::ModelSpec& model) {
  const auto parameters = [](const auto& spec) {
    return static_cast<uint64_t>(count_parameters(tensors_of(spec)));
  };
  const uint64_t networks = model.boundary > 0 ? 2 : 1;
  return 4 * (networks * parameters(model.dit) + parameters(model.vae)) +
         2 * parameters(model.umt5);
}

void check_tensors(const TensorMap& tensors,
                   std::span<const ExpectedTensor> expected,
                   const std::string& origin) {
  Complaints missing, shapes, types, left;
  std::set<std::string_view> known;
  for (const auto& [name, shape] : expected) {
    known.insert(name);
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      missing.add(name);
      continue;
    }
    const auto& view = found->second;
    if (view.shape != shape) {
      shapes.add(text(name, " has shape ", view.shape_text(), ", expected ", shape_text(shape)));
    }
    if (!is_floating(view.dtype) && view.scale == nullptr) {
      types.add(text(name, " is ", name_of(view.dtype), ", expected a float type"));
    }
  }
  for (const auto& [name, view] : tensors) {
    if (!known.contains(name)) left.add(name);
  }
  std::vector<std::string> lines;
  missing.report("no tensor ", lines);
  shapes.report("tensor ", lines);
  types.report("tensor ", lines);
  left.report("belonging to no part of the model: ", lines);
  if (lines.empty()) return;
  throw base::Error(base::Fault::invalid, text(origin, ": ", base::join(lines, "; ")));
}

}  // namespace weights
