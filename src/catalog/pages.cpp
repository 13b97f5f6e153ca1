// SPDX-License-Identifier: Apache-2.0
#include "catalog/pages.h"

#include <set>

#include "base/text.h"
#include "catalog/schema.h"

namespace catalog {
namespace {

using base::Json;
using base::text;

constexpr std::string_view kIntroduction = R"(# Endpoints

<!-- Made of src/catalog: zoetrope show endpoints --markdown > docs/models.md -->

What a server offers. Ids, fields, limits and prices are those of the hosted services, so that their
clients work when told another address. A request that breaks a rule is refused with all of its
faults at once; nothing is rounded, cut or ignored in silence.

Prices are in US dollars: of the first five seconds, and of each second more as a share of these.

)";

// Two asterisks in a line, as in 832*480 and 480*832, would be emphasis.
template <typename Cells>
std::string row(const Cells& cells) {
  std::string line;
  for (const char c : text("| ", base::join(cells, " | "), " |\n")) {
    if (c == '*') line += '\\';
    line += c;
  }
  return line;
}

template <size_t Count>
std::string head(const std::array<std::string_view, Count>& names) {
  std::array<std::string_view, Count> line;
  line.fill("---");
  return row(names) + row(line);
}

// "5", "5, 8", "5 to 10"
std::string lengths_of(const Endpoint& endpoint) {
  for (const auto& field : endpoint.fields) {
    if (const auto* rule = std::get_if<Seconds>(&field.rule))
      return base::join(rule->lengths, ", ");
    const auto* rule = std::get_if<Whole>(&field.rule);
    if (rule != nullptr && rule->into == decltype(rule->into)(&GenerateRequest::seconds)) {
      return text(rule->min, " to ", rule->max);
    }
  }
  return text(GenerateRequest().seconds);
}

// "480p", "480p, 720p"
std::vector<size_t> resolutions_of(const Endpoint& endpoint) {
  std::set<size_t> found;
  for (const auto size : sizes_of(endpoint)) found.insert(resolution_of(size));
  return {found.begin(), found.end()};
}

std::string resolution_names(const Endpoint& endpoint) {
  std::vector<std::string_view> names;
  for (const auto index : resolutions_of(endpoint)) names.push_back(kResolutions[index]);
  return base::join(names, ", ");
}

// "0.15", "480p 0.20, 720p 0.30, fast mode 0.075 less"
std::string prices_of(const Endpoint& endpoint) {
  const auto& price = endpoint.price;
  const auto resolutions = resolutions_of(endpoint);
  std::vector<std::string> parts;
  for (const auto index : resolutions) {
    const auto name = resolutions.size() > 1 ? text(kResolutions[index], " ") : "";
    parts.push_back(name + dollars(price.mills[index]));
  }
  if (price.lora_mills > 0) parts.push_back(text("LoRAs ", dollars(price.lora_mills), " more"));
  if (price.fast_discount_mills > 0) {
    parts.push_back(text("fast mode ", dollars(price.fast_discount_mills), " less"));
  }
  return base::join(parts, ", ");
}

constexpr std::array<std::string_view, 8> kColumns = {
    "POST", "Weights", "Steps", "LoRAs", "Sizes", "Seconds", "Price of 5 s", "A second more"};

std::array<std::string, kColumns.size()> cells_of(const Endpoint& endpoint) {
  const auto lengths = lengths_of(endpoint);
  return {path_of(endpoint),
          std::string(endpoint.weights),
          endpoint.fast_mode ? "few" : "full",
          find_field<Loras>(endpoint) != nullptr ? "yes" : "no",
          resolution_names(endpoint),
          lengths,
          prices_of(endpoint),
          lengths == "5" ? "" : text(endpoint.price.percent_per_second, " %")};
}

std::string default_of(const Field& field) {
  if (field.required) return "required";
  const auto schema = field_schema(field);
  if (const auto found = schema.find("default"); found != schema.end()) return found->dump();
  const bool is_number = schema.contains("minimum");
  return is_number ? "what suits the weights" : "none";
}

std::string fields_table(std::span<const Field> fields) {
  constexpr std::array<std::string_view, 4> kNames = {"Field", "Value", "Default", "Meaning"};
  auto page = head(kNames);
  for (const auto& field : fields) {
    const auto* unused = std::get_if<Unused>(&field.rule);
    const std::array<std::string, 4> cells = {
        text("`", full_name(field), "`"),
        rule_text(field.rule),
        default_of(field),
        unused != nullptr ? text("Has no effect: ", unused->reason, ".") : std::string(field.help)};
    page += row(cells);
  }
  return page;
}

// One section for all endpoints that share these fields.
std::string section(std::span<const Field> Endpoint::*fields, const Endpoint& first) {
  std::vector<std::string> paths;
  for (const auto& endpoint : endpoints()) {
    const bool shares = (endpoint.*fields).data() == (first.*fields).data();
    if (shares && paths.empty() && &endpoint != &first) return {};  // its section is an earlier one
    if (shares) paths.push_back(text("`", path_of(endpoint), "`"));
  }
  return text("\n", base::join(paths, ",\n"), ":\n\n", fields_table(first.*fields));
}

}  // namespace

std::string models_page() {
  auto page = std::string(kIntroduction) + head(kColumns);
  for (const auto& endpoint : endpoints()) page += row(cells_of(endpoint));
  page += "\n## Fields\n";
  for (const auto& endpoint : endpoints()) page += section(&Endpoint::fields, endpoint);
  page += "\n## What clients may send besides\n";
  for (const auto& endpoint : endpoints()) page += section(&Endpoint::extras, endpoint);
  return page;
}

std::string overview() {
  std::vector<std::array<std::string, kColumns.size()>> rows;
  rows.emplace_back();
  std::ranges::copy(kColumns, rows.back().begin());
  for (const auto& endpoint : endpoints()) rows.push_back(cells_of(endpoint));
  std::array<size_t, kColumns.size()> widths{};
  for (const auto& cells : rows) {
    for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  std::string page;
  for (const auto& cells : rows) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      line += cells[i] + std::string(widths[i] - cells[i].size() + 2, ' ');
    }
    page += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return page;
}

base::Json description() {
  auto list = Json::array();
  for (const auto& endpoint : endpoints()) {
    list.push_back({{"id", endpoint.id},
                    {"wire", name_of(endpoint.wire)},
                    {"path", path_of(endpoint)},
                    {"kind", name_of(endpoint.kind)},
                    {"type", type_of(endpoint)},
                    {"summary", summary_of(endpoint)},
                    {"weights", endpoint.weights},
                    {"fast_mode", endpoint.fast_mode},
                    {"base_price_mills", base_price_mills(endpoint)},
                    {"request_schema", request_schema(endpoint)}});
  }
  return list;
}

}  // namespace catalog
