// SPDX-License-Identifier: Apache-2.0
#include "worker/request.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace {

using base::Json;
using worker::read_text_to_video;

Json smallest() {
  return {{"prompt", "a red ball"}, {"width", 832}, {"height", 480}, {"seconds", 5}};
}

std::string complaints_about(const Json& request) {
  try {
    read_text_to_video(request);
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::invalid);
    return error.what();
  }
  return {};
}

TEST(Request, NeedsFourMembers) {
  const auto options = read_text_to_video(smallest()).options;
  EXPECT_EQ(options.prompt, "a red ball");
  EXPECT_EQ(options.size, (specs::Size{832, 480}));
  EXPECT_EQ(options.seconds, 5);
  EXPECT_EQ(options.seed, -1);
  EXPECT_FALSE(options.negative_prompt || options.steps || options.guidance_high || options.shift);
  EXPECT_EQ(complaints_about(Json::object()),
            "prompt: is missing\nwidth: is missing\nheight: is missing\nseconds: is missing");
}

TEST(Request, TakesEveryMemberOfTheCatalog) {
  auto json = smallest();
  json.update({{"negative_prompt", "rain"},
               {"steps", 30},
               {"guidance", 4.5},
               {"flow_shift", 3},
               {"seed", 9'999'999'999},
               {"loras", {{{"path", "owner/style"}, {"scale", 0.5}}}},
               {"low_noise_loras", Json::array()},
               {"safety_checker", true}});
  const auto [options, adapters] = read_text_to_video(json);
  EXPECT_EQ(options.negative_prompt, "rain");
  EXPECT_EQ(options.steps, 30);
  EXPECT_EQ(options.guidance_high, 4.5);
  EXPECT_EQ(options.guidance_low, 4.5);
  EXPECT_EQ(options.shift, 3);
  EXPECT_EQ(options.seed, 9'999'999'999);
  ASSERT_EQ(adapters.all.size(), 1u);
  EXPECT_EQ(adapters.all[0].path, "owner/style");
  EXPECT_EQ(adapters.all[0].scale, 0.5);
  EXPECT_TRUE(adapters.high_noise.empty());
}

TEST(Request, TakesTheModelsNegativePromptForAnEmptyOne) {
  auto json = smallest();
  json["negative_prompt"] = "";
  EXPECT_FALSE(read_text_to_video(json).options.negative_prompt);
}

TEST(Request, IsRefusedWithEveryComplaintAtOnce) {
  const Json wrong = {{"prompt", 7},
                      {"width", 832.5},
                      {"height", 0},
                      {"seconds", "5"},
                      {"steps", nullptr},
                      {"guidance", true},
                      {"seed", -2},
                      {"loras", {{{"path", "x"}}}},
                      {"low_noise_loras", "x"}};
  EXPECT_EQ(complaints_about(wrong),
            "prompt: is number, expected a text\n"
            "width: is number, expected a whole number\n"
            "height: 0 is not in 1..2147483647\n"
            "seconds: is string, expected a number\n"
            "steps: is null, expected a whole number\n"
            "guidance: is boolean, expected a number\n"
            "seed: -2 is not in -1..9223372036854775807\n"
            "loras: {\"path\":\"x\"} is not a path and a scale\n"
            "low_noise_loras: is string, expected a list");
}

TEST(Request, RefusesNumbersThatNoIntegerHolds) {
  auto json = smallest();
  json["seed"] = UINT64_MAX;
  EXPECT_EQ(complaints_about(json), "seed: 18446744073709551615 is not in -1..9223372036854775807");
}

TEST(Request, IsAnObject) {
  EXPECT_EQ(complaints_about(Json::array()), "request: is array, expected an object");
}

}  // namespace
