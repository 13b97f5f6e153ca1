// SPDX-License-Identifier: Apache-2.0
#include "hub/fetch.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "hub/test_hub.h"

namespace {

namespace fs = std::filesystem;
using namespace hub;
using namespace hub::test;
using weights::test::contains;
using weights::test::Folder;
using weights::test::refusal;

class Fetching : public testing::Test {
 protected:
  Fetching() {
    settings.huggingface = {.endpoint = hub.site(), .cache = folder / "hub"};
    settings.civitai = {.endpoint = civitai.site(), .token = "civitai"};
    settings.cache = folder / "cache";
    settings.wall = http::EgressPolicy{.ports = {}, .networks = {"127.0.0.0/8"}};
    settings.patience.retries = 2;
    settings.patience.sleep = [](std::chrono::milliseconds) {};
    settings.clock.wall = [this] { return now.load(); };
    hub.files["style.safetensors"] = weights_of(1000);
  }

  FetchedFile fetch(const std::string& path) { return Fetcher(settings).fetch(path); }
  std::string content(const std::string& path) {
    return base::read_file(fetch(path).path, 64 << 20);
  }
  std::string failure(const std::string& path) {
    return refusal([&] { fetch(path); });
  }
  // Nothing was kept of what could not be used.
  size_t files_kept() const {
    size_t count = 0;
    for (const auto* where : {"cache/files", "cache/partial", "hub"}) {
      if (!fs::exists(folder / where)) continue;
      for (const auto& entry : fs::recursive_directory_iterator(folder / where)) {
        count += entry.is_regular_file() && entry.path().extension() != ".lock";
      }
    }
    return count;
  }

