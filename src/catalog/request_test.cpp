// SPDX-License-Identifier: Apache-2.0
#include "catalog/request.h"

#include <random>

#include <gtest/gtest.h>

#include "base/error.h"
#include "catalog/parse.h"

namespace {

using base::Json;
using catalog::GenerateRequest;

GenerateRequest with_every_member() {
  GenerateRequest request;
  request.prompt = "a \"red\" ball\n雲";
  request.negative_prompt = "blur";
  request.size = {1280, 720};
  request.seconds = 8;
  request.seed = 9'999'999'999;
  request.steps = 12;
  request.guidance = 3.5;
  request.flow_shift = 8;
  request.loras = {{"a/b", 0.1}, {"https://x/y", 4}};
  request.high_noise_loras = {{"c", 1}};
  request.low_noise_loras = {{"d", 0}};
  request.fast_mode = request.prompt_expansion = true;
  request.safety_checker = false;
  request.sync_mode = request.base64_output = true;
  request.webhook_url = "https://example.com";
  request.webhook_test = true;
  request.webhook_test_status = "TASK_STATUS_FAILED";
  return request;
}

// What a worker reads after a database and a wire had the text.
GenerateRequest travelled(const GenerateRequest& request) {
  return catalog::from_json(base::parse_json(to_json(request).dump(), "request"));
}

TEST(Request, SurvivesTheWayToTheWorker) {
  EXPECT_EQ(travelled(with_every_member()), with_every_member());
  GenerateRequest plain;
  plain.prompt = "x";
  plain.size = {832, 480};
  EXPECT_EQ(travelled(plain), plain);
}

TEST(Request, OfEveryEndpointSurvivesIt) {
  for (const auto& endpoint : catalog::endpoints()) {
    auto request = check(endpoint, Json::object()).request;
    request.prompt = "x";
    EXPECT_EQ(travelled(request), request) << endpoint.id;
  }
}

TEST(Request, LeavesOutWhatIsAbsentAndKeepsTheDefaultOfWhatIsMissing) {
  GenerateRequest plain;
  plain.prompt = "x";
  plain.size = {832, 480};
  EXPECT_FALSE(to_json(plain).contains("steps"));
  EXPECT_EQ(catalog::from_json({{"prompt", "x"}, {"width", 832}, {"height", 480}}), plain);
}

TEST(Request, RefusesWhatAnotherVersionMayHaveWritten) {
  auto json = to_json(with_every_member());
  json["frames"] = 81;
  json["seed"] = "7";
  json.erase("width");
  try {
    catalog::from_json(json);
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::invalid);
    EXPECT_STREQ(error.what(),
                 "request: width: is missing; "
                 "seed: \"7\" is not a whole number from -1 to 9223372036854775807; "
                 "frames: no such field");
  }
}

// ── strangers' bodies ───────────────────────────────────────────────────────────────────────────

// JSON made of the names of the catalog and values near its limits, and of neither.
class Stranger {
 public:
  explicit Stranger(unsigned seed) : random_(seed) {}

  Json body(const catalog::Endpoint& endpoint) {
    auto body = Json::object();
    for (const auto* fields : {&endpoint.fields, &endpoint.extras}) {
      for (const auto& field : *fields) {
        if (one_in(8)) body[Json::json_pointer(pointer(field))] = value(3);
        if (field.required && !one_in(4)) body[Json::json_pointer(pointer(field))] = "a red ball";
      }
    }
    if (one_in(4)) body[text()] = value(3);
    return one_in(20) ? value(3) : body;
  }

 private:
  bool one_in(int count) { return pick(count) == 0; }
  int pick(int count) { return std::uniform_int_distribution(0, count - 1)(random_); }

  static std::string pointer(const catalog::Field& field) {
    auto path = "/" + full_name(field);
    std::ranges::replace(path, '.', '/');
    return path;
  }

  std::string text() {
    const std::string texts[] = {"",
                                 "832*480",
                                 "1280*720",
                                 "path",
                                 "scale",
                                 "promt",
                                 "https://example.com/a",
                                 std::string(3, '\0'),
                                 std::string(20'000, 'y'),
                                 "TASK_STATUS_FAILED",
                                 "input.prompt",
                                 "雲"};
    return texts[pick(std::size(texts))];
  }

  Json number() {
    const Json numbers[] = {0,
                            -1,
                            1,
                            5,
                            8,
                            8.0,
                            0.5,
                            480,
                            832,
                            1e300,
                            -1e-300,
                            9'999'999'999,
                            std::numeric_limits<int64_t>::min(),
                            std::numeric_limits<uint64_t>::max(),
                            std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN()};
    return numbers[pick(std::size(numbers))];
  }

  Json value(int depth) {
    switch (pick(depth > 0 ? 7 : 4)) {
      case 0:
        return text();
      case 1:
        return number();
      case 2:
        return one_in(2);
      case 3:
        return nullptr;
      case 4: {
        auto list = Json::array();
        for (int i = pick(5); i > 0; --i) list.push_back(value(depth - 1));
        return list;
      }
      default: {
        auto object = Json::object();
        for (int i = pick(5); i > 0; --i) object[text()] = value(depth - 1);
        return object;
      }
    }
  }

  std::mt19937 random_;
};

TEST(Request, OfAStrangerIsEitherRefusedInWordsOrKeepsEveryPromise) {
  Stranger stranger(1);
  int accepted = 0;
  for (int round = 0; round < 300; ++round) {
    for (const auto& endpoint : catalog::endpoints()) {
      const auto body = stranger.body(endpoint);
      try {
        const auto request = parse(endpoint, body).request;
        EXPECT_EQ(travelled(request), request);
        EXPECT_EQ(std::ranges::count(sizes_of(endpoint), request.size), 1);
        EXPECT_GT(price_mills(endpoint, request), 0);
        ++accepted;
      } catch (const base::Error& error) {
        EXPECT_EQ(error.fault(), base::Fault::invalid);
        EXPECT_NO_THROW(Json(error.what()).dump()) << "not UTF-8";
      }
    }
  }
  EXPECT_GT(accepted, 1'000);
}

}  // namespace
