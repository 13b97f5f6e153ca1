// SPDX-License-Identifier: Apache-2.0
#include "catalog/read_field.h"

#include "base/text.h"
#include "catalog/values.h"

namespace catalog {
namespace {

using base::Json;
using base::text;

void store(int64_t number, int64_t& member) {
  member = number;
}
void store(int64_t number, int& member) {
  member = static_cast<int>(number);
}
void store(int64_t number, std::optional<int>& member) {
  member = static_cast<int>(number);
}

// Each take() knows one rule and stores the value or complains.
class Reader {
 public:
  Reader(const Field& field, Parsed& parsed)
      : parsed_(parsed), request_(parsed.request), path_(full_name(field)) {}

  void take(const Text& rule, const Json& value) {
    read_text(value, rule.min_characters, rule.max_characters, request_.*rule.into);
  }

  void take(const Url& rule, const Json& value) {
    std::string url;
    if (!read_text(value, 1, kMaxUrlCharacters, url)) return;
    if (!is_url(url)) return refuse(value, rule);
    request_.*rule.into = url;
  }

  void take(const Choice& rule, const Json& value) {
    const auto option = std::ranges::find(rule.options, as_text(value));
    if (option == rule.options.end()) return refuse(value, rule);
    request_.*rule.into = *option;
  }

  void take(const SizeName& rule, const Json& value) {
    const auto size = std::ranges::find(rule.sizes, as_text(value), size_name);
    if (size == rule.sizes.end()) return refuse(value, rule);
    request_.size = *size;
  }

  void take(const Side& rule, const Json& value) {
    const auto side = as_whole(value).value_or(0);
    const auto has_it = [&](specs::Size size) { return size.*rule.side == side; };
    const bool is_allowed = rule.sizes.empty() ? side >= 1 && side <= kMaxSide
                                               : std::ranges::any_of(rule.sizes, has_it);
    if (!is_allowed) return refuse(value, rule);
    request_.size.*rule.side = static_cast<int>(side);
  }

  void take(const Seconds& rule, const Json& value) {
    const auto length = std::ranges::find(rule.lengths, as_whole(value).value_or(0));
    if (length == rule.lengths.end()) return refuse(value, rule);
    request_.seconds = *length;
  }

  void take(const Whole& rule, const Json& value) {
    const auto number = as_whole(value);
    if (!number || *number < rule.min || *number > rule.max) return refuse(value, rule);
    std::visit([&](auto into) { store(*number, request_.*into); }, rule.into);
  }

  void take(const Real& rule, const Json& value) {
    const auto number = as_finite(value);
    if (!number || *number < rule.min || *number > rule.max) return refuse(value, rule);
    request_.*rule.into = *number;
  }

  void take(const Flag& rule, const Json& value) {
    if (!value.is_boolean()) return refuse(value, rule);
    request_.*rule.into = value.get<bool>();
  }

  void take(const Loras& rule, const Json& value) {
    if (!value.is_array()) return refuse(value, rule);
    if (value.size() > rule.max_items) {
      return complain(text(value.size(), " LoRAs, at most ", rule.max_items, " are allowed"));
    }
    const auto list = path_;
    for (size_t i = 0; i < value.size(); ++i) {
      path_ = text(list, "[", i, "]");
      (request_.*rule.into).push_back(read_lora(value[i]));
    }
  }

  void take(const Unused& rule, const Json&) {
    parsed_.warnings.push_back(text(path_, ": has no effect; ", rule.reason));
  }

 private:
  // False where the value is no such text, with the reason among the complaints.
  bool read_text(const Json& value, int min, int max, std::string& into) {
    if (!value.is_string()) {
      complain(shown(value) + " is not a text");
      return false;
    }
    const auto string = as_text(value);
    const auto characters = count_characters(string);
    if (characters > max) {
      complain(text(characters, " characters, at most ", max, " are allowed"));
    } else if (min > 0 && string.find_first_not_of(" \t\r\n") == std::string::npos) {
      complain("is empty");
    } else if (string.find('\0') != std::string::npos) {
      complain("holds the character U+0000");  // which PostgreSQL does not store
    } else {
      into = string;
      return true;
    }
    return false;
  }

  Lora read_lora(const Json& item) {
    Lora lora;
    if (!item.is_object()) {
      complain(shown(item) + " is not {\"path\": …, \"scale\": …}");
      return lora;
    }
    const auto item_path = path_;
    path_ = item_path + ".path";
    if (const auto* path = member(item, "path")) {
      read_text(*path, 1, kMaxUrlCharacters, lora.path);
    } else {
      complain("is missing");
    }
    path_ = item_path + ".scale";
    if (const auto* scale = member(item, "scale")) {
      lora.scale = as_finite(*scale).value_or(-1);
      if (lora.scale < 0 || lora.scale > kMaxLoraScale) {
        complain(text(shown(*scale), " is not a number from 0 to ", kMaxLoraScale));
      }
    }
    for (const auto& [name, value] : item.items()) {
      if (name == "path" || name == "scale") continue;
      parsed_.complain(text(item_path, ".", shown_name(name)),
                       "no such field; a LoRA has path and scale");
    }
    return lora;
  }

  void complain(const std::string& message) { parsed_.complain(path_, message); }

  void refuse(const Json& value, const Rule& rule) {
    complain(text(shown(value), " is not ", rule_text(rule)));
  }

  Parsed& parsed_;
  GenerateRequest& request_;
  std::string path_;  // of the value at hand
};

// Each preset() knows one rule and stores its default.
void preset(const Choice& rule, GenerateRequest& request) {
  request.*rule.into = rule.options.front();
}
void preset(const SizeName& rule, GenerateRequest& request) {
  request.size = rule.sizes.front();
}
void preset(const Side& rule, GenerateRequest& request) {
  request.size.*rule.side = rule.sizes.front().*rule.side;
}
void preset(const Seconds& rule, GenerateRequest& request) {
  request.seconds = rule.lengths.front();
}
void preset(const Whole& rule, GenerateRequest& request) {
  const bool is_tuning = std::holds_alternative<Into<std::optional<int>>>(rule.into);
  if (!rule.preset || (is_tuning && request.fast_mode)) return;
  std::visit([&](auto into) { store(*rule.preset, request.*into); }, rule.into);
}
void preset(const Real& rule, GenerateRequest& request) {
  if (!request.fast_mode) request.*rule.into = rule.preset;
}
void preset(const Flag& rule, GenerateRequest& request) {
  request.*rule.into = rule.preset;
}
template <typename Empty>
void preset(const Empty&, GenerateRequest&) {}  // texts and lists

}  // namespace

void read_value(const Field& field, const Json& value, Parsed& parsed) {
  Reader reader(field, parsed);
  std::visit([&](const auto& rule) { reader.take(rule, value); }, field.rule);
}

void apply_preset(const Field& field, Parsed& parsed) {
  std::visit([&](const auto& rule) { preset(rule, parsed.request); }, field.rule);
}

}  // namespace catalog
