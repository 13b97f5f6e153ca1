// SPDX-License-Identifier: Apache-2.0
#include "worker/request.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace worker {
namespace {

using base::Json;
using base::text;

// Members of an object; what is wrong with them is collected.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}

  std::optional<std::string> text_of(const char* name) {
    const auto* value = find(name, &Json::is_string, "a text");
    return value ? std::optional(value->get<std::string>()) : std::nullopt;
  }

  std::optional<int64_t> whole_number(const char* name, int64_t least, int64_t most) {
    const auto* value = find(name, &Json::is_number_integer, "a whole number");
    if (value == nullptr) return std::nullopt;
    // A number beyond int64_t is unsigned and would come out negative.
    const bool is_huge = value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX;
    if (!is_huge && value->get<int64_t>() >= least && value->get<int64_t>() <= most) {
      return value->get<int64_t>();
    }
    complaints_.push_back(text(name, ": ", value->dump(), " is not in ", least, "..", most));
    return std::nullopt;
  }

  std::optional<double> number(const char* name) {
    const auto* value = find(name, &Json::is_number, "a number");
    return value ? std::optional(value->get<double>()) : std::nullopt;
  }

  std::vector<AskedAdapter> adapters(const char* name) {
    const auto* list = find(name, &Json::is_array, "a list");
    if (list == nullptr) return {};
    std::vector<AskedAdapter> asked;
    for (const auto& item : *list) {
      try {
        asked.push_back({item.at("path"), item.at("scale")});
      } catch (const Json::exception&) {
        complaints_.push_back(text(name, ": ", item.dump(), " is not a path and a scale"));
      }
    }
    return asked;
  }

  void require(const char* name) {
    if (!object_.contains(name)) complaints_.push_back(text(name, ": is missing"));
  }

  void refuse() const {
    if (complaints_.empty()) return;
    throw base::Error(base::Fault::invalid, base::join(complaints_, "\n"));
  }

 private:
  // Null where there is no such member, or one of another type.
  const Json* find(const char* name, bool (Json::*is_right)() const noexcept, const char* type) {
    const auto found = object_.find(name);
    if (found == object_.end()) return nullptr;
    if (((*found).*is_right)()) return &*found;
    complaints_.push_back(text(name, ": is ", found->type_name(), ", expected ", type));
    return nullptr;
  }

  const Json& object_;
  std::vector<std::string> complaints_;
};

}  // namespace

AskedVideo read_text_to_video(const Json& request) {
  if (!request.is_object()) {
    throw base::Error(base::Fault::invalid,
                      text("request: is ", request.type_name(), ", expected an object"));
  }
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  Reader reader(request);
  for (const auto* name : {"prompt", "width", "height", "seconds"}) reader.require(name);
  pipelines::TextToVideoOptions options{
      .prompt = reader.text_of("prompt").value_or(""),
      .negative_prompt = reader.text_of("negative_prompt"),
      .size = specs::Size{static_cast<int>(reader.whole_number("width", 1, kMost).value_or(1)),
                          static_cast<int>(reader.whole_number("height", 1, kMost).value_or(1))},
      .seconds = reader.number("seconds"),
      .steps = reader.whole_number("steps", 1, kMost),
      .guidance_high = reader.number("guidance"),
      .shift = reader.number("flow_shift"),
      .seed = reader.whole_number("seed", -1, INT64_MAX).value_or(-1)};
  options.guidance_low = options.guidance_high;
  // The official code takes its own where it is given an empty one.
  if (options.negative_prompt == "") options.negative_prompt.reset();
  AskedAdapters adapters{.all = reader.adapters("loras"),
                         .high_noise = reader.adapters("high_noise_loras"),
                         .low_noise = reader.adapters("low_noise_loras")};
  reader.refuse();
  return {std::move(options), std::move(adapters)};
}

}  // namespace worker
