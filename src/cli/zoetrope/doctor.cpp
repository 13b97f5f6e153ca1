// SPDX-License-Identifier: Apache-2.0
// zoetrope doctor: looks at everything a video needs and says what to do about each problem.
#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>

#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/zoetrope/commands.h"
#include "cli/zoetrope/engine.h"
#include "weights/installed.h"

#ifdef ZOETROPE_WITH_MEDIA
#include "media/libraries.h"
#endif

namespace cli {
namespace {

using base::text;

struct Request {
  bool json = false;
};

constexpr Option<Request> kOptions[] = {
    {"--json", "", &Request::json, "One JSON object with all findings."},
};
constexpr Form<Request> kForm = {
    "zoetrope doctor",
    "Checks this machine and says what to do about each problem.",
    kOptions,
    "Exit code 0: nothing stands in the way of a video; 1: something does."};

// `note` does not stand in the way but costs time or choice; `problem` does.
enum class Verdict { ok, note, problem };

struct Finding {
  std::string subject;
  Verdict verdict = Verdict::ok;
  std::string found;
  std::string advice = {};
};

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::note:
      return "note";
    case Verdict::problem:
      return "problem";
  }
  return "";
}

Finding check_processor() {
  const auto processor = base::processor();
  constexpr std::string_view kAsked[] = {"avx2", "avx512f", "avx512_bf16", "amx_bf16"};
  std::vector<std::string_view> present;
  std::ranges::copy_if(
      kAsked, std::back_inserter(present), [&](auto feature) { return processor.has(feature); });
  Finding finding{"processor",
                  Verdict::ok,
                  text(processor.name, ", ", base::cores(), " cores, ", base::join(present, " "))};
  if (!processor.has("avx2")) {
    finding.verdict = Verdict::note;
    finding.advice = "the kernels are made for AVX2 and better; on this CPU videos take long";
  }
  return finding;
}

// `engine` knows what the smallest model needs; it is null where there is none to ask.
Finding check_memory(const base::Json& engine) {
  const auto needed = engine.is_null() ? uint64_t{0} : engine.value("demo_memory", uint64_t{0});
  const auto memory = base::memory();
  Finding finding{"memory",
                  Verdict::ok,
                  text(base::human_bytes(memory.available),
                       " available of ",
                       base::human_bytes(memory.total),
                       memory.limit.empty() ? "" : text(", the limit set by ", memory.limit))};
  if (memory.available < needed) {
    finding.verdict = Verdict::problem;
    finding.advice = text("even the demo model needs ",
                          base::human_bytes(needed),
                          "; close other programs or raise the limit");
  }
  return finding;
}

Finding check_disk() {
  constexpr uint64_t kEnoughForAVideo = uint64_t{100} << 20;
  const auto here = std::filesystem::current_path();
  const auto free = base::free_disk(here);
  Finding finding{"disk", Verdict::ok, text(base::human_bytes(free), " free at ", here.string())};
  if (free < kEnoughForAVideo) {
    finding.verdict = Verdict::problem;
    finding.advice = "a video needs up to 100 MiB; make room or write to another disk";
  } else if (::access(here.c_str(), W_OK) != 0) {
    finding.verdict = Verdict::note;
    finding.found += ", not writable";
    finding.advice = "give -o a folder you may write to";
  }
  return finding;
}

// Empty where there is no NVIDIA driver.
std::string driver_version() {
  std::ifstream file("/proc/driver/nvidia/version");
  // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  …": the first word with a digit
  // in front and a dot inside.
  for (std::string word; file >> word;) {
    const bool is_number = std::isdigit(static_cast<unsigned char>(word.front())) != 0;
    if (is_number && word.find('.') != std::string::npos) return word;
  }
  return {};
}

Finding check_gpu(const base::Json& engine) {
  constexpr const char* kSubject = "gpu";
  const auto driver = driver_version();
  if (driver.empty()) {
    return {kSubject, Verdict::note, "no NVIDIA driver", "videos are computed on the CPU"};
  }
  const auto found = text("NVIDIA driver ", driver);
  if (engine.is_null()) return {kSubject, Verdict::note, found, "see engine"};
  if (!engine.value("cuda", false)) {
    return {kSubject,
            Verdict::problem,
            text(found, ", but the engine was built without CUDA"),
            "run tools/setup.sh, which installs torch with its CUDA libraries, then make build"};
  }
  const auto devices = engine.value("devices", base::Json::array());
  if (devices.empty()) {
    return {kSubject,
            Verdict::problem,
            text(found, ", but torch sees no GPU"),
            "torch 2.11 needs a driver for CUDA 13 (580 or later); update it, or pass the GPU "
            "into this container"};
  }
  std::vector<std::string> gpus;
  for (const auto& device : devices) {
    const auto name = device.value("name", std::string());
    gpus.push_back(text(name.empty() ? "a GPU" : name,
                        ", ",
                        base::human_bytes(device.value("memory_free", uint64_t{0})),
                        " free of ",
                        base::human_bytes(device.value("memory_total", uint64_t{0}))));
  }
  return {kSubject, Verdict::ok, text(found, "; ", base::join(gpus, "; "))};
}

