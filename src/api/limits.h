// SPDX-License-Identifier: Apache-2.0
// How much one request may ask for. The API's description (openapi_schemas.cpp) says the same.
#pragma once

#include <cstddef>
#include <cstdint>

namespace api {

inline constexpr int64_t kMostPages = 1'000'000;
inline constexpr int64_t kMostPageSize = 100;  // source: wire-apis A1 row 4
inline constexpr size_t kMostDeleted = 1000;
inline constexpr size_t kMostContentType = 255;
inline constexpr size_t kMostIdempotencyKey = 255;

// Of workers.
inline constexpr int64_t kMostWaitMs = 30'000;
inline constexpr size_t kMostWeights = 64;
inline constexpr int64_t kMostAttempts = 1'000'000;
inline constexpr int64_t kMostSteps = 1'000'000;
inline constexpr double kMostSeconds = 1e9;
inline constexpr size_t kMostWarnings = 100;

}  // namespace api
