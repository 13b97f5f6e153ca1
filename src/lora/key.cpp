// SPDX-License-Identifier: Apache-2.0
#include "lora/key.h"

#include <algorithm>

namespace lora {
namespace {

struct Suffix {
  std::string_view text;
  Role role;
};

// A longer spelling stands before one that it ends in.
constexpr Suffix kSuffixes[] = {
    {".lora_linear_layer.down.weight", Role::down},
    {".lora_linear_layer.up.weight", Role::up},
    {".lora.down.weight", Role::down},
    {".lora.up.weight", Role::up},
    {"_lora.down.weight", Role::down},
    {"_lora.up.weight", Role::up},
    {".lora_down.weight", Role::down},
    {".lora_up.weight", Role::up},
    {".lora_A.weight", Role::down},
    {".lora_B.weight", Role::up},
    {".lora_A", Role::down},
    {".lora_B", Role::up},
    {".alpha", Role::alpha},
    {".dora_scale", Role::dora_scale},
    {".lora_magnitude_vector.weight", Role::dora_scale},
    {".lora_magnitude_vector", Role::dora_scale},
    {".hada_w1_a", Role::hada_w1_a},
    {".hada_w1_b", Role::hada_w1_b},
    {".hada_w2_a", Role::hada_w2_a},
    {".hada_w2_b", Role::hada_w2_b},
    {".lokr_w1", Role::lokr_w1},
    {".lokr_w1_a", Role::lokr_w1_a},
    {".lokr_w1_b", Role::lokr_w1_b},
    {".lokr_w2", Role::lokr_w2},
    {".lokr_w2_a", Role::lokr_w2_a},
    {".lokr_w2_b", Role::lokr_w2_b},
    {".diff", Role::difference},
    {".diff_b", Role::bias_difference},
    {".diff_m", Role::modulation_difference},
    {".set_weight", Role::replacement},
};

// What programs put before a module's name; several may be there.
constexpr std::string_view kPrefixes[] = {
    "base_model.model.", "model.", "diffusion_model.", "transformer.", "transformer_2.", "unet."};
// Of trainers that write underscores for dots.
constexpr std::string_view kStems[] = {"lora_unet__", "lora_unet_", "lycoris_"};

constexpr std::string_view kTextEncoders[] = {
    "text_encoder.", "text_encoder_2.", "text_encoders.", "lora_te_", "lora_te1_", "lora_te2_"};

// PEFT names its adapters; the usual name is "default".
std::string without_default(std::string_view name) {
  constexpr std::string_view kDefault = ".default";
  std::string text(name);
  const auto at = text.rfind(kDefault);
  const auto behind = at + kDefault.size();
  const bool is_word = at != std::string::npos && (behind == text.size() || text[behind] == '.');
  return is_word ? text.erase(at, kDefault.size()) : text;
}

std::string_view without_prefixes(std::string_view module) {
  while (true) {
    const auto* prefix = std::ranges::find_if(
        kPrefixes, [&](std::string_view text) { return module.starts_with(text); });
    if (prefix == std::end(kPrefixes)) break;
    module.remove_prefix(prefix->size());
  }
  for (const auto stem : kStems) {
    if (module.starts_with(stem)) return module.substr(stem.size());
  }
  return module;
}

}  // namespace

std::optional<Key> parse_key(std::string_view name) {
  const auto text = without_default(name);
  for (const auto& suffix : kSuffixes) {
    if (!text.ends_with(suffix.text)) continue;
    const auto module = std::string_view(text).substr(0, text.size() - suffix.text.size());
    return Key{std::string(without_prefixes(module)), suffix.role};
  }
  return std::nullopt;
}

bool is_of_text_encoder(std::string_view name) {
  return std::ranges::any_of(kTextEncoders,
                             [&](std::string_view text) { return name.starts_with(text); });
}

}  // namespace lora
