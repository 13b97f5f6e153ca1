// SPDX-License-Identifier: Apache-2.0
#include "weights/detect.h"

#include <cmath>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace weights {
namespace {

using base::text;

constexpr int kHeadWidth = 128;     // of every released DiT
constexpr int kClipHeadWidth = 80;  // of ViT-H/14
constexpr int kPatchVolume = 4;
constexpr int kMaskChannels = 4;  // joined to the noise with the condition latent (image to video)
constexpr double kStatisticTolerance = 1e-6;

// The tensors whose shapes say what a network is.
class Shapes {
 public:
  Shapes(const TensorMap& tensors, const std::string& origin)
      : tensors_(tensors), origin_(origin) {}

  [[noreturn]] void refuse(const std::string& why) const {
    throw base::Error(base::Fault::invalid, text(origin_, ": ", why));
  }

  bool has(std::string_view name) const { return tensors_.contains(name); }

  // Size `axis` of the tensor, which must have `rank` of them.
  int size(std::string_view name, size_t axis, size_t rank) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) refuse(text("no tensor ", name));
    const auto& view = found->second;
    if (view.shape.size() != rank) {
      refuse(
          text("tensor ", name, " has shape ", view.shape_text(), ", expected ", rank, " sizes"));
    }
    const auto value = view.shape[axis];
    if (value < 1 || value > INT32_MAX) {
      refuse(text("tensor ", name, " has shape ", view.shape_text()));
    }
    return static_cast<int>(value);
  }

  // How many distinct numbers follow `module` + ".".
  int count(std::string_view module) const {
    std::set<std::string_view> numbers;
    const auto prefix = text(module, ".");
    for (auto item = tensors_.lower_bound(prefix);
         item != tensors_.end() && item->first.starts_with(prefix);
         ++item) {
      const std::string_view rest = std::string_view(item->first).substr(prefix.size());
      numbers.insert(rest.substr(0, rest.find('.')));
    }
    return static_cast<int>(numbers.size());
  }

 private:
  const TensorMap& tensors_;
  const std::string& origin_;
};

// Reads a config.json, or nothing where there is none.
class Config {
 public:
  explicit Config(const PartConfig* config) : config_(config) {}

  [[noreturn]] void refuse(const std::string& why) const {
    throw base::Error(base::Fault::invalid, text(config_->file, ": ", why));
  }

  // The number under `key`; nothing where the key is absent or null.
  std::optional<double> number(const char* key) const {
    if (config_ == nullptr || !config_->json.contains(key)) return std::nullopt;
    const auto& value = config_->json[key];
    if (value.is_null()) return std::nullopt;
    if (!value.is_number()) refuse(text(key, " is ", value.dump(), ", expected a number"));
    return value.get<double>();
  }

  std::optional<int> natural(const char* key) const {
    const auto value = number(key);
    if (!value) return std::nullopt;
    if (!(*value >= 0) || *value > INT32_MAX || *value != std::floor(*value)) {
      refuse(text(key, " is ", *value, ", expected a natural number"));
    }
    return static_cast<int>(*value);
  }

  // Refuses a key that says something else than the weights do.
  void agree(const char* key, int in_weights) const {
    const auto said = natural(key);
    if (said && *said != in_weights) {
      refuse(text(key, " is ", *said, ", the weights have ", in_weights));
    }
  }

  void agree_on_layers(const char* key, int in_weights) const {
    const auto said = natural(key);
    if (!said || *said == in_weights) return;
    refuse(text(key,
                " is ",
                *said,
                ", the weights have ",
                in_weights,
                *said > in_weights ? text(" (no blocks.", in_weights, ")")
                                   : text(" (blocks.", *said, " is left over)")));
  }

  // The values of an array of numbers must be those of `expected`.
  void agree_on_list(const char* key, std::span<const float> expected) const {
    if (config_ == nullptr || !config_->json.contains(key)) return;
    const auto& list = config_->json[key];
    if (!list.is_array() || list.size() != expected.size()) {
      refuse(text(key, " is no list of ", expected.size(), " numbers"));
    }
    for (size_t i = 0; i < expected.size(); ++i) {
      if (list[i].is_number() &&
          std::abs(list[i].get<double>() - double{expected[i]}) <= kStatisticTolerance) {
        continue;
      }
      refuse(text(key, "[", i, "] is ", list[i].dump(), ", expected ", expected[i]));
    }
  }

