// SPDX-License-Identifier: Apache-2.0
// With the demo models: small videos in a second each.
#include "worker/engine.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "weights/safetensors.h"
#include "worker/fake_server.h"

namespace {

namespace fs = std::filesystem;
using base::Fault;
using worker::Engine;

const std::string kTiny = ZOETROPE_SOURCE_DIR "/weights/tiny/wan2.2-t2v-tiny";

struct Running {
  worker::FakeServer fake;
  worker::Server server = fake.server();
  worker::Task task{.id = "task",
                    .attempt = 1,
                    .kind = "text_to_video",
                    .weights = "wan2.2-t2v-a14b",
                    .request = {{"prompt", "a red ball bounces"},
                                {"width", 64},
                                {"height", 96},
                                {"seconds", 0.25},
                                {"steps", 2},
                                {"seed", 7}}};
  fs::path folder = fs::temp_directory_path() / "zoetrope_engine_test";
  Engine engine{{.device = torch::kCPU, .matrices = torch::kFloat32},
                {{"wan2.2-t2v-a14b", kTiny}},
                [](const std::string& path) { return path; }};
  bool is_ending = false;
  std::vector<std::string> phases;  // of the last run, each once

  Running() { clear(); }
  ~Running() { fs::remove_all(folder); }

  void clear() {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }

  worker::Made run() {
    worker::Lease lease(server, task, fake.time().clock, [this] { return is_ending; });
    return engine.run(task, folder, lease);
  }

  base::Error error() {
    try {
      run();
    } catch (const base::Error& error) {
      return error;
    }
    ADD_FAILURE() << "expected an error";
    return {Fault::internal, ""};
  }
};

TEST(Engine, MakesAVideoAndItsPoster) {
  Running one;
  const auto made = one.run();
  ASSERT_EQ(made.files.size(), 2u);
  const auto video = base::read_file(one.folder / made.files[0].name, 1 << 20);
  const auto poster = base::read_file(one.folder / made.files[1].name, 1 << 20);
  EXPECT_EQ(video.substr(4, 4), "ftyp");
  EXPECT_EQ(poster.substr(1, 3), "PNG");
  EXPECT_EQ(poster.substr(16, 8), std::string("\0\0\0\x40\0\0\0\x60", 8)) << "64 by 96";
  EXPECT_EQ(made.seed, 7u);
  EXPECT_EQ(std::distance(fs::directory_iterator(one.folder), {}), 2) << "and nothing else";
}

TEST(Engine, MakesTheSameVideoAgainWithAModelThatIsStillLoaded) {
  Running one;
  one.run();
  const auto first = base::read_file(one.folder / "video.mp4", 1 << 20);
  one.clear();
  one.run();
  EXPECT_EQ(base::read_file(one.folder / "video.mp4", 1 << 20), first);
}

// A LoRA for the demo model with random numbers in it.
fs::path write_adapter(const fs::path& file, const std::string& module) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(7);
  std::vector<torch::Tensor> held;
  weights::TensorMap tensors;
  for (const auto* part : {".lora_A.weight", ".lora_B.weight"}) {
    const bool is_down = std::string_view(part) == ".lora_A.weight";
    held.push_back(
        torch::randn(is_down ? torch::IntArrayRef{4, 128} : torch::IntArrayRef{128, 4}, generator));
    weights::TensorView view{.dtype = weights::Dtype::f32, .shape = held.back().sizes().vec()};
    view.bytes = {static_cast<const std::byte*>(held.back().const_data_ptr()),
                  held.back().nbytes()};
    tensors["diffusion_model." + module + part] = view;
  }
  weights::write_safetensors(file, tensors);
  return file;
}

