// SPDX-License-Identifier: Apache-2.0
#include "hub/huggingface.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "hub/test_hub.h"

namespace {

namespace fs = std::filesystem;
using namespace hub;
using namespace hub::test;
using weights::test::contains;
using weights::test::Folder;
using weights::test::refusal;

// Variables of the environment for one test.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& variables) {
    for (const auto* name : {"HF_HOME",
                             "HF_HUB_CACHE",
                             "HUGGINGFACE_HUB_CACHE",
                             "HF_TOKEN",
                             "HUGGING_FACE_HUB_TOKEN",
                             "HF_TOKEN_PATH",
                             "HF_ENDPOINT",
                             "HF_HUB_OFFLINE",
                             "TRANSFORMERS_OFFLINE",
                             "XDG_CACHE_HOME",
                             "HOME"}) {
      const char* value = std::getenv(name);
      before_[name] = value == nullptr ? std::optional<std::string>() : value;
      ::unsetenv(name);
    }
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const auto& [name, value] : before_) {
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
    }
  }

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

TEST(HuggingFaceSettings, AreThoseOfTheEnvironmentAsThePythonLibraryReadsThem) {
  const Folder folder;
  folder.write("home/.cache/huggingface/token", "hf_login\n");
  folder.write("other/token", "hf_other\n");
  const auto home = (folder / "home").string();
  const auto with = [&](std::map<std::string, std::string> variables) {
    variables["HOME"] = home;
    const Environment environment(variables);
    return huggingface_settings();
  };
  auto settings = with({});
  EXPECT_EQ(settings.endpoint, "https://huggingface.co");
  EXPECT_EQ(settings.cache, home + "/.cache/huggingface/hub");
  EXPECT_EQ(settings.token, "hf_login");
  EXPECT_FALSE(settings.is_offline);
  EXPECT_EQ(with({{"HF_TOKEN", "hf_x"}}).token, "hf_x");
  settings =
      with({{"HF_HOME", (folder / "other").string()}, {"HF_ENDPOINT", "https://m.example/"}});
  EXPECT_EQ(settings.cache, folder / "other/hub");
  EXPECT_EQ(settings.token, "hf_other");
  EXPECT_EQ(settings.endpoint, "https://m.example");
  EXPECT_EQ(with({{"XDG_CACHE_HOME", "/x"}}).cache, "/x/huggingface/hub");
  EXPECT_EQ(with({{"HF_HOME", "/x"}, {"HF_HUB_CACHE", "~/y"}}).cache, home + "/y");
  EXPECT_TRUE(with({{"HF_HUB_OFFLINE", "1"}}).is_offline);
  EXPECT_FALSE(with({{"HF_HUB_OFFLINE", "0"}}).is_offline);
}

class Hub : public testing::Test {
 protected:
  Hub() {
    hub.files = {{"style.safetensors", weights_of(1000)}, {"README.md", "# Style\n"}};
    settings = {.endpoint = hub.site(), .cache = folder / "cache"};
    patience.retries = 2;
    patience.sleep = [](std::chrono::milliseconds) {};
  }

  HuggingFace site() { return {client, settings, patience}; }
  Listing list(const std::string& revision = "main") {
    return site().list("alice/style", revision, [] { return true; });
  }
  fs::path fetch(const std::string& path) {
    const auto listing = list();
    return site().fetch(listing, choose_file(listing, path), {}, {});
  }

  Folder folder;
  http::Client client;
  TestHub hub;
  HuggingFaceSettings settings;
  Patience patience;
};

TEST_F(Hub, TellsWhatARepositoryHolds) {
  const auto listing = list("v2");
  EXPECT_EQ(listing.commit, hub.commit);
  EXPECT_EQ(listing.revision, "v2");
  ASSERT_EQ(listing.files.size(), 2u);
  EXPECT_EQ(listing.files[0].path, "README.md");
  EXPECT_EQ(listing.files[0].sha256, "");
  EXPECT_EQ(listing.files[0].blob, crypto::git_blob_id("# Style\n"));
  EXPECT_EQ(listing.files[1].bytes, hub.files["style.safetensors"].size());
  EXPECT_EQ(listing.files[1].sha256, crypto::sha256_hex(hub.files["style.safetensors"]));
}

TEST_F(Hub, WritesTheCacheTheWayThePythonLibraryDoes) {
  const auto path = fetch("style.safetensors");
  const auto repository = folder / "cache/models--alice--style";
  const auto sha256 = crypto::sha256_hex(hub.files["style.safetensors"]);
  EXPECT_EQ(path, repository / "snapshots" / hub.commit / "style.safetensors");
  EXPECT_EQ(fs::read_symlink(path), "../../blobs/" + sha256);
  EXPECT_EQ(base::read_file(path, 1 << 20), hub.files["style.safetensors"]);
  EXPECT_EQ(base::read_file(repository / "refs/main", 100), hub.commit);
  // A small one comes from the hub itself, and is known by Git's name.
  const auto small = fetch("README.md");
  EXPECT_EQ(fs::read_symlink(small), "../../blobs/" + crypto::git_blob_id("# Style\n"));
  EXPECT_EQ(base::read_file(small, 100), "# Style\n");
}