  Folder folder;
  TestHub hub;
  TestCivitai civitai;
  FetchSettings settings;
  std::atomic<int64_t> now = base::system_clock().wall();
};

// ── repositories ──

TEST_F(Fetching, BringsARepositorysFileUnderEveryNameOfIt) {
  for (const auto& path :
       {std::string("alice/style"),
        std::string("alice/style/style.safetensors"),
        std::string("alice/style:style.safetensors"),
        std::string("alice/style@v2"),
        hub.site() + "/alice/style/resolve/main/style.safetensors",
        std::string("https://huggingface.co/alice/style/blob/main/style.safetensors")}) {
    EXPECT_EQ(content(path), hub.files["style.safetensors"]) << path;
  }
  EXPECT_EQ(fetch("alice/style").sha256, crypto::sha256_hex(hub.files["style.safetensors"]));
  EXPECT_EQ(hub.contents_sent(), 1u);
}

TEST_F(Fetching, UsesWhatThePythonLibraryHasCachedAndNeverRemovesIt) {
  const auto& bytes = hub.files["style.safetensors"];
  const auto sha256 = crypto::sha256_hex(bytes);
  const std::string repository = "hub/models--alice--style/";
  const auto blob = folder.write(repository + "blobs/" + sha256, bytes);
  const auto link = folder / (repository + "snapshots/" + hub.commit + "/style.safetensors");
  fs::create_directories(link.parent_path());
  fs::create_symlink("../../blobs/" + sha256, link);
  folder.write(repository + "refs/main", hub.commit);
  settings.cache_bytes = 0;
  EXPECT_EQ(fetch("alice/style").path, link);
  EXPECT_EQ(fetch("alice/style").path, link);
  EXPECT_EQ(hub.contents_sent(), 0u);
  EXPECT_TRUE(fs::exists(blob));
  settings.huggingface.is_offline = true;
  settings.huggingface.endpoint = "http://127.0.0.1:1";
  EXPECT_EQ(fetch("alice/style").path, link);
}

TEST_F(Fetching, RemovesNoFileOfThePythonLibraryForItsLinkOfAnotherCommit) {
  const auto& bytes = hub.files["style.safetensors"];
  const auto blob =
      folder.write("hub/models--alice--style/blobs/" + crypto::sha256_hex(bytes), bytes);
  settings.cache_bytes = 0;
  fetch("alice/style");
  fetch("alice/style");
  EXPECT_EQ(hub.contents_sent(), 0u);
  EXPECT_TRUE(fs::exists(blob));
}

TEST_F(Fetching, FetchesAgainWhatIsDamagedInTheCache) {
  const auto path = fetch("alice/style").path;
  auto bytes = hub.files["style.safetensors"];
  bytes[bytes.size() - 1] ^= 1;
  folder.write(fs::canonical(path), bytes);
  EXPECT_EQ(content("alice/style"), hub.files["style.safetensors"]);
  folder.write(fs::canonical(path), "short");
  EXPECT_EQ(content("alice/style"), hub.files["style.safetensors"]);
  fs::remove(fs::canonical(path));
  EXPECT_EQ(content("alice/style"), hub.files["style.safetensors"]);
  EXPECT_EQ(hub.contents_sent(), 4u);

  // The same where huggingface_hub has left it.
  fs::remove_all(folder / "cache");
  folder.write(fs::canonical(path), bytes);
  EXPECT_EQ(content("alice/style"), hub.files["style.safetensors"]);
}

TEST_F(Fetching, MakesRoomAmongTheFilesItFetched) {
  settings.cache_bytes = 5000;
  hub.files["other.safetensors"] = weights_of(1001);
  const auto first = fetch("alice/style/style.safetensors").path;
  const auto blob = fs::canonical(first);
  now += 1000;
  auto second = fetch("alice/style/other.safetensors");
  EXPECT_FALSE(fs::exists(blob));
  EXPECT_FALSE(fs::is_symlink(first));
  // In use it stays, also for another process.
  now += 1000;
  fetch("alice/style/style.safetensors");
  EXPECT_TRUE(fs::exists(second.path));
}

TEST_F(Fetching, CountsWhatIsNotFinishedAndDropsItFirst) {
  settings.cache_bytes = 10'000;
  settings.patience.retries = 0;
  fetch("alice/style");
  hub.files["large.safetensors"] = weights_of(100'000);
  hub.on_content = [](Answer& answer) { answer.sent = 20'000; };
  EXPECT_TRUE(contains(failure("alice/style/large.safetensors"), "fetch_failed: "));
  EXPECT_FALSE(fs::is_empty(folder / "cache/partial"));
  Origin origin([&](const Asked& asked) { return file_answer(asked, weights_of(10)); });
  fetch(origin.url("/a"));
  EXPECT_TRUE(fs::is_empty(folder / "cache/partial"));
  EXPECT_EQ(hub.contents_sent(), 2u);
  fetch("alice/style/style.safetensors");
  EXPECT_EQ(hub.contents_sent(), 2u);  // it was left
}

// ── Civitai ──

TEST_F(Fetching, BringsAFileOfCivitaiFromItsPageAndItsDownload) {
  civitai.add("style.safetensors", "type=Model&format=SafeTensor", weights_of(10));
  for (const auto* path :
       {"https://civitai.com/models/123/a-style?modelVersionId=456",
        "https://civitai.com/models/123",
        "https://civitai.com/api/download/models/456",
        "https://civitai.com/api/download/models/456?format=SafeTensor&type=Model"}) {
    EXPECT_EQ(content(path), weights_of(10)) << path;
  }
  EXPECT_EQ(civitai.cdn.asked().size(), 1u);
  EXPECT_EQ(civitai.cdn.asked()[0].header("authorization"), "");
}

TEST_F(Fetching, PicksTheFileThatTheQueryNamesElseTheMainOne) {
  civitai.add("high.safetensors", "type=Model&fp=fp16", weights_of(10));
  civitai.add("low.safetensors", "type=Model&fp=fp32", weights_of(20));
  const std::string download = "https://civitai.com/api/download/models/456";
  EXPECT_EQ(content(download), weights_of(10));
  EXPECT_EQ(content(download + "?type=Model&fp=fp32"), weights_of(20));
  civitai.files[0]["primary"] = false;
  EXPECT_TRUE(contains(failure(download),
                       "lora_ambiguous: version 456 on Civitai has several files: "
                       "high.safetensors (/api/download/models/456?type=Model&"));
  civitai.files = {{{"name", "a.pt"}, {"metadata", {{"format", "PickleTensor"}}}}};
  EXPECT_TRUE(contains(failure(download), "lora_file_invalid: version 456 on Civitai has no file"));
}

TEST_F(Fetching, TriesThePlainDownloadWhereTheSitesOwnUrlIsNotFound) {
  civitai.add("style.safetensors", "type=Model", weights_of(10));
  civitai.contents[""] = civitai.contents["type=Model"];
  civitai.contents.erase("type=Model");
  EXPECT_EQ(content("https://civitai.com/models/123"), weights_of(10));
}

TEST_F(Fetching, SaysThatCivitaiWantsAToken) {
  civitai.add("style.safetensors", "type=Model", weights_of(10));
  settings.civitai.token.clear();
  EXPECT_EQ(
      failure("https://civitai.com/models/123"),
      "lora_unauthorized: style.safetensors on Civitai needs a token; CIVITAI_TOKEN is not set");
  EXPECT_TRUE(contains(failure("https://civitai.com/models/999"), "lora_not_found: model 999"));
}

// ── URLs ──

TEST_F(Fetching, AsksWhetherAUrlStillHasTheSameFile) {
  auto bytes = weights_of(10);
  std::string etag = "one";
  Origin origin([&](const Asked& asked) { return file_answer(asked, bytes, etag); });
  const auto url = origin.url("/a.safetensors?key=secret");
  EXPECT_EQ(content(url), bytes);
  EXPECT_EQ(content(url), bytes);
  ASSERT_EQ(origin.asked().size(), 2u);
  EXPECT_EQ(origin.asked()[1].header("if-none-match"), "\"one\"");
  bytes = weights_of(20);
  etag = "two";
  EXPECT_EQ(content(url), bytes);
}

TEST_F(Fetching, AsksAgainAfterAnHourWhereAUrlHasNoTag) {
  Origin origin([&](const Asked& asked) { return file_answer(asked, weights_of(10), ""); });
  fetch(origin.url("/a"));
  fetch(origin.url("/a"));
  EXPECT_EQ(origin.asked().size(), 1u);
  now += 3600 * 1000;
  fetch(origin.url("/a"));
  EXPECT_EQ(origin.asked().size(), 2u);
}

TEST_F(Fetching, UsesTheFileItHasWhereTheSiteIsDown) {
  std::atomic<bool> is_down = false;
  Origin origin([&](const Asked& asked) {
    return is_down ? Answer{.status = 500} : file_answer(asked, weights_of(10));
  });
  fetch(origin.url("/a"));
  is_down = true;
  EXPECT_EQ(content(origin.url("/a")), weights_of(10));
}

TEST_F(Fetching, FetchesOneFileOnceForAllWhoWantIt) {
  Origin origin([&](const Asked& asked) { return file_answer(asked, weights_of(100'000)); });
  const auto child = ::fork();
  if (child == 0) {
    try {
      Fetcher(settings).fetch(origin.url("/a"));
      ::_exit(0);
    } catch (...) {
      ::_exit(1);
    }
  }
  Fetcher fetcher(settings);
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { good += !fetcher.fetch(origin.url("/a")).sha256.empty(); });
  }
  for (auto& thread : threads) thread.join();
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(good, 4);
  size_t whole = 0;
  for (const auto& asked : origin.asked()) whole += asked.header("if-none-match").empty();
  EXPECT_EQ(whole, 1u);
}

TEST_F(Fetching, TellsWhatCameInPlaceOfWeights) {
  const std::pair<std::string, std::string> cases[] = {
      {"<!DOCTYPE html><html>Sign in</html>", " is a web page"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "the pointer that Git keeps"},
      {std::string("PK\x03\x04", 4) + std::string(100, 'x'), "a pickle or another ZIP"},
      {"\x80\x02}q\x01.", "is a pickle"},
      {"GGUF\x03", "is a GGUF file"},
      {"{\"error\": \"no\"}", "is a JSON document"},
      {weights_of(10).substr(0, 60), "lora_file_invalid: "},
      {weights_of(10) + "more", "lora_file_invalid: "},
      {"", "lora_file_invalid: "}};
  for (const auto& [bytes, expected] : cases) {
    Origin origin([&, content = bytes](const Asked& asked) { return file_answer(asked, content); });
    const auto message = failure(origin.url("/a?key=secret"));
    EXPECT_TRUE(message.starts_with("lora_file_invalid: http://127.0.0.1:")) << message;
    EXPECT_TRUE(contains(message, expected)) << message;
    EXPECT_FALSE(contains(message, folder.path().string())) << message;
    EXPECT_FALSE(contains(message, "secret")) << message;
  }
  hub.files["weights.bin"] = "x";
  EXPECT_TRUE(contains(failure("alice/style/weights.bin"), "weights.bin is a pickle"));
  hub.files["style.safetensors"] = "PK\x03\x04 not weights";
  EXPECT_TRUE(contains(failure("alice/style"), "lora_file_invalid: alice/style/style.safetensors"));
  EXPECT_EQ(files_kept(), 0u);
}

TEST_F(Fetching, TakesNoMoreThanItsCap) {
  settings.max_bytes = 1000;
  Origin origin([&](const Asked& asked) { return file_answer(asked, weights_of(1000)); });
  EXPECT_TRUE(contains(failure(origin.url("/a")), "lora_too_large: "));
  EXPECT_TRUE(
      contains(failure("alice/style"), "lora_too_large: alice/style/style.safetensors has"));
  EXPECT_EQ(hub.contents_sent(), 0u);
}

TEST_F(Fetching, EndsWhenNobodyWantsItAnyMore) {
  Fetcher fetcher(settings);
  EXPECT_THROW(fetcher.fetch("alice/style", [](uint64_t, uint64_t) { return false; }),
               base::Cancelled);
}

// ── this machine ──

TEST_F(Fetching, TakesLocalFilesOnlyFromItsFolder) {
  folder.write("loras/mine.safetensors", weights_of(1));
  folder.write("loras/deep/mine.safetensors", weights_of(2));
  folder.write("loras/bad.safetensors", "PK\x03\x04");
  folder.write("outside.safetensors", weights_of(3));
  EXPECT_TRUE(contains(failure("mine.safetensors"), "fetch_refused: "));
  settings.local.folder = folder / "loras";
  EXPECT_EQ(content("mine.safetensors"), weights_of(1));
  EXPECT_EQ(content("./deep/mine.safetensors"), weights_of(2));
  EXPECT_TRUE(contains(failure("none.safetensors"), "lora_not_found: "));
  EXPECT_TRUE(
      contains(failure("bad.safetensors"), "lora_file_invalid: bad.safetensors is a pickle"));
  const auto outside = (folder / "outside.safetensors").string();
  for (const auto& path : {outside,
                           std::string("../outside.safetensors"),
                           std::string("./deep/../../outside.safetensors"),
                           std::string("~/outside.safetensors"),
                           std::string("deep/../../outside.safetensors")}) {
    const auto message = failure(path);
    EXPECT_TRUE(message.starts_with("fetch_refused: ") || message.starts_with("lora_not_found: "))
        << message;
  }
  settings.local = {.everywhere = true};
  EXPECT_EQ(content(outside), weights_of(3));
}

TEST_F(Fetching, ReachesItsOwnFilesAndNothingElseOfThisMachine) {
  Origin own([&](const Asked& asked) {
    if (asked.target.starts_with("/files/away")) {
      return Answer{.status = 302, .headers = {{"location", hub.site() + "/x"}}};
    }
    return file_answer(asked, weights_of(10));
  });
  settings.wall = http::EgressPolicy{.ports = {}};
  EXPECT_TRUE(contains(failure(own.url("/files/a")), "fetch_refused: "));
  settings.own.url = own.url("/files/");
  EXPECT_EQ(content(own.url("/files/a")), weights_of(10));
  EXPECT_TRUE(contains(failure(own.url("/files/../admin")), "fetch_refused: "));
  EXPECT_TRUE(contains(failure(own.url("/admin")), "fetch_refused: "));
  EXPECT_TRUE(contains(failure(own.url("/files/away")), "fetch_failed: "));
  EXPECT_EQ(hub.origin.asked().size(), 0u);
}

}  // namespace