TEST(Engine, PutsAdaptersInAndTakesThemOutAgainBitForBit) {
  Running one;
  const auto places = fs::temp_directory_path();
  const auto a =
      write_adapter(places / "zoetrope_engine_test_a.safetensors", "blocks.0.self_attn.v");
  const auto b =
      write_adapter(places / "zoetrope_engine_test_b.safetensors", "blocks.3.cross_attn.o");
  // The poster: in the video stands how it was made.
  const auto picture_with = [&](const char* list,
                                std::vector<std::pair<fs::path, double>> adapters) {
    one.clear();
    one.task.request["loras"] = one.task.request["high_noise_loras"] = base::Json::array();
    for (const auto& [path, scale] : adapters) {
      one.task.request[list].push_back({{"path", path.string()}, {"scale", scale}});
    }
    one.run();
    return base::read_file(one.folder / "poster.png", 1 << 20);
  };
  const auto plain = picture_with("loras", {});
  const auto with_a = picture_with("loras", {{a, 1}});
  const auto with_both = picture_with("loras", {{a, 1}, {b, 0.5}});
  EXPECT_NE(with_a, plain);
  EXPECT_NE(with_both, with_a);
  EXPECT_NE(picture_with("high_noise_loras", {{a, 1}}), with_a) << "one expert alone";
  EXPECT_EQ(picture_with("loras", {{a, 0}, {b, 0}}), plain);
  EXPECT_EQ(picture_with("loras", {{a, 1}}), with_a);
  EXPECT_EQ(picture_with("loras", {}), plain);
  fs::remove(a);
  fs::remove(b);
}

TEST(Engine, RefusesAdaptersThatAreForNothingInTheModel) {
  Running one;
  const auto file = write_adapter(fs::temp_directory_path() / "zoetrope_engine_test_c.safetensors",
                                  "down_blocks.0.attentions.0.to_q");
  one.task.request["loras"] = {{{"path", file.string()}, {"scale", 1}}};
  const auto error = one.error();
  EXPECT_EQ(error.fault(), Fault::invalid);
  EXPECT_NE(std::string(error.what()).find("lora_no_match"), std::string::npos) << error.what();
  fs::remove(file);
}

TEST(Engine, SaysWhatServedAndWhatItDoesNotKnow) {
  Running one;
  EXPECT_EQ(one.run().warnings,
            std::vector<std::string>{"served by the demo model wan2.2-t2v-tiny"});
  one.task.weights = "wan2.2-t2v-tiny";
  one.task.model = kTiny;
  one.task.request["prompt"] = "a red zebra bounces";
  const auto warnings = one.run().warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(warnings[0].starts_with("the demo model has no such words: zebra;")) << warnings[0];
}

TEST(Engine, StopsWhereItsLeaseSaysSo) {
  Running one;
  one.is_ending = true;
  EXPECT_THROW(one.run(), base::Cancelled);
  EXPECT_TRUE(fs::is_empty(one.folder));
  one.is_ending = false;
  EXPECT_NO_THROW(one.run());
}

TEST(Engine, RefusesWhatTheModelCannotMake) {
  Running one;
  one.task.request["width"] = 65;
  one.task.request["seconds"] = 600;
  const auto error = one.error();
  EXPECT_EQ(error.fault(), Fault::invalid);
  EXPECT_EQ(std::string(error.what()),
            "size: 65x96 is not made of multiples of 2 between 2 and 16384; the nearest is 64x96\n"
            "frames: 9601 is not 4n+1 between 1 and 4093; the nearest is 4093");
}

TEST(Engine, RefusesAVideoThatDoesNotFitIntoMemory) {
  Running one;
  one.task.request["width"] = 16384;
  one.task.request["height"] = 16384;
  one.task.request["seconds"] = 250;
  const auto error = one.error();
  EXPECT_EQ(error.fault(), Fault::exhausted);
  EXPECT_TRUE(std::string(error.what()).starts_with("not enough memory for a video of this size"));
}

TEST(Engine, KeepsPlacesOfThisMachineOutOfItsMessages) {
  Running one;
  one.task.model = "/nonexistent/model";
  const auto error = one.error();
  EXPECT_STREQ(error.what(), "the model wan2.2-t2v-a14b cannot be opened");
  EXPECT_NE(error.detail().find("/nonexistent/model"), std::string::npos);
}

TEST(Engine, CanRunWhatWasNamedAndWhatIsInstalled) {
  const auto weights = Running().engine.weights();
  EXPECT_TRUE(std::ranges::count(weights, "wan2.2-t2v-a14b"));
}

TEST(Engine, IsRefusedWithEveryModelThatIsNone) {
  try {
    Engine({}, {{"wan9", kTiny}, {"wan2.1-t2v-14b", "/nonexistent"}}, {});
    FAIL() << "expected an error";
  } catch (const base::Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("no model called wan9"), std::string::npos) << message;
    EXPECT_NE(message.find("/nonexistent"), std::string::npos) << message;
  }
}

}  // namespace
