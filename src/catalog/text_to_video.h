// SPDX-License-Identifier: Apache-2.0
// The fields of the text-to-video endpoints: included by catalog.cpp alone.
#pragma once

#include <array>

#include "catalog/catalog.h"

namespace catalog {

using specs::Size;
using R = GenerateRequest;

// ── sizes and lengths ───────────────────────────────────────────────────────────────────────────

constexpr Size k480p[] = {{832, 480}, {480, 832}};
constexpr Size k720p[] = {{1280, 720}, {720, 1280}};
constexpr Size k480pAnd720p[] = {{832, 480}, {480, 832}, {1280, 720}, {720, 1280}};
constexpr Size kUpTo1080p[] = {{1920, 1080},
                               {1080, 1920},
                               {1440, 1440},
                               {1632, 1248},
                               {1248, 1632},
                               {1280, 720},
                               {720, 1280},
                               {832, 480},
                               {480, 832},
                               {624, 624}};
constexpr int kFive[] = {5};
constexpr int kFiveOrEight[] = {5, 8};

// ── fields ──────────────────────────────────────────────────────────────────────────────────────

// The wavespeed list names no limit. The text encoder reads 512 tokens, some 2,500 characters.
constexpr int kLongPrompt = 10'000;
// Jiekou's page. For Wan 2.2 it says 800, and that the rest is cut off in silence; its own form
// takes 2000, and so do we, uncut.
constexpr int kJiekouPrompt = 2'000;

constexpr Field prompt(int max) {
  return {"prompt", Text{&R::prompt, 1, max}, "What the video shall show.", true};
}
constexpr Field negative_prompt(int max) {
  return {"negative_prompt",
          Text{&R::negative_prompt, 0, max},
          "What it shall not show. Empty: the official list of flaws."};
}
constexpr Field size_in(std::span<const Size> sizes) {
  return {"size", SizeName{sizes}, "Width and height of the video in pixels."};
}
constexpr Field seconds_in(std::span<const int> lengths) {
  return {"duration", Seconds{lengths}, "Length of the video in seconds."};
}
// The pages say up to 2147483647, but the vendor's ComfyUI nodes send up to 9999999998.
constexpr Field kSeed = {"seed",
                         Whole{&R::seed, -1, 9'999'999'999, -1},
                         "Of the noise: the same seed, the same video. -1: a random one."};
constexpr Field kLoras = {"loras", Loras{&R::loras, 3}, "LoRAs for every network of the model."};
constexpr Field kHighNoiseLoras = {
    "high_noise_loras", Loras{&R::high_noise_loras, 3}, "LoRAs for the high-noise expert alone."};
constexpr Field kLowNoiseLoras = {
    "low_noise_loras", Loras{&R::low_noise_loras, 3}, "LoRAs for the low-noise expert alone."};

constexpr Field steps(std::string_view name, std::optional<int64_t> preset) {
  return {name, Whole{&R::steps, 1, 40, preset}, "Denoising steps."};
}
constexpr Field guidance(double max, std::optional<double> preset) {
  return {"guidance_scale",
          Real{&R::guidance, 0, max, preset},
          "How closely to follow the prompt; 1 is no guidance at all."};
}
constexpr Field flow_shift(std::optional<double> preset) {
  return {"flow_shift",
          Real{&R::flow_shift, 1, 10, preset},
          "Shift of the noise schedule: the more, the more steps go into layout and motion."};
}
constexpr Field prompt_expansion(std::string_view name, bool preset) {
  return {name, Flag{&R::prompt_expansion, preset}, "Let a language model elaborate the prompt."};
}
constexpr Field kSafetyChecker = {"enable_safety_checker",
                                  Flag{&R::safety_checker, true},
                                  "Refuse prompts and videos that the safety checker flags."};

constexpr Field in(std::string_view group, Field field) {
  field.group = group;
  return field;
}

// ── the wavespeed wire: Wan 2.2 ─────────────────────────────────────────────────────────────────

constexpr auto wan22(std::span<const Size> sizes) {
  return std::array{prompt(kLongPrompt),
                    negative_prompt(kLongPrompt),
                    size_in(sizes),
                    seconds_in(kFiveOrEight),
                    kSeed};
}
constexpr auto wan22_lora(std::span<const Size> sizes) {
  return std::array{prompt(kLongPrompt),
                    negative_prompt(kLongPrompt),
                    size_in(sizes),
                    seconds_in(kFiveOrEight),
                    kLoras,
                    kHighNoiseLoras,
                    kLowNoiseLoras,
                    kSeed};
}
constexpr auto kWan22At480p = wan22(k480p);
constexpr auto kWan22At720p = wan22(k720p);
constexpr auto kWan22LoraAt480p = wan22_lora(k480p);
constexpr auto kWan22LoraAt720p = wan22_lora(k720p);

constexpr Field kWan22Small[] = {prompt(kLongPrompt), size_in(k720p), kSeed};
constexpr Field kWan22SmallLora[] = {prompt(kLongPrompt), size_in(k720p), kLoras, kSeed};

constexpr Field kWan22Plus[] = {prompt(kLongPrompt),
                                size_in(k480p),
                                seconds_in(kFive),
                                prompt_expansion("enable_prompt_expansion", false),
                                negative_prompt(kLongPrompt),
                                kSeed};

// ── the wavespeed wire: Wan 2.1 ─────────────────────────────────────────────────────────────────

struct Tuning {
  std::optional<int64_t> steps;
  std::optional<double> guidance, shift;
};
constexpr Tuning kFull480p = {30, 5, 3};
constexpr Tuning kFull720p = {30, 5, 5};
// Those of weights that are made for few steps, unless the caller knows better. The vendor lists
// the above here too; forms that are filled from the list would ask for them.
constexpr Tuning kFew = {};

constexpr Field kFiveToTen = {
    "duration", Whole{&R::seconds, 5, 10, 5}, "Length of the video in seconds."};

constexpr auto wan21(std::span<const Size> sizes, const Tuning& tuning) {
  return std::array{prompt(kLongPrompt),
                    negative_prompt(kLongPrompt),
                    size_in(sizes),
                    steps("num_inference_steps", tuning.steps),
                    kFiveToTen,
                    guidance(20, tuning.guidance),
                    flow_shift(tuning.shift),
                    kSeed};
}
constexpr auto wan21_lora(std::span<const Size> sizes, const Tuning& tuning) {
  return std::array{prompt(kLongPrompt),
                    negative_prompt(kLongPrompt),
                    kLoras,
                    size_in(sizes),
                    steps("num_inference_steps", tuning.steps),
                    kFiveToTen,
                    guidance(20, tuning.guidance),
                    flow_shift(tuning.shift),
                    kSeed};
}
constexpr auto kWan21At480p = wan21(k480p, kFull480p);
constexpr auto kWan21At720p = wan21(k720p, kFull720p);
constexpr auto kWan21LoraAt480p = wan21_lora(k480p, kFull480p);
constexpr auto kWan21LoraAt720p = wan21_lora(k720p, kFull720p);
constexpr auto kWan21FewAt480p = wan21(k480p, kFew);
constexpr auto kWan21FewAt720p = wan21(k720p, kFew);
constexpr auto kWan21FewLoraAt480p = wan21_lora(k480p, kFew);
constexpr auto kWan21FewLoraAt720p = wan21_lora(k720p, kFew);

// Older clients of the vendor send these to every model.
constexpr Field kWavespeedExtras[] = {
    {"enable_sync_mode", Flag{&R::sync_mode, false}, "Answer with the finished result."},
    {"enable_base64_output",
     Flag{&R::base64_output, false},
     "Answer with the video itself in place of its URL."},
    kSafetyChecker,
    {"webhook_url", Url{&R::webhook_url}, "Where to report the end, as ?webhook= does."},
};

// ── the jiekou wire ─────────────────────────────────────────────────────────────────────────────

constexpr Field kJiekouWan21[] = {
    prompt(kJiekouPrompt),
    negative_prompt(kJiekouPrompt),
    {"width", Side{&Size::width, k480pAnd720p}, "Of the video; it goes with one height only."},
    {"height", Side{&Size::height, k480pAnd720p}, "Of the video; it goes with one width only."},
    kLoras,
    kSeed,
    steps("steps", 30),
    guidance(10, 5),
    flow_shift(5),
    kSafetyChecker,
    {"fast_mode",
     Flag{&R::fast_mode, false},
     "Few steps, for less money. What suits them is the default of steps, guidance and shift "
     "then."},
};
constexpr Field kWatermark = {
    "watermark", Unused{"no watermark is drawn"}, "Draw a mark into the corner."};
constexpr std::string_view kTestStatuses[] = {"TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED"};
constexpr Field kWebhookUrl =
    in("extra.webhook", {"url", Url{&R::webhook_url}, "Where to report the end."});
constexpr Field kWebhookTest =
    in("extra.webhook.test_mode",
       {"enabled", Flag{&R::webhook_test, false}, "Report a made-up end at once and do no work."});
constexpr Field kWebhookTestStatus = in("extra.webhook.test_mode",
                                        {"return_task_status",
                                         Choice{&R::webhook_test_status, kTestStatuses},
                                         "The end that is made up."});

constexpr Field kJiekouWan21Extras[] = {
    kWebhookUrl,
    kWebhookTest,
    kWebhookTestStatus,
    {"model_name", Unused{"the path names the model"}, "wan2.1-t2v."},
    {"frames", Unused{"the video has five seconds"}, "Length of the video."},
    kWatermark,
};

constexpr Field kJiekouWan22[] = {
    in("input", prompt(kJiekouPrompt)),
    in("input", negative_prompt(kJiekouPrompt)),
    in("parameters", size_in(kUpTo1080p)),
    in("parameters",
       {"duration",
        Seconds{kFiveOrEight, kPixels720p},
        "Length of the video in seconds; beyond 720p only 5."}),
    in("parameters", prompt_expansion("prompt_extend", true)),
    in("parameters", kSeed),
    in("parameters", kLoras),
};
constexpr Field kJiekouWan22Extras[] = {
    kWebhookUrl,
    kWebhookTest,
    kWebhookTestStatus,
    in("parameters", kWatermark),
    in("parameters", {"audio", Unused{"Wan 2.2 makes silent videos"}, "Make sound as well."}),
    in("input", {"audio_url", Unused{"Wan 2.2 makes silent videos"}, "Sound to go with it."}),
};

}  // namespace catalog
