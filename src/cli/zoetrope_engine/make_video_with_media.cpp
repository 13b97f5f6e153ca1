// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/zoetrope_engine/make_video.h"
#include "media/video_output.h"
#include "pipelines/rgb.h"
#include "weights/safetensors.h"

namespace cli {
namespace {

pipelines::Progress progress_on(ProgressDisplay& display) {
  return {[&display](pipelines::Phase phase, int done, int total) {
    if (is_interrupted()) throw base::Cancelled();
    display.report(pipelines::name_of(phase), done, total);
  }};
}

void write_latents(const pipelines::TextToVideoJob& job,
                   const torch::Tensor& latent_CFHW,
                   base::FileWriter& out) {
  const auto held = latent_CFHW.to(torch::kCPU, torch::kFloat32).contiguous();
  weights::TensorView view{.dtype = weights::Dtype::f32, .shape = held.sizes().vec()};
  view.bytes = {static_cast<const std::byte*>(held.const_data_ptr()), held.nbytes()};
  weights::write_safetensors(out, {{"latent", view}}, {{"zoetrope", job.recipe().dump()}});
  out.finish();
}

media::VideoFiles files_of(const GenerateOptions& options, const pipelines::TextToVideoJob& job) {
  return {.video = options.output,
          .sheet = options.sheet,
          .size = {job.request.size.width, job.request.size.height},
          .source = {job.render.width, job.render.height},
          .frames = job.request.frames,
          .fps = job.spec().fps,
          .title = job.prompt,
          .comment = job.recipe().dump()};
}

}  // namespace

void make_video(const GenerateOptions& options,
                const pipelines::TextToVideoJob& job,
                ProgressDisplay& display) {
  const auto progress = progress_on(display);
  pipelines::TextToVideo pipeline(
      job.spec(),
      pipelines::parts_of(job.model, job.placement, progress, job.adapters),
      pipelines::Residency::one_at_a_time);
  const auto latent_CFHW = pipeline.denoise(job.request, progress);
  media::VideoOutput output(files_of(options, job));
  std::optional<base::FileWriter> latents;
  if (!options.latents.empty()) {
    latents.emplace(options.latents);
    write_latents(job, latent_CFHW, *latents);
  }
  pipeline.decode(latent_CFHW, progress, [&](const torch::Tensor& frames_CFHW) {
    pipelines::for_each_frame(frames_CFHW, [&](media::Rgb frame) { output.add(frame); });
  });
  output.finish();
  output.commit();
  if (latents) latents->commit();
}

}  // namespace cli
