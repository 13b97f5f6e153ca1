// SPDX-License-Identifier: Apache-2.0
// Text to video. Follows WanT2V.generate in wan/text2video.py (Wan 2.1 and 2.2).
// C channels, F frames, H W size
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <torch/types.h>

#include "models/umt5.h"
#include "models/vae.h"
#include "pipelines/denoise.h"
#include "pipelines/part.h"
#include "pipelines/progress.h"
#include "pipelines/sampler.h"
#include "specs/specs.h"

namespace pipelines {

struct TextToVideoRequest {
  std::vector<int64_t> prompt;           // token ids, the end token included, without padding
  std::vector<int64_t> negative_prompt;  // read only where a guidance is not 1
  specs::Size size;
  int frames = 0;
  int steps = 0;
  std::vector<double> step_list;  // for solvers that take a list instead of `steps`
  Solver solver = Solver::unipc;
  double shift = 0;
  double guidance_high = 1;  // of the only network where there is one
  double guidance_low = 1;
  uint64_t seed = 0;
  torch::Device noise_device = torch::kCPU;  // whose generator draws the noise
};

// Everything but the prompts and the seed as the model is meant to be run.
TextToVideoRequest defaults(const specs::ModelSpec& spec);

// What is wrong with a request for this model, one sentence each, naming the field, the rule and
// the value; empty where nothing is.
std::vector<std::string> complaints(const specs::ModelSpec& spec,
                                    const TextToVideoRequest& request);

// The size that is computed. The asked one, except where the model has a native size: then the size
// of its area in the asked shape, sides rounded to the nearest multiple of size_multiple(). Frames
// come out at this size; the caller resamples them.
specs::Size render_size(const specs::ModelSpec& spec, specs::Size asked);

// How each part is loaded, on the device and in the type it shall run.
struct TextToVideoParts {
  std::function<models::Umt5()> umt5;
  std::function<models::Dit()> high_noise;  // the only network where there is one
  std::function<models::Dit()> low_noise;   // empty where there is one network
  std::function<models::Vae()> vae;
};

class TextToVideo {
 public:
  TextToVideo(const specs::ModelSpec& spec, TextToVideoParts parts, Residency residency);

  // The latent [C,F,H,W], fp32. Throws Error(invalid) with all complaints about the request before
  // anything is loaded; base::Cancelled where progress does.
  Tensor denoise(const TextToVideoRequest& request, const Progress& progress);

  // Decodes a latent; `frames` gets groups of frames [3,F,H,W] in [-1,1] in order, at render size.
  void decode(const Tensor& latent_CFHW,
              const Progress& progress,
              const std::function<void(const Tensor& frames_CFHW)>& frames);

  // From the next video on a network comes from this loader; the one that is loaded goes. An empty
  // loader leaves its network as it is.
  void replace_networks(std::function<models::Dit()> high_noise,
                        std::function<models::Dit()> low_noise);

  const specs::ModelSpec& spec() const { return spec_; }

 private:
  specs::ModelSpec spec_;
  Residency residency_;
  Part<models::Umt5> umt5_;
  Experts experts_;
  Part<models::Vae> vae_;
};

}  // namespace pipelines
