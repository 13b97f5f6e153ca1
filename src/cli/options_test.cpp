// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace {

struct Request {
  std::string prompt;
  std::string output = "out.mp4";
  std::string solver = "euler";
  std::optional<std::string> model;
  int64_t frames = 81;
  std::optional<int64_t> steps;
  double shift = 5.5;
  bool json = false;
};

constexpr std::string_view kSolvers[] = {"unipc", "euler"};

constexpr cli::Option<Request> kOptions[] = {
    {"PROMPT", "", &Request::prompt, "What to show.", {.required = true}},
    {"--output", "FILE", &Request::output, "Where to.", {}, "-o"},
    {"--solver", "NAME", &Request::solver, "How.", {.choices = kSolvers}},
    {"--model", "NAME", &Request::model, "Which weights."},
    {"--frames", "N", &Request::frames, "How many.", {.min = 1}},
    {"--steps", "N", &Request::steps, "How often.", {.min = 1, .max = 1000}},
    {"--shift", "X", &Request::shift, "How far.", {.min = 0, .max = 100}},
    {"--json", "", &Request::json, "For machines."},
};
constexpr cli::Form<Request> kForm = {"zoetrope test", "Does a test.", kOptions};

Request read(std::vector<std::string> arguments) {
  return cli::read_options(kForm, arguments).value();
}

std::string refusal(std::vector<std::string> arguments) {
  try {
    read(std::move(arguments));
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::invalid);
    return error.what();
  }
  return "accepted";
}

TEST(Options, KeepDefaultsOfWhatIsNotGiven) {
  const auto request = read({"a red ball"});
  EXPECT_EQ(request.prompt, "a red ball");
  EXPECT_EQ(request.output, "out.mp4");
  EXPECT_EQ(request.frames, 81);
  EXPECT_FALSE(request.steps);
  EXPECT_FALSE(request.json);
}

TEST(Options, FillEveryKindOfMember) {
  const auto request = read({"--steps",
                             "7",
                             "-o",
                             "x.mp4",
                             "p",
                             "--shift=-0",
                             "--model",
                             "tiny",
                             "--json",
                             "--frames",
                             "5",
                             "--solver=unipc"});
  EXPECT_EQ(request.steps, 7);
  EXPECT_EQ(request.output, "x.mp4");
  EXPECT_EQ(request.prompt, "p");
  EXPECT_EQ(request.shift, 0.0);
  EXPECT_EQ(request.model, "tiny");
  EXPECT_TRUE(request.json);
  EXPECT_EQ(request.frames, 5);
  EXPECT_EQ(request.solver, "unipc");
}

TEST(Options, TakeAnEmptyPromptAndOneBehindTwoDashes) {
  EXPECT_EQ(read({""}).prompt, "");
  EXPECT_EQ(read({"--", "--json"}).prompt, "--json");
}

TEST(Options, RefuseAllThatIsWrongAtOnce) {
  EXPECT_EQ(refusal({"--steps", "0", "--shift", "nan", "--solver", "magic", "--frames", "5x"}),
            "--steps: \"0\" is not a whole number from 1 to 1000\n"
            "--shift: \"nan\" is not a number from 0 to 100\n"
            "--solver: \"magic\" is not one of unipc, euler\n"
            "--frames: \"5x\" is not a whole number of at least 1\n"
            "PROMPT: is missing; zoetrope test --help tells more");
}

TEST(Options, SuggestTheNearestName) {
  EXPECT_EQ(refusal({"p", "--step", "3"}),
            "--step: no such option; did you mean --steps?\n"
            "\"3\": one argument too many; a text with spaces needs quotes");
  EXPECT_EQ(refusal({"p", "--bananas"}),
            "--bananas: no such option; zoetrope test --help lists them");
}

TEST(Options, RefuseAMissingAndASecondValueAndAValueOfAFlag) {
  EXPECT_EQ(refusal({"p", "--steps"}), "--steps: needs a value, N");
  EXPECT_EQ(refusal({"p", "--steps", "2", "--steps=3"}),
            "--steps: given twice, the second time as \"3\"");
  EXPECT_EQ(refusal({"p", "--json=1"}), "--json: takes no value, got \"1\"");
}

TEST(Options, RefuseNumbersBeyondTheirType) {
  EXPECT_NE(refusal({"p", "--frames", "99999999999999999999"}), "accepted");
  EXPECT_NE(refusal({"p", "--shift", "inf"}), "accepted");
  EXPECT_NE(refusal({"p", "--frames", ""}), "accepted");
}

TEST(Options, ShowTheDefaultAndTheChoicesInTheHelp) {
  Request request;
  const auto help = cli::help_text(cli::bind(kForm, request));
  EXPECT_NE(help.find("usage: zoetrope test PROMPT [OPTIONS]"), std::string::npos) << help;
  EXPECT_NE(help.find("-o, --output FILE"), std::string::npos) << help;
  EXPECT_NE(help.find("Where to. Default: out.mp4."), std::string::npos) << help;
  EXPECT_NE(help.find("How far. Default: 5.5."), std::string::npos) << help;
  EXPECT_NE(help.find("How. One of unipc, euler. Default: euler."), std::string::npos) << help;
}

TEST(Options, PrintTheHelpInsteadOfComplaining) {
  EXPECT_FALSE(cli::read_options(kForm, std::vector<std::string>{"--nonsense", "--help"}));
}

struct Folders {
  std::vector<std::string> folders;
};

TEST(Options, GatherArgumentsIntoAList) {
  static constexpr cli::Option<Folders> kRows[] = {
      {"DIR", "", &Folders::folders, "", {.required = true}}};
  static constexpr cli::Form<Folders> kLists = {"test", "", kRows};
  const auto request = cli::read_options(kLists, std::vector<std::string>{"a", "b", "c"});
  EXPECT_EQ(request->folders, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_THROW(cli::read_options(kLists, {}), base::Error);
}

TEST(Options, GatherTheValuesOfAnOptionThatIsGivenAgain) {
  static constexpr cli::Option<Folders> kRows[] = {{"--model", "DIR", &Folders::folders, "Where."}};
  static constexpr cli::Form<Folders> kForms = {"test", "", kRows};
  const auto request =
      cli::read_options(kForms, std::vector<std::string>{"--model", "a", "--model=b"});
  EXPECT_EQ(request->folders, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(cli::read_options(kForms, {})->folders.empty());
}

}  // namespace