 private:
  const PartConfig* config_;
};

// From the config, else from the width of a head; nothing to go by is an error.
int heads(const Config& config, const char* key, int width, int head_width, const Shapes& shapes) {
  const auto said = config.natural(key);
  if (said) {
    if (*said == 0 || width % *said != 0) {
      config.refuse(text(key, " is ", *said, ", which does not divide ", width));
    }
    if (width / *said % 2 != 0) {
      config.refuse(text(key, " is ", *said, ", which leaves heads of odd width ", width / *said));
    }
    return *said;
  }
  if (width % head_width != 0) {
    shapes.refuse(text("the number of heads is unknown: ",
                       width,
                       " is no multiple of ",
                       head_width,
                       " and no config.json says num_heads"));
  }
  return width / head_width;
}

void check_channels(const specs::DitSpec& spec, const Shapes& shapes) {
  const bool is_text = spec.in_dim == spec.out_dim;
  const bool is_image = spec.in_dim == 2 * spec.out_dim + kMaskChannels;
  if (is_text || is_image) return;
  shapes.refuse(text("patch_embedding.weight has ",
                     spec.in_dim,
                     " input channels with ",
                     spec.out_dim,
                     " output channels (Fun control?): not supported"));
}

void check_dit_config(const specs::DitSpec& spec, const Config& config) {
  config.agree("dim", spec.dim);
  config.agree("ffn_dim", spec.ffn_dim);
  config.agree("freq_dim", spec.freq_dim);
  config.agree("text_dim", spec.text_dim);
  config.agree("in_dim", spec.in_dim);
  config.agree("in_channels", spec.in_dim);
  config.agree("out_dim", spec.out_dim);
  config.agree("out_channels", spec.out_dim);
  config.agree_on_layers("num_layers", spec.num_layers);
  config.agree("pos_embed_seq_len", spec.image_tokens);
  config.agree("image_dim", spec.clip_dim);
  const auto head_width = config.natural("attention_head_dim");
  const auto count = config.natural("num_attention_heads");
  if (head_width && count && int64_t{*head_width} * *count != spec.dim) {
    config.refuse(text("num_attention_heads x attention_head_dim is ",
                       *count,
                       " x ",
                       *head_width,
                       ", the weights have ",
                       spec.dim));
  }
}

}  // namespace

specs::DitSpec detect_dit(const TensorMap& tensors,
                          const PartConfig* part_config,
                          const std::string& origin) {
  const Shapes shapes(tensors, origin);
  const Config config(part_config);
  specs::DitSpec spec;
  spec.dim = shapes.size("head.modulation", 2, 3);
  spec.out_dim = shapes.size("head.head.weight", 0, 2) / kPatchVolume;
  spec.in_dim = shapes.size("patch_embedding.weight", 1, 5);
  spec.freq_dim = shapes.size("time_embedding.0.weight", 1, 2);
  spec.text_dim = shapes.size("text_embedding.0.weight", 1, 2);
  spec.num_layers = shapes.count("blocks");
  if (spec.num_layers == 0) shapes.refuse("no tensor blocks.0");
  spec.ffn_dim = shapes.size("blocks.0.ffn.0.weight", 0, 2);
  spec.cross_attn_norm = shapes.has("blocks.0.norm3.weight");
  if (shapes.has("img_emb.proj.0.bias")) spec.clip_dim = shapes.size("img_emb.proj.0.bias", 0, 1);
  if (shapes.has("img_emb.emb_pos")) spec.image_tokens = shapes.size("img_emb.emb_pos", 1, 3);
  spec.text_len = config.natural("text_len").value_or(spec.text_len);
  spec.eps = config.number("eps").value_or(spec.eps);
  check_dit_config(spec, config);
  check_channels(spec, shapes);
  const bool is_official = config.natural("num_heads").has_value();
  spec.num_heads = heads(
      config, is_official ? "num_heads" : "num_attention_heads", spec.dim, kHeadWidth, shapes);
  return spec;
}

