// SPDX-License-Identifier: Apache-2.0
// zoetrope show: what a weights file or a model's folder holds, read from headers alone; or what a
// server offers.
#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "catalog/pages.h"
#include "cli/options.h"
#include "cli/zoetrope/commands.h"
#include "cli/zoetrope/show_adapter.h"
#include "weights/checkpoint.h"
#include "weights/installed.h"

namespace cli {
namespace {

using base::Json;
using base::text;

struct Request {
  std::vector<std::string> paths;
  bool json = false;
  bool markdown = false;
};

constexpr Option<Request> kOptions[] = {
    {"PATH",
     "",
     &Request::paths,
     "A file, a folder, or the name of an installed model. Several are taken as parts of one "
     "model. The word endpoints: what a server offers.",
     {.required = true}},
    {"--json", "", &Request::json, "One JSON object; of endpoints, a list."},
    {"--markdown", "", &Request::markdown, "Of endpoints: the text of docs/models.md."},
};
constexpr Form<Request> kForm = {
    "zoetrope show",
    "Tells what weights files or the folder of a model hold, or what a server offers.",
    kOptions,
    "A file that is called endpoints is ./endpoints."};

// ── the description as JSON, from which the plain text is made too ──

Json describe(const specs::DitSpec& spec) {
  Json json = {{"dim", spec.dim},
               {"ffn_dim", spec.ffn_dim},
               {"num_heads", spec.num_heads},
               {"num_layers", spec.num_layers},
               {"in_dim", spec.in_dim},
               {"out_dim", spec.out_dim},
               {"freq_dim", spec.freq_dim},
               {"text_dim", spec.text_dim},
               {"text_len", spec.text_len}};
  if (spec.clip_dim > 0) json["clip_dim"] = spec.clip_dim;
  if (spec.image_tokens > 0) json["image_tokens"] = spec.image_tokens;
  return json;
}

Json describe(const specs::Umt5Spec& spec) {
  return {{"vocab", spec.vocab},
          {"dim", spec.dim},
          {"dim_attn", spec.dim_attn},
          {"dim_ffn", spec.dim_ffn},
          {"num_heads", spec.num_heads},
          {"num_layers", spec.num_layers}};
}

Json describe(const specs::VaeSpec& spec) {
  return {{"kind", spec.kind == specs::VaeKind::vae21 ? "2.1" : "2.2"},
          {"dim", spec.dim},
          {"decoder_dim", spec.decoder_dim},
          {"z_dim", spec.z_dim}};
}

Json describe(const specs::ClipSpec& spec) {
  return {{"image_size", spec.image_size},
          {"patch_size", spec.patch_size},
          {"dim", spec.dim},
          {"mlp_dim", spec.mlp_dim},
          {"num_heads", spec.num_heads},
          {"num_layers", spec.num_layers}};
}

std::string_view network_name(const specs::DitSpec&) {
  return "WanModel";
}
std::string_view network_name(const specs::Umt5Spec&) {
  return "UMT5 encoder";
}
std::string_view network_name(const specs::VaeSpec&) {
  return "WanVAE";
}
std::string_view network_name(const specs::ClipSpec&) {
  return "CLIP image tower";
}

// The models that have exactly this network.
bool has(const specs::ModelSpec& model, const specs::DitSpec& spec) {
  return model.dit == spec;
}
bool has(const specs::ModelSpec& model, const specs::Umt5Spec& spec) {
  return model.umt5 == spec;
}
bool has(const specs::ModelSpec& model, const specs::VaeSpec& spec) {
  return model.vae == spec;
}
bool has(const specs::ModelSpec&, const specs::ClipSpec&) {
  return false;
}

template <typename Spec>
Json models_with(const Spec& spec) {
  Json names = Json::array();
  for (const auto& model : specs::models()) {
    if (has(model, spec)) names.push_back(model.name);
  }
  return names;
}

void count(const weights::TensorView& view, Json& dtypes) {
  for (const auto& piece : view.stacked) count(piece, dtypes);
  if (!view.stacked.empty()) return;
  const auto dtype = text(weights::name_of(view.dtype), view.scale != nullptr ? " with scale" : "");
  auto& row = dtypes.emplace(dtype, Json{{"tensors", 0}, {"bytes", 0}}).first.value();
  row["tensors"] = row["tensors"].get<size_t>() + 1;
  row["bytes"] = row["bytes"].get<uint64_t>() + view.stored_bytes();
}

template <typename Spec>
Json describe(const weights::Part<Spec>& part, weights::PartKind kind) {
  Json dtypes = Json::object();
  int64_t parameters = 0;
  uint64_t bytes = 0;
  for (const auto& [name, view] : part.tensors) {
    parameters += view.elements();
    bytes += view.stored_bytes();
    count(view, dtypes);
  }
  Json files = Json::array();
  for (const auto& file : part.files) files.push_back(file.string());
  Json json = {{"part", weights::name_of(kind)},
               {"network", network_name(part.spec)},
               {"models", models_with(part.spec)},
               {"names", weights::name_of(part.naming)},
               {"spec", describe(part.spec)},
               {"tensors", part.tensors.size()},
               {"parameters", parameters},
               {"bytes", bytes},
               {"dtypes", dtypes},
               {"files", files},
               {"metadata", part.metadata}};
  if (part.expert != weights::Expert::only) json["expert"] = weights::name_of(part.expert);
  return json;
}

// The models that all parts together are, or why they are not one model.
void add_models(std::vector<weights::Findings> findings, Json& json) {
  try {
    const auto checkpoint = weights::assemble(std::move(findings));
    Json names = Json::array();
    for (const auto* model : weights::matching_models(checkpoint)) names.push_back(model->name);
    json["models"] = checkpoint.dit ? names : Json::array();
  } catch (const base::Error& error) {
    json["models"] = Json::array();
    json["not_one_model"] = error.what();
  }
}

void add_findings(const weights::Findings& found, Json& json) {
  // Single files have no layout: that of a folder among them says more.
  if (found.layout != weights::Layout::official) json["layout"] = weights::name_of(found.layout);
  for (const auto& part : found.parts) {
    const auto kind = weights::kind_of(part);
    json["parts"].push_back(std::visit([&](const auto& p) { return describe(p, kind); }, part));
  }
  for (const auto& file : found.adapters) json["adapters"].push_back(describe_adapter(file));
  for (const auto& file : found.unknown) json["unknown"].push_back(file);
  if (!found.tokenizer.empty()) json["tokenizer"] = found.tokenizer.string();
  if (found.boundary) json["boundary"] = *found.boundary;
}

// A folder that holds no weights itself may be one of models.
void add_models_below(const std::filesystem::path& folder, Json& json) {
  for (const auto& model : weights::models_in(folder)) {
    if (!model.parts.empty()) json["models_below"].push_back(model.name);
  }
}

Json describe(const std::vector<std::string>& names) {
  Json json = {{"paths", Json::array()},
               {"layout", weights::name_of(weights::Layout::official)},
               {"parts", Json::array()},
               {"adapters", Json::array()},
               {"unknown", Json::array()},
               {"models_below", Json::array()}};
  std::vector<weights::Findings> findings;
  for (const auto& name : names) {
    const auto path = weights::find_installed(name);
    json["paths"].push_back(path.string());
    findings.push_back(weights::find_parts(path));
    add_findings(findings.back(), json);
    if (findings.back().parts.empty()) add_models_below(path, json);
  }
  add_models(std::move(findings), json);
  return json;
}

// ── plain text ──

void print_row(std::string_view name, const std::string& value) {
  std::cout << "    " << name << std::string(12 - std::min<size_t>(11, name.size()), ' ') << value
            << '\n';
}

// {"dim": 1536, …} -> "dim 1536, …"
std::string in_words(const Json& spec) {
  std::vector<std::string> words;
  for (const auto& [key, value] : spec.items()) {
    words.push_back(text(key, " ", value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return base::join(words, ", ");
}

std::string or_none(const Json& names) {
  const auto list = names.get<std::vector<std::string>>();
  return list.empty() ? "none that this program knows" : base::join(list, ", ");
}

// 1418996800 -> "1,418,996,800"
std::string with_commas(int64_t number) {
  auto digits = std::to_string(number);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

void print_part(const Json& part) {
  std::cout << "\n  " << part["part"].get<std::string>()
            << (part.contains("expert") ? " " + part["expert"].get<std::string>() : "") << ": "
            << part["network"].get<std::string>() << '\n';
  print_row("in models", or_none(part["models"]));
  print_row("dimensions", in_words(part["spec"]));
  print_row("parameters",
            text(with_commas(part["parameters"]),
                 " in ",
                 part["tensors"].dump(),
                 " tensors, ",
                 base::human_bytes(part["bytes"].get<uint64_t>())));
  for (const auto& [dtype, row] : part["dtypes"].items()) {
    print_row(
        dtype,
        text(row["tensors"].dump(), " tensors, ", base::human_bytes(row["bytes"].get<uint64_t>())));
  }
  print_row("names", part["names"].get<std::string>());
  for (const auto& file : part["files"]) print_row("file", file.get<std::string>());
  for (const auto& [key, value] : part["metadata"].items()) {
    print_row("metadata", text(key, " = ", value.get<std::string>()));
  }
}

void print_plain(const Json& json) {
  const bool is_empty = json["parts"].empty();
  for (const auto& path : json["paths"]) std::cout << path.get<std::string>() << '\n';
  if (!is_empty) {
    std::cout << "  layout      " << json["layout"].get<std::string>() << '\n';
    std::cout << "  model       " << or_none(json["models"]) << '\n';
  }
  if (json.contains("not_one_model")) {
    std::cout << "  not one model: " << json["not_one_model"].get<std::string>() << '\n';
  }
  if (!is_empty && json.contains("tokenizer")) {
    std::cout << "  tokenizer   " << json["tokenizer"].get<std::string>() << '\n';
  }
  if (json.contains("boundary")) std::cout << "  boundary    " << json["boundary"].dump() << '\n';
  for (const auto& part : json["parts"]) print_part(part);
  for (const auto& adapter : json["adapters"]) print_adapter(adapter);
  for (const auto& file : json["unknown"]) {
    std::cout << "  no part of a Wan model: " << file.get<std::string>() << '\n';
  }
  if (!json["models_below"].empty()) {
    std::cout << "  models in folders below: " << or_none(json["models_below"]) << '\n';
  } else if (is_empty && json["adapters"].empty() && json["unknown"].empty()) {
    std::cout << "  no weights here\n";
  }
}

// ── endpoints ──

bool is_about_endpoints(const Request& request) {
  return request.paths.size() == 1 && request.paths[0] == "endpoints";
}

void print_endpoints(const Request& request) {
  if (request.json) {
    std::cout << catalog::description().dump(2) << '\n';
  } else {
    std::cout << (request.markdown ? catalog::models_page() : catalog::overview());
  }
}

}  // namespace

int show(Arguments arguments) {
  Complaints complaints;
  const auto request = read_options(kForm, arguments, complaints);
  if (!request) return kDone;
  if (request->markdown && !is_about_endpoints(*request)) {
    complaints.add("--markdown: is for endpoints alone");
  }
  if (request->markdown && request->json) complaints.add("--markdown: not together with --json");
  complaints.refuse();
  if (is_about_endpoints(*request)) {
    print_endpoints(*request);
    return kDone;
  }
  const auto json = describe(request->paths);
  if (request->json) {
    std::cout << json.dump(2) << '\n';
  } else {
    print_plain(json);
  }
  return kDone;
}

}  // namespace cli