Finding check_engine(const base::Json& engine) {
  if (!has_engine()) {
    return {"engine",
            Verdict::problem,
            text("no ", engine_path().string()),
            "make build; CMake leaves it out where it finds no LibTorch (tools/setup.sh)"};
  }
  if (engine.is_null()) {
    return {"engine",
            Verdict::problem,
            text(engine_path().string(), " does not start"),
            "run it by itself to see why; after an update of torch, make build"};
  }
  const auto its_version = engine.value("version", std::string());
  Finding finding{"engine",
                  Verdict::ok,
                  text("torch ",
                       engine.value("torch", std::string()),
                       ", ",
                       engine.value("threads", 0),
                       " threads",
                       engine.value("cuda", false) ? ", CUDA" : ", CPU only")};
  if (its_version != version()) {
    finding.verdict = Verdict::problem;
    finding.found += text(", version ", its_version, " beside zoetrope ", version());
    finding.advice = "both programs belong together: make build";
  }
  return finding;
}

Finding check_media() {
#ifdef ZOETROPE_WITH_MEDIA
  const auto found = media::libraries();
  if (found.can_write_h264) {
    return {"media", Verdict::ok, text("libavcodec ", found.avcodec, " with libx264")};
  }
  return {"media",
          Verdict::problem,
          text("libavcodec ", found.avcodec, " without libx264"),
          "no MP4 can be written; install an FFmpeg built with libx264 (Debian's is)"};
#else
  return {"media",
          Verdict::problem,
          "built without FFmpeg",
          "no MP4 can be written; install libavformat-dev libavcodec-dev libswscale-dev "
          "libavutil-dev, then make build"};
#endif
}

Finding check_models() {
  const auto models = weights::installed_models();
  std::vector<std::string> usable, broken;
  for (const auto& model : models) {
    if (model.problem.empty()) {
      usable.push_back(text(model.name, " (", base::human_bytes(model.bytes), ")"));
    } else {
      broken.push_back(model.problem);
    }
  }
  const auto place = weights::model_folders().own.string();
  if (!broken.empty()) {
    return {"models",
            usable.empty() ? Verdict::problem : Verdict::note,
            text(usable.size(), " usable, ", broken.size(), " not: ", base::join(broken, "; ")),
            "fetch what is damaged or missing, or remove the folder"};
  }
  if (usable.empty()) {
    return {"models", Verdict::problem, "none", text("put a model's folder into ", place)};
  }
  return {"models", Verdict::ok, base::join(usable, ", ")};
}

base::Json ask_engine() {
  const auto answer = engine_output({"about"});
  try {
    return answer.empty() ? base::Json() : base::parse_json(answer, "zoetrope-engine about");
  } catch (const base::Error&) {
    return {};
  }
}

void print_plain(const std::vector<Finding>& findings) {
  for (const auto& finding : findings) {
    std::cout << finding.subject << std::string(11 - finding.subject.size(), ' ')
              << word(finding.verdict)
              << std::string(9 - std::string_view(word(finding.verdict)).size(), ' ')
              << finding.found << '\n';
    if (!finding.advice.empty()) std::cout << std::string(20, ' ') << finding.advice << '\n';
  }
}

void print_json(const std::vector<Finding>& findings, bool is_well) {
  base::Json list = base::Json::array();
  for (const auto& finding : findings) {
    list.push_back({{"subject", finding.subject},
                    {"verdict", word(finding.verdict)},
                    {"found", finding.found},
                    {"advice", finding.advice}});
  }
  std::cout << base::Json{{"ok", is_well}, {"findings", list}}.dump(2) << '\n';
}

}  // namespace

int doctor(Arguments arguments) {
  const auto request = read_options(kForm, arguments);
  if (!request) return kDone;
  const auto engine = ask_engine();
  const std::vector<Finding> findings = {
      check_processor(),
      check_memory(engine),
      check_disk(),
      check_engine(engine),
      check_gpu(engine),
      check_media(),
      check_models(),
  };
  const bool is_well = std::ranges::none_of(
      findings, [](const Finding& finding) { return finding.verdict == Verdict::problem; });
  request->json ? print_json(findings, is_well) : print_plain(findings);
  return is_well ? kDone : kFailed;
}

}  // namespace cli
