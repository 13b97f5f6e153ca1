// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine selftest: every fast kernel against its plain form, on the device at hand. Needs
// no test framework, so that a machine which can only build the engine can also check it.
// B batch, L tokens, S keys, D width, N heads, H width of a head, U timesteps, C channels
#include <cstdio>
#include <iostream>

#include <ATen/SDPBackend.h>
#include <torch/types.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "bench/measure.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"
#include "cli/zoetrope_engine/device.h"
#include "kernels/cuda.h"
#include "kernels/ops.h"

namespace cli {
namespace {

using base::text;
using torch::Tensor;

struct Request {
  std::string device = "auto";
  bool json = false;
};

constexpr Option<Request> kOptions[] = {
    {"--device", "D", &Request::device, "auto, cpu or cuda:N."},
    {"--json", "", &Request::json, "One JSON object per check."},
};
constexpr Form<Request> kForm = {
    .command = "zoetrope selftest",
    .summary = "Compares every fast kernel with its plain form on this machine's hardware.",
    .options = kOptions};

constexpr torch::ScalarType kTypes[] = {torch::kFloat32, torch::kBFloat16};

// What two ways of summing may differ by, relative to the size of a number and of its neighbours:
// for bf16 one unit in the last place.
double unit(torch::ScalarType type) {
  return type == torch::kBFloat16 ? 1.0 / 128 : 1e-5;
}

std::string_view name_of(torch::ScalarType type) {
  return type == torch::kBFloat16 ? "bf16" : "fp32";
}

struct Check {
  std::string name;
  double worst_absolute = 0;
  double worst_relative = 0;  // to |value| + root mean square of all values
  double mean_relative = 0;   // norm of the difference over the norm
  double tolerance = 0;       // of worst_relative; a quarter of it of mean_relative
  bool passed = false;
};

Check compared(std::string name, const Tensor& got_any, const Tensor& want_any, double tolerance) {
  Check check{.name = std::move(name), .tolerance = tolerance};
  if (got_any.sizes() != want_any.sizes() || got_any.scalar_type() != want_any.scalar_type()) {
    check.name += ": another shape or type";
    return check;
  }
  const auto got = got_any.to(torch::kCPU, torch::kFloat64);
  const auto want = want_any.detach().to(torch::kCPU, torch::kFloat64);
  const auto error = (got - want).abs();
  const auto root_mean_square = want.square().mean().sqrt();
  check.worst_absolute = error.max().item<double>();
  check.worst_relative = (error / (want.abs() + root_mean_square)).max().item<double>();
  check.mean_relative = (error.norm() / want.norm()).item<double>();
  // A number that is not one compares as false and fails.
  check.passed = check.worst_relative <= tolerance && check.mean_relative <= tolerance / 4;
  return check;
}

// Where the checks run, and what came of them.
class Judge {
 public:
  Judge(torch::Device device, bool json) : device_(device), json_(json) {}

  // Normal numbers of deviation 2 around 0.3, the same on every device.
  Tensor random(torch::IntArrayRef sizes, torch::ScalarType type = torch::kFloat32) const {
    return (torch::randn(sizes) * 2 + 0.3).to(device_, type);
  }
  Tensor numbers(std::initializer_list<int64_t> values, torch::IntArrayRef sizes) const {
    return torch::tensor(torch::ArrayRef<int64_t>(values), torch::kInt64).view(sizes).to(device_);
  }
  torch::Device device() const { return device_; }

  void compare(const std::string& name,
               const Tensor& got,
               const Tensor& want,
               double allowed_units = 1) {
    const auto type = got.scalar_type();
    report(compared(
        text(name, " ", got.sizes(), " ", name_of(type)), got, want, allowed_units * unit(type)));
  }

  void expect(const std::string& name, bool passed) { report({.name = name, .passed = passed}); }

  // Runs checks; what they throw is a failure of theirs and does not keep the others from running.
  void run(const std::string& name, void (*checks)(Judge&)) {
    try {
      checks(*this);
    } catch (...) {
      const auto error = base::current_error();
      expect(text(name, ": ", error.what(), ' ', error.detail()), false);
    }
  }

  int passed() const { return passed_; }
  int failed() const { return failed_; }

 private:
  void report(const Check& check) {
    ++(check.passed ? passed_ : failed_);
    const char* verdict = check.passed ? "pass" : "FAIL";
    if (json_) {
      const base::Json line = {{"check", check.name},
                               {"worst_absolute", check.worst_absolute},
                               {"worst_relative", check.worst_relative},
                               {"mean_relative", check.mean_relative},
                               {"tolerance", check.tolerance},
                               {"verdict", check.passed ? "pass" : "fail"}};
      std::cout << line.dump() << '\n';
    } else {
      std::printf("%s  %-58s abs %.1e  rel %.1e  mean %.1e  (%.1e)\n",
                  verdict,
                  check.name.c_str(),
                  check.worst_absolute,
                  check.worst_relative,
                  check.mean_relative,
                  check.tolerance);
    }
  }

