// SPDX-License-Identifier: Apache-2.0
// zoetrope pull: fetches models and LoRAs to where they are found by their names.
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/transfer_display.h"
#include "cli/zoetrope/commands.h"
#include "hub/pull.h"
#include "weights/installed.h"

namespace cli {
namespace {

using base::Json;
using base::text;

constexpr std::string_view kLayouts[] = {"official", "comfyui", "comfyui-fp8"};

struct Request {
  std::string name;
  std::string layout = "official";
  int64_t connections = 4;
  bool list = false, dry_run = false, json = false;
};

constexpr Option<Request> kOptions[] = {
    {"NAME", "", &Request::name, "A name that --list shows, or a repository: owner/name[:file]."},
    {"--layout",
     "NAME",
     &Request::layout,
     "Whose files: the makers' or ComfyUI's.",
     {.choices = kLayouts}},
    {"--connections",
     "N",
     &Request::connections,
     "At a time, for a large file.",
     {.min = 1, .max = 16}},
    {"--list", "", &Request::list, "Says what can be fetched by name."},
    {"--dry-run", "", &Request::dry_run, "Only says what would be fetched."},
    {"--json", "", &Request::json, "One JSON object per event."},
};
constexpr Form<Request> kForm = {
    "zoetrope pull",
    "Fetches a model or a LoRA. Interrupted, it goes on where it was when called again.",
    kOptions,
    "Models go below $ZOETROPE_MODELS, or else ~/.local/share/zoetrope/models, LoRAs with a name\n"
    "below $ZOETROPE_LORAS, or else ~/.local/share/zoetrope/loras; single files of repositories\n"
    "into the cache of huggingface_hub, whose variables HF_ENDPOINT, HF_TOKEN, HF_HOME,\n"
    "HF_HUB_CACHE and HF_HUB_OFFLINE are heeded. SSL_CERT_FILE names other certificates."};

hub::Layout layout_called(std::string_view name) {
  for (const auto layout :
       {hub::Layout::official, hub::Layout::comfyui, hub::Layout::comfyui_fp8}) {
    if (name == hub::name_of(layout)) return layout;
  }
  return hub::Layout::official;  // which the options' rule has made sure of
}

hub::PullSettings settings_of(const Request& request) {
  hub::PullSettings settings;
  settings.huggingface = hub::huggingface_settings();
  settings.models = weights::model_folders().own;
  settings.adapters = weights::adapter_folder();
  settings.connections = static_cast<int>(request.connections);
  settings.patience.longest_wait = std::chrono::minutes(10);  // the hub's limits are for five
  if (const char* certificates = std::getenv("SSL_CERT_FILE")) settings.ca_file = certificates;
  return settings;
}

std::filesystem::path place_of(const hub::Offer& offer) {
  const bool is_adapter = offer.layout == hub::Layout::adapter;
  return (is_adapter ? weights::adapter_folder() : weights::model_folders().own) / offer.folder();
}

void print_offers(bool as_json) {
  Json rows = Json::array();
  for (const auto& offer : hub::offers()) {
    const bool is_here = std::filesystem::is_directory(place_of(offer));
    const std::string repository(offer.repository.empty() ? offer.files[0].repository
                                                          : offer.repository);
    rows.push_back({{"name", offer.name},
                    {"layout", hub::name_of(offer.layout)},
                    {"repository", repository},
                    {"bytes", offer.bytes},
                    {"is_here", is_here}});
    if (as_json) continue;
    const auto layout =
        offer.layout == hub::Layout::official || offer.layout == hub::Layout::adapter
            ? std::string()
            : text(" --layout ", hub::name_of(offer.layout));
    std::cout << "  " << offer.name << layout << "\n      " << base::human_bytes(offer.bytes)
              << ", " << repository << (is_here ? ", is here" : "") << '\n';
  }
  if (as_json) std::cout << Json{{"offers", rows}}.dump(2) << '\n';
}

void print_plan(const hub::PullPlan& plan, bool as_json) {
  if (as_json) {
    Json files = Json::array();
    for (const auto& planned : plan.files) {
      files.push_back({{"file", planned.to},
                       {"repository", planned.listing->repository},
                       {"bytes", planned.file.bytes},
                       {"is_here", planned.is_here},
                       {"is_cached", planned.is_cached}});
    }
    std::cout << Json{{"event", "plan"},
                      {"name", plan.name},
                      {"folder", plan.folder.string()},
                      {"bytes", plan.bytes},
                      {"bytes_to_fetch", plan.bytes_to_fetch},
                      {"bytes_free", plan.bytes_free},
                      {"files", files}}
                     .dump()
              << std::endl;
    return;
  }
  std::cerr << plan.name << ": " << plan.files.size() << " files, " << base::human_bytes(plan.bytes)
            << ", of which " << base::human_bytes(plan.bytes_to_fetch) << " are to fetch\ninto "
            << plan.folder.string() << ", where " << base::human_bytes(plan.bytes_free)
            << " are free\n";
}

// Says where it is and, of a model, what may be wrong with it all the same.
void print_done(const std::filesystem::path& place, const std::string& problem, bool as_json) {
  if (!as_json) {
    std::cout << place.string() << '\n';
    if (!problem.empty()) std::cerr << "warning: " << problem << '\n';
    return;
  }
  Json json = {{"event", "done"}, {"path", place.string()}};
  if (!problem.empty()) json["problem"] = problem;
  std::cout << json.dump() << '\n';
}

std::string problem_of(const std::filesystem::path& folder) {
  for (const auto& model : weights::models_in(folder.parent_path())) {
    if (model.path == folder) return model.problem;
  }
  return {};
}

// The codes are for programs.
base::Error without_code(const base::Error& error) {
  const std::string message = error.what();
  for (const auto* code : {"fetch_", "lora_"}) {
    const auto end = message.find(": ");
    if (message.starts_with(code) && end != std::string::npos) {
      return {error.fault(), message.substr(end + 2), error.detail()};
    }
  }
  return error;
}

hub::PullProgress shown_on(TransferDisplay& display) {
  return [&display](const std::string& file, uint64_t done, uint64_t total) {
    if (total > 0) display.report(file, done, total);
    return !is_interrupted();
  };
}

bool is_offered(const std::string& name) {
  return std::ranges::any_of(hub::offers(), [&](const hub::Offer& offer) {
    return offer.name == name || offer.repository == name;
  });
}

void pull_named(hub::Puller& puller, const Request& request, TransferDisplay& display) {
  const auto offer = hub::find_offer(request.name, layout_called(request.layout));
  const auto plan = puller.plan(offer, [] { return !is_interrupted(); });
  print_plan(plan, request.json);
  if (request.dry_run) return;
  puller.run(plan, shown_on(display));
  display.end_line();
  const bool is_model = offer.layout != hub::Layout::adapter;
  print_done(plan.folder, is_model ? problem_of(plan.folder) : std::string(), request.json);
}

void pull_file(hub::Puller& puller, const Request& request, TransferDisplay& display) {
  const auto reference =
      hub::parse_reference(request.name, {.hub = hub::huggingface_settings().endpoint});
  const auto* repository = std::get_if<hub::RepositoryReference>(&reference);
  if (repository == nullptr) {
    hub::find_offer(request.name, layout_called(request.layout));  // says what there is
    return;
  }
  const auto path = puller.pull_file(*repository, shown_on(display));
  display.end_line();
  print_done(path, {}, request.json);
}

void complain(const Request& request, Complaints& complaints) {
  if (request.list == request.name.empty()) return;
  complaints.add(request.list ? text("\"", request.name, "\": --list takes no name")
                              : std::string("NAME: is missing; --list says what there is"));
}

}  // namespace

int pull(Arguments arguments) {
  Complaints complaints;
  const auto request = read_options(kForm, arguments, complaints);
  if (!request) return kDone;
  complain(*request, complaints);
  complaints.refuse();
  if (request->list) {
    print_offers(request->json);
    return kDone;
  }
  watch_for_interrupts();
  const bool is_terminal = ::isatty(STDERR_FILENO) == 1;
  const auto style = request->json ? ProgressStyle::json
                     : is_terminal ? ProgressStyle::bar
                                   : ProgressStyle::lines;
  TransferDisplay display(style, request->json ? std::cout : std::cerr);
  hub::Puller puller(settings_of(*request));
  try {
    is_offered(request->name) ? pull_named(puller, *request, display)
                              : pull_file(puller, *request, display);
  } catch (const base::Error& error) {
    display.end_line();
    throw without_code(error);
  }
  return kDone;
}

}  // namespace cli
