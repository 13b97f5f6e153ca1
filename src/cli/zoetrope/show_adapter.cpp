// SPDX-License-Identifier: Apache-2.0
#include "cli/zoetrope/show_adapter.h"

#include <algorithm>
#include <iostream>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "lora/adapter.h"
#include "specs/specs.h"

namespace cli {
namespace {

using base::Json;
using base::text;

struct NameOfForm {
  std::string_view operator()(const lora::LowRank&) const { return "LoRA"; }
  std::string_view operator()(const lora::LoHa&) const { return "LoHa"; }
  std::string_view operator()(const lora::LoKr&) const { return "LoKr"; }
  std::string_view operator()(const lora::Difference&) const { return "difference"; }
  std::string_view operator()(const lora::Replacement&) const { return "replacement"; }
};

// How many weights are changed in which way, and of which ranks.
void count_forms(const lora::Adapter& adapter, Json& json) {
  auto& forms = json["forms"] = Json::object();
  std::set<int64_t> ranks;
  for (const auto& [parameter, changes] : adapter.changes) {
    for (const auto& change : changes) {
      const std::string form(change.magnitude ? "DoRA" : std::visit(NameOfForm(), change.form));
      forms[form] = forms.value(form, 0) + 1;
      if (const auto* pair = std::get_if<lora::LowRank>(&change.form)) {
        ranks.insert(pair->down.shape.at(0));
      }
    }
  }
  json["ranks"] = ranks;
}

std::string_view name_of(lora::Hint hint) {
  return hint == lora::Hint::high_noise  ? "high_noise"
         : hint == lora::Hint::low_noise ? "low_noise"
                                         : "";
}

// The models whose network is this one.
Json models_with(const specs::DitSpec& spec) {
  Json names = Json::array();
  for (const auto& model : specs::models()) {
    if (model.dit == spec) names.push_back(model.name);
  }
  return names;
}

std::vector<specs::DitSpec> known_networks() {
  std::vector<specs::DitSpec> networks;
  for (const auto& model : specs::models()) {
    if (std::ranges::find(networks, model.dit) == networks.end()) networks.push_back(model.dit);
  }
  return networks;
}

}  // namespace

Json describe_adapter(const std::filesystem::path& file) {
  Json json = {{"file", file.string()}, {"models", Json::array()}};
  std::string problem;
  for (const auto& network : known_networks()) {
    try {
      const auto adapter = lora::read_adapter(file, network);
      json["models"].push_back({{"names", models_with(network)},
                                {"modules", adapter->modules},
                                {"left_out", adapter->warnings()}});
      count_forms(*adapter, json);
      json["expert"] = name_of(adapter->hint);
    } catch (const base::Error& error) {
      problem = error.what();
    }
  }
  if (json["models"].empty()) json["problem"] = problem;
  return json;
}

void print_adapter(const Json& adapter) {
  std::cout << adapter["file"].get<std::string>() << '\n';
  if (adapter.contains("problem")) {
    std::cout << "  for no model that this program knows: " << adapter["problem"].get<std::string>()
              << '\n';
    return;
  }
  for (const auto& [form, count] : adapter["forms"].items()) {
    std::cout << "  " << form << " of " << count.dump() << " weights\n";
  }
  if (!adapter["ranks"].empty()) std::cout << "  rank " << adapter["ranks"].dump() << '\n';
  if (adapter["expert"] != "") {
    std::cout << "  seems made for the expert " << adapter["expert"].get<std::string>() << '\n';
  }
  for (const auto& model : adapter["models"]) {
    std::cout << "  for " << base::join(model["names"].get<std::vector<std::string>>(), ", ")
              << ": " << model["modules"].dump() << " modules\n";
    for (const auto& line : model["left_out"]) {
      std::cout << "    " << line.get<std::string>() << '\n';
    }
  }
}

}  // namespace cli
