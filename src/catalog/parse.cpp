// SPDX-License-Identifier: Apache-2.0
#include "catalog/parse.h"

#include "base/error.h"
#include "base/text.h"
#include "catalog/read_field.h"
#include "catalog/values.h"

namespace catalog {
namespace {

using base::Json;
using base::text;
using Fields = std::span<const Field>;

constexpr size_t kMaxComplaints = 50;  // more than there are fields; strangers may send any number

// The value of the field, or nullptr where it is absent or null.
const Json* find_value(const Json& body, const Field& field) {
  const auto* holder = &body;
  for (auto rest = field.group; !rest.empty() && holder != nullptr;) {
    const auto word = rest.substr(0, rest.find('.'));
    holder = member(*holder, word);
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return holder == nullptr ? nullptr : member(*holder, field.name);
}

bool is_group(std::string_view path, Fields fields) {
  return std::ranges::any_of(fields, [&](const Field& field) {
    return field.group == path || field.group.starts_with(text(path, "."));
  });
}

// "extra.webhook" -> "extra" -> ""
std::string parent_of(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}

// The path of the field or group whose name is most like this one; empty where none is.
std::string suggestion(std::string_view name, Fields fields) {
  std::vector<std::string> paths;
  for (const auto& field : fields) {
    for (auto path = full_name(field); !path.empty(); path = parent_of(path)) paths.push_back(path);
  }
  std::vector<std::string_view> names;
  names.reserve(paths.size());
  for (const std::string_view path : paths) names.push_back(path.substr(path.rfind('.') + 1));
  const auto meant = std::ranges::find(names, base::nearest(name, names));
  return meant == names.end() ? "" : paths[static_cast<size_t>(meant - names.begin())];
}

// Complains of names in the object that no field has, and of groups that are no objects.
void check_names(const Json& object, const std::string& group, Fields fields, Parsed& parsed) {
  for (const auto& [name, value] : object.items()) {
    if (parsed.complaints.size() == kMaxComplaints) return;  // a suggestion costs a search
    const auto path = group.empty() ? name : text(group, ".", name);
    const bool is_plain = name.find('.') == std::string::npos;
    if (is_plain && is_group(path, fields)) {
      if (value.is_object()) {
        check_names(value, path, fields, parsed);
      } else if (!value.is_null()) {
        parsed.complain(path, shown(value) + " is not an object");
      }
    } else if (!is_plain || std::ranges::find(fields, path, full_name) == fields.end()) {
      const auto meant = suggestion(name, fields);
      parsed.complain(
          text(group, group.empty() ? "" : ".", shown_name(name)),
          text("no such field", meant.empty() ? "" : text("; did you mean ", meant, "?")));
    }
  }
}

// ── rules that bind two fields ──────────────────────────────────────────────────────────────────

// One side alone says nothing: as the vendor has it, the default is one of both together.
void check_sides(Fields fields, const Json& body, Parsed& parsed) {
  std::vector<const Field*> given, absent;
  for (const auto& field : fields) {
    if (!std::holds_alternative<Side>(field.rule)) continue;
    (find_value(body, field) != nullptr ? given : absent).push_back(&field);
  }
  if (given.empty()) return;
  const auto sizes = std::get<Side>(given[0]->rule).sizes;
  if (sizes.empty()) return;
  auto& size = parsed.request.size;
  if (!absent.empty()) {
    size = sizes.front();
    parsed.warnings.push_back(text(full_name(*given[0]),
                                   ": has no effect without ",
                                   full_name(*absent[0]),
                                   "; the video is ",
                                   size_name(size),
                                   ", the default"));
  } else if (size.width > 0 && size.height > 0 && std::ranges::count(sizes, size) == 0) {
    parsed.complain(full_name(*given[1]),
                    text(size_name(size), " is not ", rule_text(SizeName{sizes})));
  }
}

void check_length(Fields fields, Parsed& parsed) {
  const auto& [width, height] = parsed.request.size;
  for (const auto& field : fields) {
    const auto* rule = std::get_if<Seconds>(&field.rule);
    if (rule == nullptr || parsed.request.seconds <= rule->lengths.front()) continue;
    if (int64_t{width} * height <= rule->max_pixels_if_longer) continue;
    parsed.complain(full_name(field),
                    text(parsed.request.seconds,
                         " is not ",
                         rule->lengths.front(),
                         ", the only length at ",
                         size_name(parsed.request.size)));
  }
}

// A rehearsal needs somebody who watches.
void check_webhook(Fields fields, const Json& body, Parsed& parsed) {
  if (!parsed.request.webhook_test) return;
  for (const auto& field : fields) {
    const bool is_missing = find_value(body, field) == nullptr;
    if (std::holds_alternative<Url>(field.rule) && is_missing) {
      parsed.complain(full_name(field), "is missing");
    }
  }
}

void read_fields(Fields fields, const Json& body, Parsed& parsed) {
  if (!body.is_object()) {
    return parsed.complain("request body", shown(body) + " is not an object");
  }
  for (const auto& field : fields) {
    if (const auto* value = find_value(body, field)) {
      read_value(field, *value, parsed);
    } else if (field.required) {
      parsed.complain(full_name(field), "is missing");
    }
  }
  // Defaults come last: they depend on the mode that was asked for.
  for (const auto& field : fields) {
    if (!field.required && find_value(body, field) == nullptr) apply_preset(field, parsed);
  }
  check_sides(fields, body, parsed);
  check_length(fields, parsed);
  check_webhook(fields, body, parsed);
  check_names(body, "", fields, parsed);
}

}  // namespace

void Parsed::complain(std::string field, std::string message) {
  if (complaints.size() == kMaxComplaints) return;
  complaints.push_back({std::move(field), std::move(message)});
}

Parsed check(const Endpoint& endpoint, const Json& body) {
  std::vector<Field> fields(endpoint.fields.begin(), endpoint.fields.end());
  fields.insert(fields.end(), endpoint.extras.begin(), endpoint.extras.end());
  Parsed parsed;
  parsed.request.fast_mode = endpoint.fast_mode;
  read_fields(fields, body, parsed);
  return parsed;
}

Parsed parse(const Endpoint& endpoint, const Json& body) {
  auto parsed = check(endpoint, body);
  if (parsed.complaints.empty()) return parsed;
  throw base::Error(base::Fault::invalid, message_of(parsed.complaints));
}

Parsed check_fields(std::span<const Field> fields, const Json& body) {
  Parsed parsed;
  read_fields(fields, body, parsed);
  return parsed;
}

std::string message_of(std::span<const Complaint> complaints) {
  std::vector<std::string> lines;
  for (const auto& [field, message] : complaints) lines.push_back(text(field, ": ", message));
  return base::join(lines, "; ");
}

}  // namespace catalog
