// SPDX-License-Identifier: Apache-2.0
#include "catalog/parse.h"

#include <limits>

#include <gtest/gtest.h>

#include "base/error.h"

namespace {

using base::Json;
using catalog::Endpoint;
using catalog::Wire;

const Endpoint& wan22() {
  return *catalog::find(Wire::wavespeed, "wavespeed-ai/wan-2.2/t2v-480p-lora");
}
const Endpoint& wan21() {
  return *catalog::find(Wire::wavespeed, "wavespeed-ai/wan-2.1/t2v-480p");
}
const Endpoint& jiekou21() {
  return *catalog::find(Wire::jiekou, "wan-t2v");
}
const Endpoint& jiekou22() {
  return *catalog::find(Wire::jiekou, "wan-2.2-t2v");
}

Json json(const char* text) {
  return base::parse_json(text, "body");
}

catalog::Parsed accept(const Endpoint& endpoint, const Json& body) {
  auto parsed = check(endpoint, body);
  EXPECT_EQ(message_of(parsed.complaints), "") << endpoint.id << ' ' << body;
  return parsed;
}

// The message, or "accepted".
std::string refusal(const Endpoint& endpoint, const Json& body) {
  try {
    parse(endpoint, body);
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::invalid);
    return error.what();
  }
  return "accepted";
}

std::string refusal(const Endpoint& endpoint, const char* body) {
  return refusal(endpoint, json(body));
}

// ── what is taken ───────────────────────────────────────────────────────────────────────────────

TEST(Parse, FillsInTheDefaultsOfTheEndpoint) {
  const auto request = accept(wan21(), json(R"({"prompt": "a red ball"})")).request;
  catalog::GenerateRequest expected;
  expected.prompt = "a red ball";
  expected.size = {832, 480};
  expected.seconds = 5;
  expected.seed = -1;
  expected.steps = 30;
  expected.guidance = 5;
  expected.flow_shift = 3;
  EXPECT_EQ(request, expected);
}

TEST(Parse, LeavesToTheWeightsWhatTheEndpointDoesNotSay) {
  const auto request = accept(wan22(), json(R"({"prompt": "a red ball"})")).request;
  EXPECT_FALSE(request.steps || request.guidance || request.flow_shift);
  EXPECT_TRUE(request.negative_prompt.empty());
}

TEST(Parse, AsksForFewStepsWhereTheEndpointOrTheCallerDoes) {
  const auto* fast = catalog::find(Wire::wavespeed, "wavespeed-ai/wan-2.1/t2v-480p-ultra-fast");
  EXPECT_TRUE(accept(*fast, json(R"({"prompt": "x"})")).request.fast_mode);
  EXPECT_FALSE(accept(*fast, json(R"({"prompt": "x"})")).request.steps);
  EXPECT_EQ(accept(*fast, json(R"({"prompt": "x", "num_inference_steps": 8})")).request.steps, 8);
  EXPECT_FALSE(accept(jiekou21(), json(R"({"prompt": "x"})")).request.fast_mode);
  const auto asked = accept(jiekou21(), json(R"({"prompt": "x", "fast_mode": true, "seed": 3})"));
  EXPECT_TRUE(asked.request.fast_mode);
  EXPECT_FALSE(asked.request.steps || asked.request.guidance || asked.request.flow_shift);
}

TEST(Parse, BindsEveryFieldToItsMember) {
  const auto request = accept(wan22(), json(R"({
    "prompt": "a", "negative_prompt": "b", "size": "480*832", "duration": 8, "seed": 9999999999,
    "loras": [{"path": "https://x/1"}, {"path": "o/2", "scale": 0}],
    "high_noise_loras": [{"path": "3", "scale": 4}], "low_noise_loras": [{"path": "4", "scale": 0.5}],
    "enable_sync_mode": true, "enable_base64_output": true, "enable_safety_checker": false,
    "webhook_url": "https://example.com/hook"})"))
                           .request;
  catalog::GenerateRequest expected;
  expected.prompt = "a";
  expected.negative_prompt = "b";
  expected.size = {480, 832};
  expected.seconds = 8;
  expected.seed = 9'999'999'999;
  expected.loras = {{"https://x/1", 1}, {"o/2", 0}};
  expected.high_noise_loras = {{"3", 4}};
  expected.low_noise_loras = {{"4", 0.5}};
  expected.sync_mode = expected.base64_output = true;
  expected.safety_checker = false;
  expected.webhook_url = "https://example.com/hook";
  EXPECT_EQ(request, expected);
}

