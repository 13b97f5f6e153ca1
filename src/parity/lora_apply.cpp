// SPDX-License-Identifier: Apache-2.0
// Adapters merged into a network: the merged weights, the network's output with them, what a file's
// names came to; and files that must be refused.
#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "lora/adapter.h"
#include "lora/hint.h"
#include "models/dit.h"
#include "models/merge.h"
#include "parity/parity.h"
#include "weights/checkpoint.h"

namespace parity {
namespace {

using base::Json;
using base::text;

[[noreturn]] void fail(const std::string& why) {
  throw base::Error(base::Fault::invalid, why);
}

// goldens/checkpoints/<args.checkpoint>
weights::DitPart open_base(const Case& c) {
  const auto folder = c.folder.parent_path().parent_path() / "checkpoints" /
                      c.args.at("checkpoint").get<std::string>();
  auto findings = weights::find_parts(folder);
  for (auto& part : findings.parts) {
    if (auto* dit = std::get_if<weights::DitPart>(&part)) return std::move(*dit);
  }
  fail(text(folder.string(), ": no network"));
}

void check_names(const std::vector<std::string>& found, const Json& expected, const char* what) {
  const auto want = expected.get<std::vector<std::string>>();
  auto sorted = found;
  std::ranges::sort(sorted);
  if (sorted == want) return;
  fail(text(what, ": ", base::join(sorted, " "), "; expected ", base::join(want, " ")));
}

void check_file(const lora::Adapter& adapter, const Json& expected) {
  if (adapter.modules != expected.at("modules")) {
    fail(text("modules: ", adapter.modules, ", expected ", expected.at("modules").dump()));
  }
  check_names(adapter.ignored, expected.at("ignored"), "ignored");
  check_names(adapter.skipped, expected.at("skipped"), "skipped");
  check_names(adapter.unknown, expected.at("unknown"), "unknown");
}

void check_warnings(const lora::AdapterSet& adapters, const Json& expected) {
  std::vector<std::string> codes;
  for (const auto& [adapter, scale] : adapters) {
    for (const auto& line : adapter->warnings()) codes.push_back(line.substr(0, line.find(':')));
  }
  check_names(codes, expected, "warnings");
}

lora::AdapterSet read_all(const Case& c, const specs::DitSpec& spec) {
  lora::AdapterSet adapters;
  const auto& expected = c.args.at("expect");
  for (const auto& file : c.args.at("loras")) {
    const auto path = c.folder / file.at("file").get<std::string>();
    adapters.push_back({lora::read_adapter(path, spec), file.at("scale")});
    check_file(*adapters.back().adapter, expected.at("files").at(adapters.size() - 1));
  }
  check_warnings(adapters, expected.at("warnings"));
  return adapters;
}

// Every parameter that the adapters name, merged; all others must be left as they are.
void add_weights(const weights::DitPart& part,
                 const lora::AdapterSet& adapters,
                 const Case& c,
                 Outputs& outputs) {
  std::vector<std::string> changed;
  for (const auto& [name, view] : part.tensors) {
    const auto base = models::as_tensor(view, c.options.device);
    const auto after = models::merged(base, name, adapters);
    const bool is_named = std::ranges::any_of(
        adapters, [&](const auto& scaled) { return scaled.adapter->changes.contains(name); });
    if (is_named) {
      changed.push_back(name);
      outputs["out." + name] = after.to(torch::kFloat32);
    } else if (!after.is_same(base)) {
      fail(text(name, " is changed, although no adapter names it"));
    }
  }
  check_names(changed, c.args.at("expect").at("changed"), "changed");
}

Tensor run_network(const Case& c, const weights::DitPart& part, const lora::AdapterSet& adapters) {
  models::Weights w(
      part.tensors, part.origin, {.device = c.options.device, .matrices = torch::kFloat32});
  w.merge(adapters);
  const models::Dit dit(part.spec, w);
  w.finish();
  const auto text_LC = c.in("context_0");
  const auto clip = c.has("clip_fea") ? c.in("clip_fea") : Tensor();
  const auto context = dit.prepare(text_LC.unsqueeze(0), {text_LC.size(0)}, clip);
  auto x_CFHW = c.in("x_0");
  if (c.has("y_0")) x_CFHW = torch::cat({x_CFHW, c.in("y_0")});
  return dit(x_CFHW.unsqueeze(0), c.in("t"), context).squeeze(0);
}

// A table of files, each of which must be refused with its code and by the names it says.
void check_refusals(const Case& c) {
  const auto part = open_base(c);
  for (const auto& row : c.args.at("table")) {
    const auto file = row.at("file").get<std::string>();
    std::string message = "accepted";
    try {
      lora::read_adapter(c.folder / file, part.spec);
    } catch (const base::Error& error) {
      message = error.what();
    }
    auto words = row.at("must_name").get<std::vector<std::string>>();
    words.push_back(row.at("code"));
    for (const auto& word : words) {
      if (message.find(word) == std::string::npos)
        fail(text(file, ": no ", word, " in: ", message));
    }
  }
}

void check_hints(const Case& c) {
  constexpr std::pair<std::string_view, lora::Hint> kHints[] = {
      {"none", lora::Hint::none}, {"high", lora::Hint::high_noise}, {"low", lora::Hint::low_noise}};
  for (const auto& row : c.args.at("table")) {
    const auto file = row.at("file").get<std::string>();
    const auto hint = lora::hint_of(file, row.at("metadata"));
    const auto* found =
        std::ranges::find(kHints, hint, [](const auto& pair) { return pair.second; });
    if (found->first != row.at("expert")) {
      fail(text(file, ": ", found->first, ", expected ", row.at("expert").dump()));
    }
  }
}

}  // namespace

Outputs run_lora_apply(const Case& c) {
  Outputs outputs;
  if (c.args.contains("table")) {
    c.args.contains("checkpoint") ? check_refusals(c) : check_hints(c);
    return outputs;
  }
  const auto part = open_base(c);
  const auto adapters = read_all(c, part.spec);
  add_weights(part, adapters, c, outputs);
  outputs["out.x_0"] = run_network(c, part, adapters);
  return outputs;
}

}  // namespace parity
