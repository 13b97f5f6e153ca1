// SPDX-License-Identifier: Apache-2.0
#include "cli/zoetrope_engine/device.h"

#include <charconv>
#include <optional>

#include <ATen/Context.h>
#include <torch/cuda.h>

#include "base/text.h"

namespace cli {
namespace {

using base::text;

// The number behind "cuda:"; 0 for "cuda" alone; empty for anything else.
std::optional<int> gpu_number(std::string_view word) {
  if (word == "cuda") return 0;
  constexpr std::string_view kPrefix = "cuda:";
  if (!word.starts_with(kPrefix)) return std::nullopt;
  const auto digits = word.substr(kPrefix.size());
  int number = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = problem == std::errc() && end == digits.data() + digits.size();
  return is_number && number >= 0 ? std::optional(number) : std::nullopt;
}

// fp32 means fp32: left alone, cuDNN would round what its convolutions multiply to 10 bits.
torch::Device gpu(int number) {
  at::globalContext().setAllowTF32CuDNN(false);
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(number)};
}

}  // namespace

torch::Device read_device(std::string_view option,
                          const std::string& word,
                          Complaints& complaints) {
  const auto gpus = torch::cuda::device_count();
  if (word == "auto") return gpus > 0 ? gpu(0) : torch::kCPU;
  if (word == "cpu") return torch::kCPU;
  const auto number = gpu_number(word);
  if (!number) {
    complaints.add(text(option, ": \"", word, "\" is not one of auto, cpu, cuda, cuda:N"));
  } else if (*number >= gpus) {
    const auto there = gpus == 0 ? std::string("this machine has no GPU that torch can use")
                                 : text("this machine has cuda:0 to cuda:", gpus - 1);
    complaints.add(text(option, ": \"", word, "\" is not there; ", there));
  } else {
    return gpu(*number);
  }
  return torch::kCPU;
}

}  // namespace cli