  torch::Device device_;
  bool json_;
  int passed_ = 0, failed_ = 0;
};

// The same numbers, for which a gradient is asked: then the operations take their plain form.
Tensor plain(const Tensor& x) {
  return x.detach().clone().requires_grad_();
}

// ── the checks ──────────────────────────────────────────────────────────────────────────────────

constexpr int64_t kWidths[] = {8, 72, 100, 101, 1536, 3072, 5120};  // two are no multiple of eight

void check_layer_norms(Judge& judge) {
  for (const int64_t width : kWidths) {
    const auto table_U6D = judge.random({3, 6, width});
    const kernels::TokenRows per_sample{judge.numbers({2, 0}, {2, 1})};
    const kernels::TokenRows per_token{judge.numbers({0, 2, 1, 1, 0, 2}, {2, 3})};
    for (const auto from : kTypes) {
      const auto x_BLD = judge.random({2, 3, width}, from);
      for (const auto to : kTypes) {
        const auto affine = [&](const Tensor& x) {
          return kernels::layer_norm(x, table_U6D[1][2], table_U6D[1][3], 1e-6, to);
        };
        judge.compare(text("layer_norm of ", name_of(from)), affine(x_BLD), affine(plain(x_BLD)));
        for (const auto& rows : {per_sample, per_token}) {
          const auto modulated = [&](const Tensor& x) {
            return kernels::modulated_layer_norm(
                x, table_U6D.select(1, 0), table_U6D.select(1, 4), rows, 1e-6, to);
          };
          judge.compare(text("modulated_layer_norm of ", name_of(from)),
                        modulated(x_BLD),
                        modulated(plain(x_BLD)));
        }
      }
      for (const auto& rows : {per_sample, per_token}) {
        const auto residual_BLD = judge.random({2, 3, width});
        const auto gated = [&](const Tensor& x) {
          return kernels::add_gated(x, x_BLD, table_U6D.select(1, 5), rows);
        };
        judge.compare(
            text("add_gated ", name_of(from)), gated(residual_BLD), gated(plain(residual_BLD)));
      }
    }
  }
}

void check_rms_norms(Judge& judge) {
  struct Heads {
    int64_t count, width;
  };
  for (const auto heads : {Heads{1, 12}, {3, 10}, {3, 24}, {12, 128}, {24, 128}, {40, 128}}) {
    const int64_t width = heads.count * heads.width;
    const auto rope = kernels::rope_3d(2, 3, 5, heads.width, judge.device());
    const auto weight_D = judge.random({width});
    for (const auto type : kTypes) {
      const auto x_BLD = judge.random({2, 30, width}, type);
      judge.compare("rms_norm",
                    kernels::rms_norm(x_BLD, weight_D, 1e-6),
                    kernels::rms_norm(plain(x_BLD), weight_D, 1e-6));
      // On a GPU the last bit of a sum decides how a number is rounded before it is turned.
      const double units = type == torch::kBFloat16 && judge.device().is_cuda() ? 2 : 1;
      judge.compare("rms_norm_rope",
                    kernels::rms_norm_rope(x_BLD, weight_D, 1e-6, heads.count, rope),
                    kernels::rms_norm_rope(plain(x_BLD), weight_D, 1e-6, heads.count, rope),
                    units);
    }
  }
}

void check_rms_silu(Judge& judge) {
  for (const int64_t channels : {3, 8, 16, 40, 96, 101, 160, 192, 384, 512, 1024}) {
    const auto gamma = judge.random({channels, 1, 1, 1});
    for (const auto type : kTypes) {
      const auto x_BCFHW = judge.random({2, channels, 3, 5, 7}, type);
      const auto want = kernels::rms_silu_reference(x_BCFHW.to(torch::kFloat32), gamma).to(type);
      // A GPU's kernel takes groups of eight channels; without it the norm is rounded before the
      // SiLU and again after it.
      const bool is_plain = judge.device().is_cuda() && channels % 8 != 0;
      const double units = type == torch::kBFloat16 && is_plain ? 2.5 : 1;
      judge.compare("rms_silu", kernels::rms_silu(x_BCFHW, gamma), want, units);
      const auto last = x_BCFHW.contiguous(torch::MemoryFormat::ChannelsLast3d);
      judge.compare("rms_silu of channels last", kernels::rms_silu(last, gamma), want, units);
    }
  }
}

void check_products(Judge& judge) {
  const auto f64 = [](const Tensor& x) { return x.to(torch::kFloat64); };
  for (const auto type : kTypes) {
    const auto x_BLD = judge.random({2, 129, 72}, type);
    const auto weight_ED = judge.random({101, 72}, type);
    const auto bias_E = judge.random({101}, type);
    judge.compare("linear",
                  kernels::linear(x_BLD, weight_ED, bias_E),
                  torch::linear(f64(x_BLD), f64(weight_ED), f64(bias_E)).to(type));
    const auto ramp = torch::linspace(-30, 30, 6001).to(judge.device(), type);
    judge.compare("gelu_tanh", kernels::gelu_tanh(ramp), torch::gelu(f64(ramp), "tanh").to(type));
  }
}

Tensor attention_in_double(const Tensor& q_BLNH,
                           const Tensor& k_BSNH,
                           const Tensor& v_BSNH,
                           const Tensor& bias_BS) {
  const auto f64 = [](const Tensor& x) { return x.to(torch::kFloat64).transpose(1, 2); };
  const double scale = 1 / std::sqrt(static_cast<double>(q_BLNH.size(-1)));
  auto logits_BNLS = torch::matmul(f64(q_BLNH), f64(k_BSNH).transpose(-2, -1)) * scale;
  if (bias_BS.defined()) logits_BNLS = logits_BNLS + bias_BS.unsqueeze(1).unsqueeze(1);
  const auto mixed_BNLH = torch::matmul(torch::softmax(logits_BNLS, -1), f64(v_BSNH));
  return mixed_BNLH.transpose(1, 2).to(q_BLNH.scalar_type());
}

void check_attention(Judge& judge) {
  for (const int64_t head : {12, 64, 128}) {
    for (const int64_t keys : {61, 257, 512}) {
      for (const auto type : kTypes) {
        const auto q_BLNH = judge.random({2, 257, 3, head}, type);
        const auto k_BSNH = judge.random({2, keys, 3, head}, type);
        const auto v_BSNH = judge.random({2, keys, 3, head}, type);
        // In bf16 the weights are rounded before they meet the values; in fp32 a GPU multiplies
        // in three pieces of which each sum is cut off.
        const double units = type == torch::kFloat32 && judge.device().is_cuda() ? 10 : 2;
        judge.compare(text("attention to ", keys, " keys"),
                      kernels::attention(q_BLNH, k_BSNH, v_BSNH),
                      attention_in_double(q_BLNH, k_BSNH, v_BSNH, {}),
                      units);
        const auto bias_BS = judge.random({2, keys}).to(type).to(torch::kFloat32);
        judge.compare(text("attention to ", keys, " keys with a bias"),
                      kernels::attention(q_BLNH, k_BSNH, v_BSNH, bias_BS),
                      attention_in_double(q_BLNH, k_BSNH, v_BSNH, bias_BS),
                      units);
      }
    }
  }
}

// On a GPU: that the kernels are there and take the shapes of the 14B models, so that the checks
// above have not compared plain operations with themselves.
void check_kernels_fit(Judge& judge) {
  const auto type = torch::kBFloat16;
  const auto x_BLD = judge.random({1, 30, 5120}, type);
  const auto table_UD = judge.random({1, 6, 5120}).select(1, 3);
  const kernels::TokenRows rows{judge.numbers({0}, {1, 1})};
  const auto rope = kernels::rope_3d(2, 3, 5, 128, judge.device());
  const auto residual_BLD = x_BLD.to(torch::kFloat32);
  const auto weight_D = table_UD[0];
  namespace cuda = kernels::cuda;
  judge.expect("the layer_norm kernel takes the 14B model's shape",
               cuda::layer_norm(x_BLD, weight_D, weight_D, 1e-6, type).has_value());
  judge.expect(
      "the modulated_layer_norm kernel does",
      cuda::modulated_layer_norm(residual_BLD, table_UD, table_UD, rows, 1e-6, type).has_value());
  judge.expect("the add_gated kernel does",
               cuda::add_gated(residual_BLD, x_BLD, table_UD, rows).has_value());
  judge.expect("the rms_norm_rope kernel does",
               cuda::rms_norm_rope(x_BLD, weight_D, 1e-6, 40, rope).has_value());
  const auto voxels = judge.random({1, 96, 2, 3, 4}, type);
  judge.expect("the rms_silu kernel takes the autoencoder's",
               cuda::rms_silu(voxels, judge.random({96})).has_value());

  const auto q_BNLH = x_BLD.unflatten(-1, {40, 128}).transpose(1, 2);
  const auto choice = at::_fused_sdp_choice(q_BNLH, q_BNLH, q_BNLH);
  judge.expect("attention is cuDNN's",
               choice == static_cast<int64_t>(at::SDPBackend::cudnn_attention));
}

}  // namespace

int selftest(Arguments arguments) {
  Complaints complaints;
  const auto request = read_options(kForm, arguments, complaints);
  if (!request) return kDone;
  const auto device = read_device("--device", request->device, complaints);
  complaints.refuse();

  if (!request->json) std::printf("%s\n", bench::describe(device).c_str());
  torch::manual_seed(1);
  Judge judge(device, request->json);
  if (device.is_cuda()) judge.run("kernels", check_kernels_fit);
  judge.run("layer norms", check_layer_norms);
  judge.run("rms norms", check_rms_norms);
  judge.run("rms_silu", check_rms_silu);
  judge.run("products", check_products);
  judge.run("attention", check_attention);
  if (!request->json) std::printf("%d passed, %d failed\n", judge.passed(), judge.failed());
  return judge.failed() == 0 ? kDone : kFailed;
}

}  // namespace cli
