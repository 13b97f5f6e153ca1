// SPDX-License-Identifier: Apache-2.0
#include "models/vae_stream.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace {

using models::Stream;

constexpr auto kChannelsLast = torch::MemoryFormat::ChannelsLast3d;

TEST(Stream, BeginsWithZerosInTheLayoutOfTheVideo) {
  Stream stream;
  const auto x_BCFHW = torch::ones({1, 4, 1, 3, 5}).contiguous(kChannelsLast);
  const auto joined_BCFHW = stream.join(&stream, x_BCFHW, 2);
  EXPECT_TRUE(joined_BCFHW.is_contiguous(kChannelsLast));
  EXPECT_EQ(joined_BCFHW.slice(2, 0, 2).abs().max().item<float>(), 0);
  EXPECT_TRUE(joined_BCFHW.slice(2, 2).equal(x_BCFHW));
}

TEST(Stream, GoesOnWithTheLastFramesItSaw) {
  Stream stream;
  const auto video_BCFHW = torch::rand({1, 4, 5, 3, 5}).contiguous(kChannelsLast);
  stream.join(&stream, video_BCFHW.slice(2, 0, 3), 2);
  EXPECT_TRUE(stream.join(&stream, video_BCFHW.slice(2, 3), 2).equal(video_BCFHW.slice(2, 1)));
}

TEST(Stream, RemembersNothingAfterTheLastChunk) {
  Stream stream;
  stream.last = true;
  stream.join(&stream, torch::rand({1, 4, 5, 3, 5}), 2);
  EXPECT_TRUE(stream.history.empty());
}

}  // namespace