TEST(Parse, ReadsTheNestedBodiesOfJiekou) {
  const auto request = accept(jiekou22(), json(R"({
    "input": {"prompt": "a", "negative_prompt": "b"},
    "parameters": {"size": "624*624", "duration": 8, "prompt_extend": false, "seed": 7},
    "extra": {"webhook": {"url": "http://example.com/hook",
                          "test_mode": {"enabled": true, "return_task_status": "TASK_STATUS_FAILED"}}}
    })"))
                           .request;
  EXPECT_EQ(request.prompt, "a");
  EXPECT_EQ(request.negative_prompt, "b");
  EXPECT_EQ(request.size, (specs::Size{624, 624}));
  EXPECT_EQ(request.seconds, 8);
  EXPECT_FALSE(request.prompt_expansion);
  EXPECT_EQ(request.seed, 7);
  EXPECT_EQ(request.webhook_url, "http://example.com/hook");
  EXPECT_TRUE(request.webhook_test);
  EXPECT_EQ(request.webhook_test_status, "TASK_STATUS_FAILED");
}

TEST(Parse, TakesNullForAbsentAndWholeDoublesForWholeNumbers) {
  const auto request =
      accept(wan22(), json(R"({"prompt": "x", "seed": null, "loras": null, "duration": 8.0})"))
          .request;
  EXPECT_EQ(request.seed, -1);
  EXPECT_EQ(request.seconds, 8);
  accept(jiekou22(), json(R"({"input": {"prompt": "x"}, "parameters": null, "extra": null})"));
  EXPECT_EQ(refusal(wan22(), R"({"prompt": null})"), "prompt: is missing");
}

TEST(Parse, CountsCharactersAndNotBytes) {
  std::string clouds;
  for (int i = 0; i < 2000; ++i) clouds += "雲";
  accept(jiekou21(), {{"prompt", clouds}});
  EXPECT_EQ(refusal(jiekou21(), {{"prompt", clouds + "雲"}}),
            "prompt: 2001 characters, at most 2000 are allowed");
}

TEST(Parse, WarnsOfWhatHasNoEffect) {
  const auto parsed =
      accept(jiekou21(), json(R"({"prompt": "x", "model_name": "wan2.1-t2v", "frames": 81})"));
  EXPECT_EQ(parsed.warnings,
            (std::vector<std::string>{"model_name: has no effect; the path names the model",
                                      "frames: has no effect; the video has five seconds"}));
}

// ── width and height ────────────────────────────────────────────────────────────────────────────

TEST(Parse, TakesWidthAndHeightThatBelongTogether) {
  const auto request =
      accept(jiekou21(), json(R"({"prompt": "x", "width": 720, "height": 1280})")).request;
  EXPECT_EQ(request.size, (specs::Size{720, 1280}));
  EXPECT_EQ(refusal(jiekou21(), R"({"prompt": "x", "width": 480, "height": 480})"),
            "height: 480*480 is not one of 832*480, 480*832, 1280*720, 720*1280");
  EXPECT_EQ(refusal(jiekou21(), R"({"prompt": "x", "width": 500, "height": 480})"),
            "width: 500 is not one of 832, 480, 1280, 720");
}

TEST(Parse, TakesTheDefaultSizeWhereOneSideIsMissingAndWarns) {
  const auto parsed = accept(jiekou21(), json(R"({"prompt": "x", "height": 1280})"));
  EXPECT_EQ(parsed.request.size, (specs::Size{832, 480}));
  EXPECT_EQ(parsed.warnings,
            (std::vector<std::string>{
                "height: has no effect without width; the video is 832*480, the default"}));
}

TEST(Parse, RefusesLongVideosAtSizesThatDoNotTakeThem) {
  EXPECT_EQ(refusal(jiekou22(), R"({"input": {"prompt": "x"}, "parameters": {"duration": 8}})"),
            "parameters.duration: 8 is not 5, the only length at 1920*1080");
  accept(jiekou22(),
         json(R"({"input": {"prompt": "x"}, "parameters": {"duration": 8, "size": "720*1280"}})"));
}

// ── what is refused ─────────────────────────────────────────────────────────────────────────────

