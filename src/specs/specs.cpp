// SPDX-License-Identifier: Apache-2.0
#include "specs/specs.h"

#include <algorithm>

namespace specs {
namespace {

// A row as another row with a few facts changed.
template <typename Row, typename Change>
constexpr Row with(Row row, Change change) {
  change(row);
  return row;
}

// ── networks ────────────────────────────────────────────────────────────────────────────────────

// wan/configs/wan_t2v_1_3B.py (Wan2.1)
constexpr DitSpec kDit1_3B = {.dim = 1536, .ffn_dim = 8960, .num_heads = 12, .num_layers = 30};

// wan/configs/wan_t2v_14B.py (Wan2.1), wan/configs/wan_t2v_A14B.py (Wan2.2, each of two experts)
constexpr DitSpec kDit14B = {.dim = 5120, .ffn_dim = 13824, .num_heads = 40, .num_layers = 40};

// wan/configs/wan_ti2v_5B.py (Wan2.2)
constexpr DitSpec kDit5B = {
    .dim = 3072, .ffn_dim = 14336, .num_heads = 24, .num_layers = 30, .in_dim = 48, .out_dim = 48};

constexpr VaeSpec kVae21 = {};                              // wan/modules/vae2_1.py
constexpr VaeSpec kVae22 = {VaeKind::vae22, 160, 256, 48};  // wan/modules/vae2_2.py

// ── models ──────────────────────────────────────────────────────────────────────────────────────

// SUPPORTED_SIZES in wan/configs/__init__.py
constexpr Size kSizes14B[] = {{832, 480}, {480, 832}, {1280, 720}, {720, 1280}};
constexpr Size kSizes1_3B[] = {{832, 480}, {480, 832}};
constexpr Size kSizes5B[] = {{1280, 704}, {704, 1280}};

// sample_steps, sample_shift, sample_guide_scale, frame_num, sample_fps of each configuration file.
constexpr ModelSpec kWan21T2v14B = {
    .name = "wan2.1-t2v-14b",
    .dit = kDit14B,
    .vae = kVae21,
    .umt5 = {},
    .steps = 50,
    .shift = 5.0,
    .guidance_high = 5.0,
    .guidance_low = 5.0,
    .boundary = 0,
    .frames = 81,
    .fps = 16,
    .sizes = kSizes14B,
    .native = {},
    .repository = "Wan-AI/Wan2.1-T2V-14B",
};

constexpr ModelSpec kWan21T2v1_3B = with(kWan21T2v14B, [](ModelSpec& m) {
  m.name = "wan2.1-t2v-1.3b";
  m.dit = kDit1_3B;
  m.sizes = kSizes1_3B;
  m.repository = "Wan-AI/Wan2.1-T2V-1.3B";
});

constexpr ModelSpec kWan22T2vA14B = with(kWan21T2v14B, [](ModelSpec& m) {
  m.name = "wan2.2-t2v-a14b";
  m.steps = 40;
  m.shift = 12.0;
  m.guidance_high = 4.0;  // sample_guide_scale = (3.0, 4.0), low before high
  m.guidance_low = 3.0;
  m.boundary = 0.875;
  m.repository = "Wan-AI/Wan2.2-T2V-A14B";
});

constexpr ModelSpec kWan22Ti2v5B = with(kWan21T2v14B, [](ModelSpec& m) {
  m.name = "wan2.2-ti2v-5b";
  m.dit = kDit5B;
  m.vae = kVae22;
  m.frames = 121;
  m.fps = 24;
  m.sizes = kSizes5B;
  m.repository = "Wan-AI/Wan2.2-TI2V-5B";
});

// The demo family: the same networks, small (weights/tiny/README.md).
constexpr DitSpec kDitTiny = {.dim = 128,
                              .ffn_dim = 512,
                              .num_heads = 4,
                              .num_layers = 8,
                              .in_dim = 16,
                              .out_dim = 16,
                              .freq_dim = 256,
                              .text_dim = 128};
constexpr VaeSpec kVaeTiny = {VaeKind::vae21, 16, 16, 16};
constexpr Umt5Spec kUmt5Tiny = {
    .vocab = 192, .dim = 128, .dim_attn = 128, .dim_ffn = 256, .num_heads = 2, .num_layers = 2};

constexpr ModelSpec kWan21T2vTiny = with(kWan21T2v1_3B, [](ModelSpec& m) {
  m.name = "wan2.1-t2v-tiny";
  m.dit = kDitTiny;
  m.vae = kVaeTiny;
  m.umt5 = kUmt5Tiny;
  m.steps = 20;
  m.shift = 3.0;
  m.guidance_high = 3.0;
  m.guidance_low = 3.0;
  m.sizes = kSizes14B;
  m.native = {112, 64};
  m.repository = {};
});

constexpr ModelSpec kWan22T2vTiny = with(kWan21T2vTiny, [](ModelSpec& m) {
  m.name = "wan2.2-t2v-tiny";
  m.boundary = 0.875;
  m.guidance_high = 4.0;
  m.guidance_low = 4.0;
});

constexpr ModelSpec kModels[] = {
    kWan21T2v1_3B,
    kWan21T2v14B,
    kWan22T2vA14B,
    kWan22Ti2v5B,
    kWan21T2vTiny,
    kWan22T2vTiny,
};

static_assert(std::ranges::all_of(kModels, [](const ModelSpec& m) {
  return m.dit.dim % m.dit.num_heads == 0 && m.dit.out_dim == m.vae.z_dim &&
         m.dit.text_dim == m.umt5.dim && m.frames % 4 == 1 &&
         std::ranges::all_of(m.sizes, [&](Size s) {
           return s.width % m.size_multiple() == 0 && s.height % m.size_multiple() == 0;
         });
}));

constexpr float kMean21[] = {-0.7571f,
                             -0.7089f,
                             -0.9113f,
                             0.1075f,
                             -0.1745f,
                             0.9653f,
                             -0.1517f,
                             1.5508f,
                             0.4134f,
                             -0.0715f,
                             0.5517f,
                             -0.3632f,
                             -0.1922f,
                             -0.9497f,
                             0.2503f,
                             -0.2921f};
constexpr float kStd21[] = {2.8184f,
                            1.4541f,
                            2.3275f,
                            2.6558f,
                            1.2196f,
                            1.7708f,
                            2.6052f,
                            2.0743f,
                            3.2687f,
                            2.1526f,
                            2.8652f,
                            1.5579f,
                            1.6382f,
                            1.1253f,
                            2.8251f,
                            1.9160f};
constexpr float kMean22[] = {-0.2289f, -0.0052f, -0.1323f, -0.2339f, -0.2799f, 0.0174f,  0.1838f,
                             0.1557f,  -0.1382f, 0.0542f,  0.2813f,  0.0891f,  0.1570f,  -0.0098f,
                             0.0375f,  -0.1825f, -0.2246f, -0.1207f, -0.0698f, 0.5109f,  0.2665f,
                             -0.2108f, -0.2158f, 0.2502f,  -0.2055f, -0.0322f, 0.1109f,  0.1567f,
                             -0.0729f, 0.0899f,  -0.2799f, -0.1230f, -0.0313f, -0.1649f, 0.0117f,
                             0.0723f,  -0.2839f, -0.2083f, -0.0520f, 0.3748f,  0.0152f,  0.1957f,
                             0.1433f,  -0.2944f, 0.3573f,  -0.0548f, -0.1681f, -0.0667f};
constexpr float kStd22[] = {0.4765f, 1.0364f, 0.4514f, 1.1677f, 0.5313f, 0.4990f, 0.4818f, 0.5013f,
                            0.8158f, 1.0344f, 0.5894f, 1.0901f, 0.6885f, 0.6165f, 0.8454f, 0.4978f,
                            0.5759f, 0.3523f, 0.7135f, 0.6804f, 0.5833f, 1.4146f, 0.8986f, 0.5659f,
                            0.7069f, 0.5338f, 0.4889f, 0.4917f, 0.4069f, 0.4999f, 0.6866f, 0.4093f,
                            0.5709f, 0.6065f, 0.6415f, 0.4944f, 0.5726f, 1.2042f, 0.5458f, 1.6887f,
                            0.3971f, 1.0600f, 0.3943f, 0.5537f, 0.5444f, 0.4089f, 0.7468f, 0.7744f};

}  // namespace

std::span<const float> latents_mean(VaeKind kind) {
  return kind == VaeKind::vae21 ? std::span<const float>(kMean21) : kMean22;
}

std::span<const float> latents_std(VaeKind kind) {
  return kind == VaeKind::vae21 ? std::span<const float>(kStd21) : kStd22;
}

std::span<const ModelSpec> models() {
  return kModels;
}

const ModelSpec* find_model(std::string_view name) {
  const auto* row = std::ranges::find(kModels, name, &ModelSpec::name);
  return row == std::end(kModels) ? nullptr : row;
}

}  // namespace specs