specs::Umt5Spec detect_umt5(const TensorMap& tensors,
                            const PartConfig* part_config,
                            const std::string& origin) {
  const Shapes shapes(tensors, origin);
  const Config config(part_config);
  constexpr std::string_view kPositions = "blocks.0.pos_embedding.embedding.weight";
  specs::Umt5Spec spec;
  spec.vocab = shapes.size("token_embedding.weight", 0, 2);
  spec.dim = shapes.size("token_embedding.weight", 1, 2);
  spec.num_layers = shapes.count("blocks");
  spec.dim_attn = shapes.size("blocks.0.attn.q.weight", 0, 2);
  spec.dim_ffn = shapes.size("blocks.0.ffn.fc1.weight", 0, 2);
  spec.num_buckets = shapes.size(kPositions, 0, 2);
  spec.num_heads = shapes.size(kPositions, 1, 2);
  if (spec.dim_attn % spec.num_heads != 0) {
    shapes.refuse(
        text(kPositions, " has ", spec.num_heads, " heads, which do not divide ", spec.dim_attn));
  }
  config.agree("d_model", spec.dim);
  config.agree("d_ff", spec.dim_ffn);
  config.agree("d_kv", spec.dim_attn / spec.num_heads);
  config.agree("num_heads", spec.num_heads);
  config.agree_on_layers("num_layers", spec.num_layers);
  config.agree("vocab_size", spec.vocab);
  config.agree("relative_attention_num_buckets", spec.num_buckets);
  return spec;
}

specs::VaeSpec detect_vae(const TensorMap& tensors,
                          const PartConfig* part_config,
                          const std::string& origin) {
  const Shapes shapes(tensors, origin);
  const Config config(part_config);
  specs::VaeSpec spec;
  // Only 2.2 groups its stages.
  const bool is_22 = shapes.has("decoder.upsamples.0.upsamples.0.residual.2.weight");
  spec.kind = is_22 ? specs::VaeKind::vae22 : specs::VaeKind::vae21;
  spec.dim = shapes.size("encoder.conv1.weight", 0, 5);
  spec.decoder_dim = shapes.size("decoder.head.0.gamma", 0, 4);
  spec.z_dim = shapes.size("conv2.weight", 0, 5);
  const auto statistics = specs::latents_mean(spec.kind).size();
  if (statistics != static_cast<size_t>(spec.z_dim)) {
    shapes.refuse(text("conv2.weight has ", spec.z_dim, " latent channels, expected ", statistics));
  }
  config.agree("base_dim", spec.dim);
  config.agree("decoder_base_dim", spec.decoder_dim);
  config.agree("z_dim", spec.z_dim);
  config.agree_on_list("latents_mean", specs::latents_mean(spec.kind));
  config.agree_on_list("latents_std", specs::latents_std(spec.kind));
  return spec;
}

specs::ClipSpec detect_clip(const TensorMap& tensors,
                            const PartConfig* part_config,
                            const std::string& origin) {
  const Shapes shapes(tensors, origin);
  const Config config(part_config);
  specs::ClipSpec spec;
  spec.dim = shapes.size("visual.patch_embedding.weight", 0, 4);
  spec.patch_size = shapes.size("visual.patch_embedding.weight", 3, 4);
  const int positions = shapes.size("visual.pos_embedding", 1, 3) - 1;
  const int grid = static_cast<int>(std::lround(std::sqrt(positions)));
  if (grid == 0 || int64_t{grid} * grid != positions) {
    shapes.refuse(
        text("visual.pos_embedding has ", positions + 1, " rows: no square and one more"));
  }
  spec.image_size = grid * spec.patch_size;
  spec.num_layers = shapes.count("visual.transformer");
  spec.mlp_dim = shapes.size("visual.transformer.0.mlp.0.weight", 0, 2);
  spec.eps = config.number("layer_norm_eps").value_or(spec.eps);
  config.agree("hidden_size", spec.dim);
  config.agree("intermediate_size", spec.mlp_dim);
  config.agree("num_hidden_layers", spec.num_layers);
  config.agree("image_size", spec.image_size);
  config.agree("patch_size", spec.patch_size);
  spec.num_heads = heads(config, "num_attention_heads", spec.dim, kClipHeadWidth, shapes);
  return spec;
}

}  // namespace weights
