// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

namespace base {
namespace {

// Of what somebody sent, so much is repeated to him.
constexpr size_t kMostShown = 200;

// nlohmann's reason without its own name, "[json.exception.parse_error.101] ".
std::string reason_of(const Json::exception& error) {
  const std::string text = error.what();
  const auto name = text.find("] ");
  const auto begin = name == std::string::npos ? 0 : name + 2;
  return text.substr(begin, kMostShown) + (text.size() - begin > kMostShown ? "…" : "");
}

// Reads the text once for what nlohmann itself neither limits nor refuses: depth and duplicate
// keys. Its functions are the events of nlohmann's SAX interface. (Its parser callback would do as
// well, but takes quadratic time in the number of members.)
class Guard {
 public:
  Guard(std::string_view what, int max_depth) : what_(what), max_depth_(max_depth) {}

  bool start_object(size_t) { return begin(); }
  bool start_array(size_t) { return begin(); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }

  bool key(std::string& key) {
    if (!keys_.back().insert(key).second) {
      throw Error(Fault::invalid,
                  text(what_, ": JSON has the key \"", key.substr(0, kMostShown), "\" twice"));
    }
    return true;
  }

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(Json::number_integer_t) { return true; }
  bool number_unsigned(Json::number_unsigned_t) { return true; }
  bool number_float(Json::number_float_t, const std::string&) { return true; }
  bool string(std::string&) { return true; }
  bool binary(Json::binary_t&) { return true; }

  // Ends the reading; the parse proper says what is wrong.
  bool parse_error(size_t, const std::string&, const Json::exception&) { return false; }

 private:
  bool begin() {
    if (keys_.size() >= static_cast<size_t>(max_depth_)) {
      throw Error(Fault::invalid, text(what_, ": JSON is nested deeper than ", max_depth_));
    }
    keys_.emplace_back();
    return true;
  }

  bool end() {
    keys_.pop_back();
    return true;
  }

  std::string_view what_;
  int max_depth_;
  std::vector<std::set<std::string>> keys_;  // of the objects around the present place
};

}  // namespace

Json parse_json(std::string_view source, std::string_view what, JsonLimits limits) {
  if (source.size() > limits.bytes) {
    throw Error(Fault::invalid,
                text(what, ": ", source.size(), " bytes of JSON, at most ", limits.bytes));
  }
  try {
    Guard guard(what, limits.depth);
    Json::sax_parse(source, &guard);
    return Json::parse(source);
  } catch (const Json::exception& error) {
    throw Error(Fault::invalid, text(what, ": not valid JSON: ", reason_of(error)));
  }
}

Json read_json(const std::filesystem::path& file, JsonLimits limits) {
  return parse_json(read_file(file, limits.bytes), file.string(), limits);
}

}  // namespace base
