// SPDX-License-Identifier: Apache-2.0
#include "catalog/request.h"

#include "base/error.h"
#include "base/text.h"
#include "catalog/parse.h"

namespace catalog {
namespace {

using base::Json;
using R = GenerateRequest;

constexpr int kMaxCharacters = 1'000'000;
constexpr int kMaxSeconds = 3'600;
constexpr int kMaxSteps = 1'000;
constexpr int64_t kMaxSeed = std::numeric_limits<int64_t>::max();

// Every member once, by its own name. What may be asked for is the endpoint's business; these
// limits are those of sanity alone.
constexpr Field kMembers[] = {
    {"prompt", Text{&R::prompt, 1, kMaxCharacters}, "", true},
    {"negative_prompt", Text{&R::negative_prompt, 0, kMaxCharacters}, ""},
    {"width", Side{&specs::Size::width, {}}, "", true},
    {"height", Side{&specs::Size::height, {}}, "", true},
    {"seconds", Whole{&R::seconds, 1, kMaxSeconds, 5}, ""},
    {"seed", Whole{&R::seed, -1, kMaxSeed, -1}, ""},
    {"steps", Whole{&R::steps, 1, kMaxSteps, {}}, ""},
    {"guidance", Real{&R::guidance, 0, 1'000, {}}, ""},
    {"flow_shift", Real{&R::flow_shift, 0, 1'000, {}}, ""},
    {"loras", Loras{&R::loras, 100}, ""},
    {"high_noise_loras", Loras{&R::high_noise_loras, 100}, ""},
    {"low_noise_loras", Loras{&R::low_noise_loras, 100}, ""},
    {"fast_mode", Flag{&R::fast_mode, false}, ""},
    {"prompt_expansion", Flag{&R::prompt_expansion, false}, ""},
    {"safety_checker", Flag{&R::safety_checker, true}, ""},
    {"sync_mode", Flag{&R::sync_mode, false}, ""},
    {"base64_output", Flag{&R::base64_output, false}, ""},
    {"webhook_url", Text{&R::webhook_url, 0, kMaxUrlCharacters}, ""},
    {"webhook_test", Flag{&R::webhook_test, false}, ""},
    {"webhook_test_status", Text{&R::webhook_test_status, 0, 100}, ""},
};

// ── one member as JSON; null where it is absent ─────────────────────────────────────────────────

template <typename Value>
Json as_json(const Value& value) {
  return value;
}

template <typename Value>
Json as_json(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json as_json(const std::vector<Lora>& loras) {
  auto list = Json::array();
  for (const auto& lora : loras) list.push_back({{"path", lora.path}, {"scale", lora.scale}});
  return list;
}

Json member_of(const Side& rule, const R& request) {
  return request.size.*rule.side;
}

Json member_of(const Whole& rule, const R& request) {
  return std::visit([&](auto into) { return as_json(request.*into); }, rule.into);
}

template <typename RuleType>
Json member_of(const RuleType& rule, const R& request) {
  if constexpr (requires { rule.into; }) return as_json(request.*rule.into);
  return {};
}

}  // namespace

Json to_json(const GenerateRequest& request) {
  auto json = Json::object();
  for (const auto& member : kMembers) {
    auto value =
        std::visit([&](const auto& rule) { return member_of(rule, request); }, member.rule);
    if (!value.is_null()) json[std::string(member.name)] = std::move(value);
  }
  return json;
}

GenerateRequest from_json(const Json& json) {
  const auto parsed = check_fields(kMembers, json);
  if (parsed.complaints.empty()) return parsed.request;
  throw base::Error(base::Fault::invalid, base::text("request: ", message_of(parsed.complaints)));
}

}  // namespace catalog
