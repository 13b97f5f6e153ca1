// SPDX-License-Identifier: Apache-2.0
// The formulas count what the code keeps alive at its fullest moment; memory_plan_test.cpp holds
// them against what it really takes.
#include "pipelines/memory_plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "pipelines/denoise.h"
#include "specs/cost.h"
#include "weights/inventory.h"

namespace pipelines {
namespace {

using base::text;

constexpr uint64_t kMiB = uint64_t{1} << 20;

// libtorch and its thread pools, measured.
constexpr uint64_t kProgram = 200 * kMiB;

// Buffers that do not grow with the video: packed matrices, per-thread scratch.
constexpr uint64_t kScratch = 32 * kMiB;

// Values that a decoder keeps alive per pixel of a group of four frames and channel of its widest
// full-size layer (2.2 works on patches of 2x2 pixels), measured.
constexpr uint64_t kValuesPerPixel21 = 11;
constexpr uint64_t kValuesPerPixel22 = 5;

// The transformed weights of the widest convolution (kernels/convolution.cpp): 6x6 numbers in fp32
// for each of three frames, 4 * decoder_dim channels in and as many out.
uint64_t transformed_bytes(const specs::VaeSpec& vae) {
  const uint64_t channels = 4 * vae.decoder_dim;
  return 4 * 6 * 6 * 3 * channels * channels;
}

// Held in fp32 whatever the type of the matrices (Linear::Precision::fp32, Weights::fp32).
bool is_fp32_island(const weights::ExpectedTensor& tensor) {
  constexpr std::string_view kIslands[] = {"norm", "modulation", "time_", "head.head", "gamma"};
  return std::ranges::any_of(
      kIslands, [&](auto word) { return tensor.name.find(word) != std::string::npos; });
}

uint64_t elements(const weights::ExpectedTensor& tensor) {
  uint64_t count = 1;
  for (const auto side : tensor.shape) count *= static_cast<uint64_t>(side);
  return count;
}

template <typename Spec>
uint64_t weight_bytes(const Spec& spec, int bytes_per_value) {
  uint64_t bytes = 0;
  for (const auto& tensor : weights::tensors_of(spec)) {
    bytes += elements(tensor) * (is_fp32_island(tensor) ? 4 : bytes_per_value);
  }
  return bytes;
}

MemoryNeed text_encoder_need(const MemoryRequest& request) {
  const auto& spec = request.model.umt5;
  const uint64_t width = request.bytes_per_value;
  const uint64_t rows = request.text_rows;
  // The token embedding stays in the file: only the rows of a prompt are read.
  const uint64_t embedding = uint64_t(spec.vocab) * spec.dim * width;
  const uint64_t tokens = rows * (40 * uint64_t(spec.dim) + 2 * width * spec.dim_ffn);
  const uint64_t logits = 3 * 4 * rows * rows * spec.num_heads;
  return {"text encoder",
          weight_bytes(spec, request.bytes_per_value) - embedding,
          tokens + logits + kScratch};
}

// The fullest moments of a block: the fp32 residual stream before and after, the modulated input
// and its fp32 steps, queries, keys and values; or the two hidden layers of the feed-forward.
uint64_t dit_working_bytes(const MemoryRequest& request) {
  const auto& dit = request.model.dit;
  const uint64_t width = request.bytes_per_value;
  const auto latent = specs::latent_shape(request.model.vae, request.size, request.frames);
  const auto tokens = static_cast<uint64_t>(specs::token_count(latent));
  const uint64_t branches = request.is_guided ? 2 : 1;
  const uint64_t batch = tokens <= uint64_t(kTokensWorthBatching) ? branches : 1;
  const uint64_t per_token = (64 + 5 * width) * dit.dim / 2 + 2 * width * dit.ffn_dim;
  const uint64_t prompts =
      branches * 2 * width * request.text_rows * uint64_t(dit.dim) * dit.num_layers;
  const uint64_t latents =
      8 * 4 * uint64_t(latent.frames) * latent.height * latent.width * (dit.in_dim + dit.out_dim);
  return batch * tokens * per_token + prompts + latents + kScratch;
}

// libx264 holds this many pictures of the file, 12 bits a pixel: those it looks ahead over, those
// it refers to, and those its threads are at. Measured.
constexpr uint64_t kEncoderPictures = 75;

specs::Size output_of(const MemoryRequest& request) {
  return request.output == specs::Size{} ? request.size : request.output;
}

uint64_t encoder_bytes(specs::Size output) {
  return kEncoderPictures * output.width * output.height * 3 / 2;
}

// One group of four frames at full size, where the layers are widest for their channels, and the
// two frames that every causal convolution remembers.
uint64_t vae_working_bytes(const MemoryRequest& request) {
  const auto& vae = request.model.vae;
  const bool is_21 = vae.kind == specs::VaeKind::vae21;
  const uint64_t pixels = uint64_t(request.size.width) * request.size.height * vae.time_stride();
  const uint64_t values = is_21 ? kValuesPerPixel21 : kValuesPerPixel22;
  return values * request.bytes_per_value * pixels * vae.decoder_dim + transformed_bytes(vae) +
         kScratch + encoder_bytes(output_of(request));
}

// The largest 4n+1 frames, below the asked ones, that fit; 0: none.
int frames_that_fit(MemoryRequest request, uint64_t available) {
  const int stride = request.model.vae.time_stride();
  for (request.frames -= stride; request.frames >= 1; request.frames -= stride) {
    if (plan_memory(request).needed() <= available) return request.frames;
  }
  return 0;
}

// The largest size of the same shape that fits; {0, 0}: none. A model with a native size computes
// at that size whatever is asked.
specs::Size size_that_fits(MemoryRequest request, uint64_t available) {
  const auto asked = output_of(request);
  const int multiple = request.model.size_multiple();
  for (int width = asked.width - multiple; width >= multiple; width -= multiple) {
    const int height = asked.height * width / asked.width / multiple * multiple;
    if (height < multiple) break;
    request.output = {width, height};
    if (!request.model.has_native_size()) request.size = request.output;
    if (plan_memory(request).needed() <= available) return request.output;
  }
  return {};
}

// The most demanding other model whose default video fits, and what that needs; empty where none
// does. The demo models are left out: nobody is helped by their name.
std::string other_model_that_fits(MemoryRequest request, uint64_t available) {
  uint64_t most = 0;
  std::string_view name;
  for (const auto& model : specs::models()) {
    if (model.is_demo()) continue;
    request.model = model;
    request.size = request.output = model.sizes.front();
    request.frames = model.frames;
    const auto needed = plan_memory(request).needed();
    if (needed > available || needed <= most) continue;
    most = needed;
    name = model.name;
  }
  return most == 0 ? std::string() : text(name, ", which needs ", base::human_bytes(most));
}

std::string advice(const MemoryRequest& request, uint64_t available) {
  const auto changes = what_would_fit(request, available);
  if (!changes.empty()) return text("what would fit: ", base::join(changes, ", or "));
  const auto other = other_model_that_fits(request, available);
  return text("no smaller size or length of this model would fit",
              other.empty() ? std::string() : text("; another model would: ", other));
}

}  // namespace

uint64_t MemoryPlan::needed() const {
  return largest().total() + program;
}

uint64_t MemoryPlan::needed_together() const {
  return weights() + std::ranges::max(parts, {}, &MemoryNeed::working).working + program;
}

const MemoryNeed& MemoryPlan::largest() const {
  return *std::ranges::max_element(parts, {}, &MemoryNeed::total);
}

uint64_t MemoryPlan::weights() const {
  uint64_t bytes = 0;
  for (const auto& part : parts) bytes += part.weights;
  return bytes;
}

MemoryPlan plan_memory(const MemoryRequest& request) {
  const auto& model = request.model;
  const auto network = weight_bytes(model.dit, request.bytes_per_value);
  const auto working = dit_working_bytes(request);
  MemoryPlan plan{.parts = {text_encoder_need(request)}, .program = kProgram};
  if (model.boundary > 0) {
    plan.parts.push_back({"high-noise network", network, working});
    plan.parts.push_back({"low-noise network", network, working});
  } else {
    plan.parts.push_back({"network", network, working});
  }
  plan.parts.push_back({"video decoder",
                        weight_bytes(model.vae, request.bytes_per_value),
                        vae_working_bytes(request)});
  return plan;
}

std::vector<std::string> what_would_fit(const MemoryRequest& request, uint64_t available) {
  std::vector<std::string> changes;
  if (const int frames = frames_that_fit(request, available); frames > 0) {
    changes.push_back(text("--frames ", frames));
  }
  const auto size = size_that_fits(request, available);
  if (size.width > 0) changes.push_back(text("--size ", size.width, 'x', size.height));
  auto halved = request;
  halved.bytes_per_value = 2;
  if (request.bytes_per_value > 2 && plan_memory(halved).needed() <= available) {
    changes.emplace_back("--dtype bf16");
  }
  return changes;
}

void check_fits(const MemoryRequest& request, uint64_t available, std::string_view where) {
  const auto plan = plan_memory(request);
  if (plan.needed() <= available) return;
  const auto& largest = plan.largest();
  throw base::Error(base::Fault::exhausted,
                    text("not enough ",
                         where,
                         ": ",
                         base::human_bytes(plan.needed()),
                         " are needed (the ",
                         largest.part,
                         " takes ",
                         base::human_bytes(largest.weights),
                         " of weights and ",
                         base::human_bytes(largest.working),
                         " to work with) and ",
                         base::human_bytes(available),
                         " are available; ",
                         advice(request, available)));
}

}  // namespace pipelines
