// SPDX-License-Identifier: Apache-2.0
// Every rule of every row: what it allows is taken to the edge, and nothing beyond.
#include <cmath>

#include <gtest/gtest.h>

#include "catalog/parse.h"

namespace {

using base::Json;
using catalog::Endpoint;
using catalog::Field;

struct Samples {
  std::vector<Json> good, bad;
};

std::string letters(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "é";
  return text;
}

Samples samples(const catalog::Text& rule) {
  Samples samples{{letters(rule.max_characters)}, {letters(rule.max_characters + 1), 5, true}};
  (rule.min_characters > 0 ? samples.bad : samples.good).emplace_back("");
  return samples;
}

Samples samples(const catalog::Url&) {
  return {{"http://a", "https://a/b?c=d"},
          {"",
           "a",
           "ftp://a",
           "http://",
           "http:///a",
           "http://u@a/",
           "http://a\\@b/",
           "http://a b",
           "http://é",
           5,
           "http://" + std::string(5000, 'a')}};
}

Samples samples(const catalog::Choice& rule) {
  return {{rule.options.begin(), rule.options.end()}, {"", "else", 0}};
}

Samples samples(const catalog::SizeName& rule) {
  Samples samples{{}, {"832x480", "480", "", 832, "1*1"}};
  for (const auto size : rule.sizes) samples.good.push_back(catalog::size_name(size));
  return samples;
}

Samples samples(const catalog::Side&) {
  return {{}, {0, 1, -480, 481, "480", 480.5, true}};  // what is good depends on the other side
}

Samples samples(const catalog::Seconds& rule) {
  return {{rule.lengths.begin(), rule.lengths.end()},
          {rule.lengths.front() - 1, rule.lengths.back() + 1, "5", 5.5, true}};
}

Samples samples(const catalog::Whole& rule) {
  return {{rule.min, rule.max, static_cast<double>(rule.max)},
          {rule.min - 1, rule.max + 1, static_cast<double>(rule.min) + 0.5, "5", false}};
}

Samples samples(const catalog::Real& rule) {
  return {
      {rule.min, rule.max, (rule.min + rule.max) / 2},
      {std::nextafter(rule.min, -1e9), std::nextafter(rule.max, 1e9), "5", true, Json::array()}};
}

Samples samples(const catalog::Flag&) {
  return {{true, false}, {0, 1, "true", Json::object()}};
}

Json loras(size_t count, const Json& scale) {
  auto list = Json::array();
  while (list.size() < count) list.push_back({{"path", "a/b"}, {"scale", scale}});
  return list;
}

Samples samples(const catalog::Loras& rule) {
  return {{loras(0, 1), loras(rule.max_items, 4), loras(1, 0), loras(1, nullptr)},
          {loras(rule.max_items + 1, 1), loras(1, 4.001), loras(1, -0.001), loras(1, "1"), "a/b"}};
}

Samples samples(const catalog::Unused&) {
  return {{"anything", 1, Json::array()}, {}};
}

// {"input": {"prompt": "x"}}, with the value at the place of the field.
Json body_with(const Endpoint& endpoint, const Field& field, const Json& value) {
  auto body = Json::object();
  const auto put = [&](const Field& at, const Json& what) {
    auto pointer = "/" + full_name(at);
    std::ranges::replace(pointer, '.', '/');
    body[Json::json_pointer(pointer)] = what;
  };
  for (const auto& other : endpoint.fields) {
    if (other.required) put(other, "x");
    // The smallest, so that every length is allowed.
    if (std::holds_alternative<catalog::SizeName>(other.rule)) {
      put(other, catalog::size_name(sizes_of(endpoint).back()));
    }
  }
  for (const auto& extra : endpoint.extras) {
    if (std::holds_alternative<catalog::Url>(extra.rule)) put(extra, "https://a");
  }
  put(field, value);
  return body;
}

TEST(Limits, HoldOnBothSidesForEveryFieldOfEveryEndpoint) {
  for (const auto& endpoint : catalog::endpoints()) {
    for (const auto* fields : {&endpoint.fields, &endpoint.extras}) {
      for (const auto& field : *fields) {
        const auto [good, bad] = std::visit([](const auto& r) { return samples(r); }, field.rule);
        for (const auto& value : good) {
          const auto body = body_with(endpoint, field, value);
          EXPECT_EQ(message_of(check(endpoint, body).complaints), "") << endpoint.id << ' ' << body;
        }
        for (const auto& value : bad) {
          const auto complaints = check(endpoint, body_with(endpoint, field, value)).complaints;
          ASSERT_EQ(complaints.size(), 1u)
              << endpoint.id << ' ' << full_name(field) << ' ' << value;
          EXPECT_TRUE(complaints[0].field.starts_with(full_name(field))) << complaints[0].field;
        }
      }
    }
  }
}

TEST(Limits, OfOneSideAreThoseOfTheOther) {
  for (const auto& endpoint : catalog::endpoints()) {
    if (catalog::find_field<catalog::Side>(endpoint) == nullptr) continue;
    for (const auto size : sizes_of(endpoint)) {
      const auto parsed =
          check(endpoint, {{"prompt", "x"}, {"width", size.width}, {"height", size.height}});
      EXPECT_EQ(parsed.request.size, size);
      EXPECT_TRUE(parsed.complaints.empty() && parsed.warnings.empty());
    }
  }
}

TEST(Limits, LetEveryEndpointRunOnAPromptAlone) {
  for (const auto& endpoint : catalog::endpoints()) {
    const auto* prompt = catalog::find_field<catalog::Text>(endpoint);
    const auto body = prompt->group.empty() ? Json{{"prompt", "x"}}
                                            : Json{{std::string(prompt->group), {{"prompt", "x"}}}};
    const auto parsed = parse(endpoint, body);
    EXPECT_EQ(parsed.request.prompt, "x");
    EXPECT_EQ(parsed.request.size, sizes_of(endpoint).front());
    EXPECT_EQ(parsed.request.seconds, 5);
    EXPECT_EQ(parsed.request.fast_mode, endpoint.fast_mode);
    EXPECT_TRUE(parsed.warnings.empty());
  }
}

}  // namespace
