// SPDX-License-Identifier: Apache-2.0
#include "kernels/parallel.h"

#include <atomic>
#include <stdexcept>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace {

TEST(ParallelFor, VisitsEveryNumberOnce) {
  std::array<std::atomic<int>, 1000> visits{};
  kernels::parallel_for(1000, 7, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
  });
  for (const auto& count : visits) EXPECT_EQ(count, 1);
}

TEST(ParallelFor, UsesTorchsThreads) {
  at::set_num_threads(2);
  std::atomic<int> ranges{0};
  std::atomic<int> numbers{0};
  kernels::parallel_for(1000, 1, [&](int64_t, int64_t) {
    ++ranges;
    numbers += at::get_thread_num();
  });
  EXPECT_EQ(ranges, 2);
  EXPECT_EQ(numbers, 1);  // threads 0 and 1
}

TEST(ParallelFor, HandsAnExceptionOn) {
  const auto fail = [](int64_t, int64_t) { throw std::runtime_error("no"); };
  EXPECT_THROW(kernels::parallel_for(10, 1, fail), std::runtime_error);
}

}  // namespace
