// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "pipelines/text_to_video.h"

namespace {

using Lines = std::vector<std::string>;

// What the model has against a request of this size and length.
Lines complaints(std::string_view model, specs::Size size, int frames) {
  const auto& spec = *specs::find_model(model);
  auto request = pipelines::defaults(spec);
  request.prompt = request.negative_prompt = {1};
  request.size = size;
  request.frames = frames;
  return pipelines::complaints(spec, request);
}

TEST(TextToVideoComplaints, TakesWhatTheModelsAreMeantFor) {
  for (const auto& spec : specs::models()) {
    for (const auto size : spec.sizes) {
      EXPECT_EQ(complaints(spec.name, size, spec.frames), Lines{}) << spec.name;
    }
  }
}

TEST(TextToVideoComplaints, NamesTheNearestSizeAndLengthThatItTakes) {
  EXPECT_EQ(complaints("wan2.1-t2v-1.3b", {833, 470}, 80),
            (Lines{"size: 833x470 is not made of multiples of 16 between 16 and 16384; the nearest "
                   "is 832x464",
                   "frames: 80 is not 4n+1 between 1 and 4093; the nearest is 81"}));
  EXPECT_EQ(
      complaints("wan2.2-ti2v-5b", {1280, 720}, 100'000),
      (Lines{"size: 1280x720 is not made of multiples of 32 between 32 and 32768; the nearest "
             "is 1280x704",
             "frames: 100000 is not 4n+1 between 1 and 4093; the nearest is 4093"}));
  EXPECT_EQ(complaints("wan2.2-t2v-tiny", {-3, 481}, 0),
            (Lines{"size: -3x481 is not made of multiples of 2 between 2 and 16384; the nearest is "
                   "2x480",
                   "frames: 0 is not 4n+1 between 1 and 4093; the nearest is 1"}));
}

}  // namespace
