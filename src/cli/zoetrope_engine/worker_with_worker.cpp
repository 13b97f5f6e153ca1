// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine worker: does the tasks of a server.
#include "worker/worker.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"
#include "cli/zoetrope_engine/device.h"
#include "worker/engine.h"
#include "worker/remote_server.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using base::text;

constexpr const char* kKeyVariable = "ZOETROPE_WORKER_KEY";

struct WorkerOptions {
  std::string server = "http://127.0.0.1:8000";
  std::string socket;
  std::vector<std::string> model;
  std::string device = "auto";
  std::string dtype = "bf16";
  std::string name;
  std::string scratch;
  bool child = false;
};
using O = WorkerOptions;

constexpr Option<O> kOptions[] = {
    {"--server", "URL", &O::server, "The server to work for."},
    {"--socket", "PATH", &O::socket, "Its Unix socket, to be used instead of the URL's host."},
    {"--model",
     "MODEL=NAME|PATH",
     &O::model,
     "What runs one of the models that `zoetrope models` knows: an installed model, a file or a "
     "folder; again for each further one. Those that are installed need not be named."},
    {"--device", "auto|cpu|cuda:N", &O::device, "Where to compute."},
    {"--dtype", "bf16|fp32", &O::dtype, "Type of weights and activations.", {.choices = kDtypes}},
    {"--name", "NAME", &O::name, "What the server calls it. Default: HOST-DEVICE."},
    {"--scratch", "DIR", &O::scratch, "Where videos are written until they are handed over."},
    {"--child", "", &O::child, "End at once when the process that started this one ends."},
};

constexpr Form<O> kForm = {
    "zoetrope worker",
    "Does the tasks of a server, one after the other, until it is told to end.",
    kOptions,
    "The key that the server asks for is read from $ZOETROPE_WORKER_KEY.\n"
    "SIGTERM and Ctrl-C: what is being denoised goes back to the server, what is being decoded is\n"
    "finished first. Exit code 0: told to end; 1: the server refused this worker; 2: something in\n"
    "the command is wrong; 70: the GPU failed and needs a new process."};

// What kills a server may not leave workers behind.
void end_with_parent() {
  const auto parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before the kernel knew that this matters.
  if (::getppid() != parent) throw base::Cancelled();
}

std::map<std::string, std::string> read_models(const std::vector<std::string>& words,
                                               Complaints& complaints) {
  std::map<std::string, std::string> models;
  for (const auto& word : words) {
    const auto sign = word.find('=');
    if (sign == std::string::npos || sign == 0 || sign + 1 == word.size()) {
      complaints.add(text("--model: \"", word, "\" is not MODEL=NAME or MODEL=PATH"));
    } else if (!models.emplace(word.substr(0, sign), word.substr(sign + 1)).second) {
      complaints.add(text("--model: ", word.substr(0, sign), " is given twice"));
    }
  }
  return models;
}

fs::path read_scratch(const WorkerOptions& options, Complaints& complaints) {
  const fs::path folder =
      options.scratch.empty() ? fs::temp_directory_path() : fs::path(options.scratch);
  if (::access(folder.c_str(), W_OK | X_OK) != 0 || !fs::is_directory(folder)) {
    complaints.add(
        text("--scratch: \"", folder.string(), "\" is no folder where files may be written"));
  }
  return folder;
}

std::string default_name(torch::Device device) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return text(host, '-', device.str());
}

void log(const std::string& line) {
  std::cerr << line << '\n';
}

}  // namespace

int worker(Arguments arguments) {
  Complaints complaints;
  const auto options = read_options(kForm, arguments, complaints);
  if (!options) return kDone;
  if (options->child) end_with_parent();
  watch_for_interrupts();

  const models::Placement placement{
      .device = read_device("--device", options->device, complaints),
      .matrices = options->dtype == "bf16" ? torch::kBFloat16 : torch::kFloat32};
  const auto models = read_models(options->model, complaints);
  const auto scratch = read_scratch(*options, complaints);
  complaints.refuse();

  worker::Engine engine(placement, models, [](const std::string& path) -> fs::path {
    throw base::Error(base::Fault::invalid, text("loras: ", path, ": cannot be fetched yet"));
  });
  const auto* key = std::getenv(kKeyVariable);
  const worker::Settings settings{
      .name = options->name.empty() ? default_name(placement.device) : options->name,
      .weights = engine.weights(),
      .scratch = scratch,
      .run = [&](const worker::Task& task,
                 const fs::path& folder,
                 worker::Lease& lease) { return engine.run(task, folder, lease); },
      .is_device_alive = [&] { return engine.is_alive(); },
      .is_ending = is_interrupted,
      .log = log};
  if (settings.weights.empty()) {
    throw base::Error(base::Fault::invalid,
                      "--model: no model is named and none is installed; `zoetrope models` tells "
                      "which there could be");
  }
  log(text(settings.name, " can run ", base::join(settings.weights, ", ")));
  worker::Worker worker(settings,
                        worker::remote_server({.url = options->server,
                                               .unix_socket = options->socket,
                                               .key = key == nullptr ? "" : key}),
                        worker::system_time());
  const int code = worker.work();
  // What lies on a GPU that has failed cannot be taken down in order.
  if (code == worker::kGpuLost) ::_exit(code);
  return code;
}

}  // namespace cli