TEST(Parse, NamesEveryComplaintAtOnce) {
  EXPECT_EQ(refusal(wan22(), R"({
      "size": "900*900", "duration": "5", "seed": 1.5, "promt": "a red ball",
      "loras": [{"path": "o/1", "scale": 9}, {"scale": true, "weight": 1}, "o/3"],
      "enable_sync_mode": 1})"),
            "prompt: is missing; "
            "size: \"900*900\" is not one of 832*480, 480*832; "
            "duration: \"5\" is not one of 5, 8; "
            "loras[0].scale: 9 is not a number from 0 to 4; "
            "loras[1].path: is missing; "
            "loras[1].scale: true is not a number from 0 to 4; "
            "loras[1].weight: no such field; a LoRA has path and scale; "
            "loras[2]: \"o/3\" is not {\"path\": …, \"scale\": …}; "
            "seed: 1.5 is not a whole number from -1 to 9999999999; "
            "enable_sync_mode: 1 is not true or false; "
            "promt: no such field; did you mean prompt?");
}

TEST(Parse, KeepsTheComplaintsApartForWiresThatListThem) {
  const auto complaints = check(wan22(), json(R"({"prompt": " ", "fps": 24})")).complaints;
  ASSERT_EQ(complaints.size(), 2u);
  EXPECT_EQ(complaints[0].field, "prompt");
  EXPECT_EQ(complaints[0].message, "is empty");
  EXPECT_EQ(complaints[1].field, "fps");
  EXPECT_EQ(complaints[1].message, "no such field");
}

TEST(Parse, SaysWhereAMisplacedFieldBelongs) {
  EXPECT_EQ(refusal(jiekou22(), R"({"prompt": "x", "inputs": {}, "input": {"seed": 1}})"),
            "input.prompt: is missing; "
            "input.seed: no such field; did you mean parameters.seed?; "
            "inputs: no such field; did you mean input?; "
            "prompt: no such field; did you mean input.prompt?");
  EXPECT_EQ(refusal(jiekou22(), R"({"input": {"prompt": "x"}, "parameters": [],
                                    "extra": {"webhok": 1}, "input.prompt": "y"})"),
            "extra.webhok: no such field; did you mean extra.webhook?; "
            "input.prompt: no such field; "
            "parameters: a list is not an object");
}

TEST(Parse, RefusesABodyThatIsNoObject) {
  EXPECT_EQ(refusal(wan22(), "[]"), "request body: a list is not an object");
  EXPECT_EQ(refusal(wan22(), "null"), "request body: null is not an object");
}

TEST(Parse, RefusesNumbersThatAreNone) {
  for (const double number : {std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN(),
                              1e300}) {
    for (const auto* field : {"guidance_scale", "flow_shift", "seed", "duration"}) {
      EXPECT_NE(refusal(wan21(), {{"prompt", "x"}, {field, number}}), "accepted") << field;
    }
  }
  EXPECT_NE(refusal(wan21(), {{"prompt", "x"}, {"seed", 18446744073709551615ull}}), "accepted");
}

TEST(Parse, RefusesTheCharacterThatDatabasesDoNotKeep) {
  EXPECT_EQ(refusal(wan22(), R"({"prompt": "a\u0000b"})"), "prompt: holds the character U+0000");
}

TEST(Parse, TakesOnlyWebAddressesForTheWebhook) {
  EXPECT_EQ(
      refusal(wan22(), R"({"prompt": "x", "webhook_url": "file:///etc/passwd"})"),
      "webhook_url: \"file:///etc/passwd\" is not an http or https URL of at most 4096 characters");
}

TEST(Parse, RehearsesAWebhookOnlyWhereThereIsOne) {
  EXPECT_EQ(refusal(jiekou21(),
                    R"({"prompt": "x", "extra": {"webhook": {"test_mode": {"enabled": true}}}})"),
            "extra.webhook.url: is missing");
  accept(jiekou21(), json(R"({"prompt": "x", "extra": {"webhook": {}}})"));
}

TEST(Parse, CutsWhatItQuotes) {
  const auto message = refusal(wan22(), {{"prompt", "x"}, {"size", std::string(5000, 'n')}});
  EXPECT_EQ(message, "size: \"" + std::string(40, 'n') + "…\" is not one of 832*480, 480*832");
  EXPECT_EQ(refusal(wan22(), {{"prompt", "x"}, {"a\n\"b", 1}}), "a\\n\\\"b: no such field");
}

TEST(Parse, StopsCountingTheFaultsOfAHostileBody) {
  Json body = {{"prompt", "x"}};
  for (int i = 0; i < 100'000; ++i) body["field" + std::to_string(i)] = i;
  EXPECT_EQ(check(wan22(), body).complaints.size(), 50u);
}

}  // namespace
