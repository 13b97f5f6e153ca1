// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine parity: golden cases against this engine.
#include "parity/parity.h"

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>

#include "base/text.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"
#include "cli/zoetrope_engine/device.h"

namespace cli {
namespace {

using parity::CaseResult;
using parity::Verdict;

struct Request {
  std::vector<std::string> folders;
  std::string device = "cpu";
  bool json = false;
};

constexpr Option<Request> kOptions[] = {
    {"DIR", "", &Request::folders, "Folders that hold cases at any depth.", {.required = true}},
    {"--device", "D", &Request::device, "Where to compute: auto, cpu or cuda:N."},
    {"--json", "", &Request::json, "One JSON object per case."},
};
constexpr Form<Request> kForm = {
    "zoetrope parity", "Compares this engine with golden cases.", kOptions};

void check_folders(const std::vector<std::string>& folders, Complaints& complaints) {
  for (const auto& folder : folders) {
    std::error_code problem;
    if (std::filesystem::is_directory(folder, problem)) continue;
    complaints.add(base::text("DIR: \"", folder, "\" is no folder"));
  }
}

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return "pass";
    case Verdict::failed:
      return "FAIL";
    case Verdict::skipped:
      return "skip";
  }
  return "";
}

void print_plain(const CaseResult& result) {
  std::printf("%s  %-12s %s\n",
              word(result.verdict),
              result.module.c_str(),
              result.folder.filename().c_str());
  if (!result.reason.empty()) std::printf("      %s\n", result.reason.c_str());
  for (const auto& tensor : result.tensors) {
    std::printf("      %-20s abs %.2e  rel %.2e  (atol %.0e, rtol %.0e)  %s%s\n",
                tensor.name.c_str(),
                tensor.worst_absolute,
                tensor.worst_relative,
                tensor.atol,
                tensor.rtol,
                tensor.passed ? "pass" : "FAIL ",
                tensor.problem.c_str());
  }
}

base::Json as_json(const CaseResult& result) {
  base::Json tensors = base::Json::array();
  for (const auto& tensor : result.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"worst_absolute", tensor.worst_absolute},
                       {"worst_relative", tensor.worst_relative},
                       {"atol", tensor.atol},
                       {"rtol", tensor.rtol},
                       {"passed", tensor.passed},
                       {"problem", tensor.problem}});
  }
  return {{"case", result.folder.string()},
          {"module", result.module},
          {"verdict", word(result.verdict)},
          {"reason", result.reason},
          {"tensors", tensors}};
}

}  // namespace

int parity(Arguments arguments) {
  Complaints complaints;
  const auto request = read_options(kForm, arguments, complaints);
  if (!request) return kDone;
  const ::parity::Options options{.device = read_device("--device", request->device, complaints)};
  check_folders(request->folders, complaints);
  complaints.refuse();
  std::map<Verdict, int> counts;
  for (const auto& folder : request->folders) {
    for (const auto& path : ::parity::find_cases(folder)) {
      const auto result = ::parity::run_case(path, options);
      ++counts[result.verdict];
      if (request->json) {
        std::cout << as_json(result).dump() << '\n';
      } else {
        print_plain(result);
      }
    }
  }
  if (!request->json) {
    std::printf("%d passed, %d failed, %d skipped\n",
                counts[Verdict::passed],
                counts[Verdict::failed],
                counts[Verdict::skipped]);
  }
  const bool nothing_ran = counts[Verdict::passed] + counts[Verdict::failed] == 0;
  return counts[Verdict::failed] > 0 || nothing_ran ? kFailed : kDone;
}

}  // namespace cli
