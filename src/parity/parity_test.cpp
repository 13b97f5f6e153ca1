// SPDX-License-Identifier: Apache-2.0
// The runner itself, on a schedule of the sampler: a case without weights.
#include "parity/parity.h"

#include <limits>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "weights/test_files.h"

namespace {

using parity::CaseResult;
using parity::Verdict;
using weights::test::contains;

constexpr std::string_view kCase = R"({
  "module": "sampler",
  "args": {"solver": "lightx2v", "schedules": [{"step_list": [1000, 500], "shift": 1}]},
  "tolerance": {"out.sigmas_0": {"atol": 1e-6, "rtol": 0},
                "out.timesteps_0": {"atol": 0, "rtol": 0}}
})";

class Parity : public testing::Test {
 protected:
  CaseResult run() {
    folder.write("case.json", description.dump());
    weights::TensorMap views;
    for (const auto& [name, values] : tensors) {
      views[name] = {.dtype = weights::Dtype::f32,
                     .shape = {static_cast<int64_t>(values.size())},
                     .bytes = std::as_bytes(std::span(values))};
    }
    if (!views.empty()) weights::write_safetensors(folder / "tensors.safetensors", views);
    return parity::run_case(folder.path(), {});
  }

  base::Json description = base::parse_json(kCase, "kCase");
  std::map<std::string, std::vector<float>> tensors = {{"out.sigmas_0", {1, 0.5, 0}},
                                                       {"out.timesteps_0", {1000, 500}}};
  weights::test::Folder folder;
};

TEST_F(Parity, PassesWhereTheNumbersAgree) {
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::passed) << result.reason;
  EXPECT_EQ(result.module, "sampler");
  EXPECT_EQ(result.tensors.size(), 2u);
}

TEST_F(Parity, FailsAtAWrongNumberAndSaysHowWrong) {
  tensors["out.sigmas_0"][1] = 0.75;
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  ASSERT_EQ(result.tensors.size(), 2u);
  EXPECT_EQ(result.tensors[0].name, "out.sigmas_0");
  EXPECT_FALSE(result.tensors[0].passed);
  EXPECT_DOUBLE_EQ(result.tensors[0].worst_absolute, 0.25);
  EXPECT_TRUE(result.tensors[1].passed);
}

TEST_F(Parity, FailsAtWhatIsNoNumber) {
  tensors["out.sigmas_0"][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(run().verdict, Verdict::failed);
}

TEST_F(Parity, FailsAtAnotherShape) {
  tensors["out.timesteps_0"].push_back(0);
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  ASSERT_EQ(result.tensors.size(), 2u);
  EXPECT_EQ(result.tensors[1].problem, "shape [2], expected [3]");
}

TEST_F(Parity, FailsAtATensorThatIsNotComputed) {
  tensors["out.latent"] = {1};
  description["tolerance"]["out.latent"] = {{"atol", 0}, {"rtol", 0}};
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  ASSERT_EQ(result.tensors.size(), 3u);
  EXPECT_EQ(result.tensors[0].problem, "not computed");
}

TEST_F(Parity, FailsWithoutTolerances) {
  description["tolerance"] = base::Json::object();
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  ASSERT_EQ(result.tensors.size(), 2u);
  EXPECT_EQ(result.tensors[0].problem, "the case has no tolerance for it");
}

TEST_F(Parity, FailsAtAnOutputWithoutATolerance) {
  description["tolerance"].erase("out.timesteps_0");
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  ASSERT_EQ(result.tensors.size(), 2u);
  EXPECT_TRUE(result.tensors[0].passed);
  EXPECT_EQ(result.tensors[1].name, "out.timesteps_0");
  EXPECT_EQ(result.tensors[1].problem, "the case has no tolerance for it");
}

TEST_F(Parity, FailsAtAToleranceWithoutATensor) {
  tensors.erase("out.timesteps_0");
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  ASSERT_EQ(result.tensors.size(), 2u);
  EXPECT_EQ(result.tensors[1].problem, "the case has a tolerance for it but no tensor");
}

TEST_F(Parity, FailsWhereNothingIsExpected) {
  description["tolerance"] = base::Json::object();
  tensors.clear();
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  EXPECT_TRUE(contains(result.reason, "nothing to compare")) << result.reason;
}

TEST_F(Parity, PassesOverInputsAndInnerValues) {
  tensors["in.x"] = tensors["mid.x"] = {1};
  EXPECT_EQ(run().verdict, Verdict::passed);
}

TEST_F(Parity, SkipsAModuleThatItDoesNotKnowByName) {
  description["module"] = "weather";
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::skipped);
  EXPECT_TRUE(contains(result.reason, "weather")) << result.reason;
}

TEST_F(Parity, FailsWhereTheEngineRefuses) {
  description["args"]["solver"] = "heun";
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  EXPECT_TRUE(contains(result.reason, "heun")) << result.reason;
}

TEST_F(Parity, FailsWhereARefusalDoesNotCome) {
  description["args"]["expect"] = "error";
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  EXPECT_EQ(result.reason, "accepted, although it must be refused");
}

TEST_F(Parity, WantsARefusalToNameWhatIsWrong) {
  description["args"]["expect"] = "error";
  description["args"]["solver"] = "heun";
  description["args"]["error_names"] = base::Json::array({"heun"});
  EXPECT_EQ(run().verdict, Verdict::passed);
  description["args"]["error_names"] = base::Json::array({"heun", "step_list"});
  const auto result = run();
  EXPECT_EQ(result.verdict, Verdict::failed);
  EXPECT_TRUE(contains(result.reason, "without naming step_list")) << result.reason;
}

TEST_F(Parity, FindsCasesAtAnyDepthInOrder) {
  for (const auto* name : {"b/2/case.json", "a/case.json", "b/1/case.json"}) {
    folder.write(name, "{}");
  }
  const std::vector<std::filesystem::path> cases = {folder / "a", folder / "b/1", folder / "b/2"};
  EXPECT_EQ(parity::find_cases(folder.path()), cases);
  EXPECT_EQ(parity::find_cases(folder / "b/1/"), std::vector{cases[1]});
}

}  // namespace
