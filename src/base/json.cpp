// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

namespace base {
namespace {

// Watches the parser's events: nlohmann itself neither limits depth nor refuses duplicate keys.
class Guard {
 public:
  Guard(std::string_view what, int max_depth) : what_(what), max_depth_(max_depth) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= max_depth_) {
        throw Error(Fault::invalid, text(what_, ": JSON is nested deeper than ", max_depth_));
      }
      keys_.resize(depth + 1);
      keys_.back().clear();
    } else if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys_.at(depth - 1).insert(key).second) {
        throw Error(Fault::invalid, text(what_, ": JSON has the key \"", key, "\" twice"));
      }
    }
    return true;
  }

 private:
  std::string_view what_;
  int max_depth_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

Json parse_json(std::string_view source, std::string_view what, JsonLimits limits) {
  if (source.size() > limits.bytes) {
    throw Error(Fault::invalid,
                text(what, ": ", source.size(), " bytes of JSON, at most ", limits.bytes));
  }
  try {
    Guard guard(what, limits.depth);
    return Json::parse(source, [&](int depth, Json::parse_event_t event, Json& parsed) {
      return guard(depth, event, parsed);
    });
  } catch (const Json::exception& error) {
    throw Error(Fault::invalid, text(what, ": not valid JSON: ", error.what()));
  }
}

Json read_json(const std::filesystem::path& file, JsonLimits limits) {
  return parse_json(read_file(file, limits.bytes), file.string(), limits);
}

}  // namespace base