TEST_F(Hub, FetchesNothingTwice) {
  fetch("style.safetensors");
  fetch("style.safetensors");
  EXPECT_EQ(hub.contents_sent(), 1u);
  // Another commit with the same content needs another link only.
  hub.commit = std::string(40, 'b');
  const auto path = fetch("style.safetensors");
  EXPECT_TRUE(contains(path.string(), hub.commit));
  EXPECT_EQ(base::read_file(path, 1 << 20), hub.files["style.safetensors"]);
  EXPECT_EQ(hub.contents_sent(), 1u);
}

TEST_F(Hub, AnswersOutOfTheCacheWhereTheHubIsOffOrDoesNotAnswer) {
  EXPECT_TRUE(contains(refusal([&] {
                         settings.is_offline = true;
                         fetch("style.safetensors");
                       }),
                       "HF_HUB_OFFLINE forbids"));
  EXPECT_EQ(hub.origin.asked().size(), 0u);
  settings.is_offline = false;
  const auto path = fetch("style.safetensors");
  const auto asked = hub.origin.asked().size();
  settings.is_offline = true;
  EXPECT_EQ(fetch("style.safetensors"), path);
  EXPECT_EQ(fetch(""), path);
  EXPECT_TRUE(contains(refusal([&] { fetch("README.md"); }), "lora_not_found: "));
  EXPECT_EQ(hub.origin.asked().size(), asked);
  settings.is_offline = false;
  hub.failures = 2;
  EXPECT_EQ(fetch("style.safetensors"), path);
  settings.endpoint = "http://127.0.0.3:1";
  EXPECT_EQ(fetch("style.safetensors"), path);
}

TEST_F(Hub, WantsItsTokenAndSendsItToNoOtherHost) {
  hub.token = "hf_secret";
  const auto message = refusal([&] { fetch("style.safetensors"); });
  EXPECT_TRUE(message.starts_with("lora_unauthorized: alice/style on 127.0.0.1:")) << message;
  EXPECT_TRUE(contains(message, "is private or does not exist; HF_TOKEN is not set")) << message;
  settings.token = "hf_wrong";
  EXPECT_TRUE(contains(refusal([&] { fetch("style.safetensors"); }),
                       "the token in HF_TOKEN is not enough for it"));
  settings.token = "hf_secret";
  fetch("style.safetensors");
  ASSERT_EQ(hub.cdn.asked().size(), 1u);
  EXPECT_EQ(hub.cdn.asked()[0].header("authorization"), "");
}

TEST_F(Hub, SaysWhichRevisionIsNotThere) {
  EXPECT_TRUE(contains(refusal([&] { list("v9"); }), "has no such revision"));
}

TEST_F(Hub, KeepsNothingThatIsDamaged) {
  hub.on_content = [](Answer& answer) { answer.body[100] ^= 1; };
  EXPECT_TRUE(contains(refusal([&] { fetch("style.safetensors"); }), "is damaged"));
  hub.on_content = {};
  fetch("style.safetensors");
}

TEST_F(Hub, BelievesNoAnswerThatNamesFilesElsewhere) {
  for (const auto* path : {"../x", "/etc/x", "a/../../x", ""}) {
    hub.files = {{path, "x"}};
    EXPECT_TRUE(contains(refusal([&] { list(); }), "fetch_failed: what the hub says of")) << path;
  }
  hub.files = {{"a", "x"}};
  hub.commit = "../../../x";
  EXPECT_TRUE(contains(refusal([&] { list(); }), "fetch_failed: "));
}

// ── which file is meant ──

std::string choice(const std::vector<std::string>& paths, const std::string& path) {
  Listing listing{.repository = "alice/style"};
  for (const auto& each : paths) listing.files.push_back({.path = each});
  try {
    return choose_file(listing, path).path;
  } catch (const base::Error& error) {
    return error.what();
  }
}

TEST(ChoosingAFile, TakesTheOneNamedOrTheOnlyOne) {
  EXPECT_EQ(choice({"README.md", "a.safetensors"}, ""), "a.safetensors");
  EXPECT_EQ(choice({"a.safetensors", "b/c.safetensors"}, "b/c.safetensors"), "b/c.safetensors");
  EXPECT_EQ(choice({"a.safetensors", "b/c.safetensors"}, "b"), "b/c.safetensors");
}

TEST(ChoosingAFile, ListsThemWhereSeveralCouldBeMeant) {
  EXPECT_EQ(
      choice({"high.safetensors", "low.safetensors"}, ""),
      "lora_ambiguous: alice/style has several files: high.safetensors, low.safetensors; name "
      "one of them, as in alice/style/high.safetensors");
  std::vector<std::string> many;
  for (int i = 0; i < 30; ++i) many.push_back(std::to_string(100 + i) + ".safetensors");
  EXPECT_TRUE(contains(choice(many, ""), "119.safetensors and 10 more"));
}

TEST(ChoosingAFile, SaysWhatThereIsWhereTheOneNamedIsNot) {
  EXPECT_EQ(choice({"a.safetensors"}, "b.safetensors"),
            "lora_not_found: alice/style has no b.safetensors; it has a.safetensors");
  EXPECT_EQ(choice({"README.md"}, ""), "lora_not_found: alice/style holds no .safetensors file");
}

TEST(ChoosingAFile, TakesAPickleOnlyWhereItIsNamed) {
  EXPECT_EQ(choice({"Wan2.1_VAE.pth", "x"}, "Wan2.1_VAE.pth"), "Wan2.1_VAE.pth");
  EXPECT_TRUE(contains(choice({"pytorch_lora_weights.bin"}, ""), "only pickles"));
}

}  // namespace
