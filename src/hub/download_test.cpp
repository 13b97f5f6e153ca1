// SPDX-License-Identifier: Apache-2.0
#include "hub/download.h"

#include <atomic>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/json.h"
#include "hub/patience.h"
#include "hub/test_origin.h"
#include "weights/test_files.h"

namespace {

using namespace hub;
using namespace hub::test;
using std::chrono::milliseconds;
using weights::test::contains;
using weights::test::Folder;
using weights::test::refusal;

class Downloading : public testing::Test {
 protected:
  Download of(const Origin& origin, const std::string& target = "/file") {
    Download what;
    what.url = origin.url(target);
    what.place = {.what = "file"};
    what.patience.sleep = [this](milliseconds time) { waits.push_back(time.count()); };
    return what;
  }
  std::string fetched() const { return base::read_file(file, 64 << 20); }
  bool has_note() const { return std::filesystem::exists(file.string() + ".json"); }

  Folder folder;
  std::filesystem::path file = folder / "file.partial";
  http::Client client;
  std::vector<long> waits;
  std::string content = content_of(1'000'000);
  std::string sha256 = crypto::sha256_hex(content);
};

TEST_F(Downloading, BringsTheFileItsChecksumAndItsTag) {
  Origin origin([&](const Asked& asked) { return file_answer(asked, content); });
  const auto got = download(client, of(origin), file);
  EXPECT_EQ(fetched(), content);
  EXPECT_EQ(got.bytes, content.size());
  EXPECT_EQ(got.sha256, sha256);
  EXPECT_EQ(got.etag, "\"tag\"");
  EXPECT_EQ(origin.asked()[0].header("range"), "");  // some sites refuse any
}

TEST_F(Downloading, FetchesAnEmptyFile) {
  Origin origin([&](const Asked& asked) { return file_answer(asked, ""); });
  EXPECT_EQ(download(client, of(origin), file).bytes, 0u);
}

TEST_F(Downloading, GoesOnWhereTheConnectionBroke) {
  std::atomic<int> breaks = 3;
  Origin origin([&](const Asked& asked) {
    auto answer = file_answer(asked, content);
    if (breaks-- > 0) answer.sent = 200'000;
    return answer;
  });
  download(client, of(origin), file);
  EXPECT_EQ(fetched(), content);
  const auto asked = origin.asked();
  ASSERT_EQ(asked.size(), 4u);
  EXPECT_EQ(asked[1].header("range"), "bytes=200000-999999");
  EXPECT_EQ(asked[1].header("if-range"), "\"tag\"");
  EXPECT_EQ(asked[3].header("range"), "bytes=600000-999999");
  EXPECT_EQ(waits.size(), 3u);
  EXPECT_GE(waits[2], 2000);
  EXPECT_LE(waits[2], 2500);
}

TEST_F(Downloading, GivesUpAfterSomeTries) {
  Origin origin([&](const Asked& asked) {
    auto answer = file_answer(asked, content);
    answer.sent = 0;
    return answer;
  });
  auto what = of(origin);
  what.patience.retries = 2;
  EXPECT_TRUE(contains(refusal([&] { download(client, what, file); }), "fetch_failed: "));
  EXPECT_EQ(origin.asked().size(), 3u);
}

TEST_F(Downloading, CountsFailuresInARowOnly) {
  const auto large = content_of(12 << 20);
  Origin origin([&](const Asked& asked) {
    auto answer = file_answer(asked, large);
    answer.sent = 2 << 20;
    return answer;
  });
  auto what = of(origin);
  what.patience.retries = 1;
  EXPECT_EQ(download(client, what, file).bytes, large.size());
  EXPECT_EQ(origin.asked().size(), 6u);
}

TEST_F(Downloading, BeginsAnewWhereTheFileHasChangedMeanwhile) {
  const auto other = content_of(900'000) + "!";
  std::atomic<int> calls = 0;
  Origin origin([&](const Asked& asked) {
    auto answer = calls == 0 ? file_answer(asked, content, "a") : file_answer(asked, other, "b");
    if (calls++ == 0) answer.sent = 300'000;
    return answer;
  });
  EXPECT_EQ(download(client, of(origin), file).etag, "\"b\"");
  EXPECT_EQ(fetched(), other);
}

TEST_F(Downloading, BeginsAnewWhereTheServerTakesNoRanges) {
  std::atomic<int> calls = 0;
  Origin origin([&](const Asked&) {
    Answer answer{.body = content};
    if (calls++ == 0) answer.sent = 300'000;
    return answer;
  });
  download(client, of(origin), file);
  EXPECT_EQ(fetched(), content);

  auto what = of(origin);
  what.bytes = content.size();
  what.sha256 = sha256;
  what.connections = 3;
  what.chunk_bytes = 100'000;
  download(client, what, file);
  EXPECT_EQ(fetched(), content);
}

TEST_F(Downloading, FetchesLargeFilesInChunksOverSeveralConnections) {
  Origin origin([&](const Asked& asked) { return file_answer(asked, content); });
  auto what = of(origin);
  what.bytes = content.size();
  what.sha256 = sha256;
  what.connections = 4;
  what.chunk_bytes = 64 << 10;
  uint64_t most = 0;
  what.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, content.size());
    EXPECT_GE(done, most);
    most = done;
    return true;
  };
  download(client, what, file);
  EXPECT_EQ(fetched(), content);
  EXPECT_EQ(most, content.size());
  EXPECT_EQ(origin.asked().size(), 16u);
  EXPECT_FALSE(has_note());
}

TEST_F(Downloading, IsTakenUpByALaterProcess) {
  std::atomic<bool> is_broken = true;
  Origin origin([&](const Asked& asked) {
    auto answer = file_answer(asked, content);
    if (is_broken) answer.sent = 50'000;
    return answer;
  });
  for (const int connections : {1, 3}) {
    is_broken = true;
    auto what = of(origin);
    what.bytes = content.size();
    what.sha256 = sha256;
    what.connections = connections;
    what.chunk_bytes = 300'000;
    what.patience.retries = 0;
    EXPECT_THROW(download(client, what, file), base::Error);
    EXPECT_TRUE(has_note());
    is_broken = false;
    const auto before = origin.asked().size();
    download(client, what, file);
    EXPECT_EQ(fetched(), content);
    uint64_t bytes = 0;
    const auto asked = origin.asked();
    for (size_t i = before; i < asked.size(); ++i) {
      bytes += file_answer(asked[i], content).body.size();
    }
    EXPECT_LE(bytes, content.size() - 50'000);
    EXPECT_FALSE(has_note());
    std::filesystem::remove(file);
  }
}

TEST_F(Downloading, TakesNothingUpThatIsOfAnotherFileOrDamaged) {
  Origin origin([&](const Asked& asked) { return file_answer(asked, content); });
  auto what = of(origin);
  what.bytes = content.size();
  what.sha256 = sha256;
  const base::Json note = {{"sha256", sha256},
                           {"bytes", content.size()},
                           {"chunk_bytes", content.size()},
                           {"here", {500'000}}};
  const auto fetch_with = [&](const base::Json& left, const std::string& bytes) {
    folder.write("file.partial", bytes);
    folder.write("file.partial.json", left.dump());
    const auto before = origin.asked().size();
    download(client, what, file);
    EXPECT_EQ(fetched(), content);
    EXPECT_FALSE(has_note());
    return origin.asked()[before].header("range");
  };
  EXPECT_EQ(fetch_with(note, content.substr(0, 500'000)), "bytes=500000-999999");
  // Its checksum comes out wrong, and it is fetched again.
  EXPECT_EQ(fetch_with(note, std::string(500'000, 'x')), "bytes=500000-999999");
  EXPECT_EQ(fetch_with(note, "short"), "");
  EXPECT_EQ(fetch_with("nonsense", content), "");
  for (const auto& [key, value] : {std::pair<const char*, base::Json>("sha256", "other"),
                                   {"bytes", 7},
                                   {"chunk_bytes", 0},
                                   {"here", {2'000'000}},
                                   {"here", {1, 1}},
                                   {"here", {-1}}}) {
    auto other = note;
    other[key] = value;
    EXPECT_EQ(fetch_with(other, content), "") << other;
  }
}

TEST_F(Downloading, RefusesWhatHasAnotherLengthOrChecksum) {
  Origin origin([&](const Asked& asked) { return file_answer(asked, content); });
  auto what = of(origin);
  what.bytes = 999'999;
  what.sha256 = sha256;
  EXPECT_EQ(refusal([&] { download(client, what, file); }),
            "fetch_failed: file: has 1000000 bytes, expected 999999");
  what.bytes = content.size();
  what.sha256 = std::string(64, '0');
  EXPECT_TRUE(contains(refusal([&] { download(client, what, file); }), "is damaged"));
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(has_note());
  EXPECT_EQ(origin.asked().size(), 2u);
}

TEST_F(Downloading, StopsWhereThereIsMoreThanAllowed) {
  Origin origin([&](const Asked& asked) {
    auto answer = file_answer(asked, content);
    // The second answers without a length, and does not end by itself.
    if (asked.target == "/endless") answer.headers.push_back({"transfer-encoding", "chunked"});
    if (asked.target == "/endless") answer.body = "f4240\r\n" + content + "\r\n";
    return answer;
  });
  auto what = of(origin);
  what.max_bytes = 999'999;
  EXPECT_TRUE(
      contains(refusal([&] { download(client, what, file); }), "lora_too_large: file has "));
  what = of(origin, "/endless");
  what.max_bytes = 500'000;
  EXPECT_TRUE(
      contains(refusal([&] { download(client, what, file); }), "lora_too_large: file has "));
  what = of(origin);
  what.bytes = 2'000'000;
  what.max_bytes = 1'999'999;
  EXPECT_TRUE(
      contains(refusal([&] { download(client, what, file); }), "lora_too_large: file has "));
  EXPECT_EQ(origin.asked().size(), 2u);
}

TEST_F(Downloading, WaitsAsLongAsItIsAskedToAndNoLonger) {
  std::atomic<int> calls = 0;
  std::string after = "7";
  Origin origin([&](const Asked& asked) {
    if (calls++ > 0) return file_answer(asked, content);
    return Answer{.status = 429, .headers = {{"retry-after", after}}};
  });
  download(client, of(origin), file);
  EXPECT_EQ(waits, std::vector<long>{7000});
  calls = 0;
  after = "3600";
  EXPECT_EQ(refusal([&] { download(client, of(origin), file); }),
            "fetch_failed: file: the server answered 429, to try again in 3600 s");
  EXPECT_EQ(waits.size(), 1u);
}

TEST_F(Downloading, TriesAgainAfterErrorsOfTheServerButNotAfterRefusals) {
  std::atomic<int> calls = 0;
  std::atomic<int> status = 503;
  Origin origin([&](const Asked& asked) {
    if (calls++ > 1) return file_answer(asked, content);
    return Answer{.status = status};
  });
  download(client, of(origin), file);
  EXPECT_EQ(waits.size(), 2u);
  for (const auto& [refused, code] : {std::pair(401, "lora_unauthorized"),
                                      std::pair(403, "lora_unauthorized"),
                                      std::pair(404, "lora_not_found"),
                                      std::pair(410, "lora_not_found"),
                                      std::pair(418, "fetch_failed")}) {
    calls = 0;
    status = refused;
    EXPECT_TRUE(refusal([&] { download(client, of(origin), file); }).starts_with(code)) << refused;
  }
  EXPECT_EQ(waits.size(), 2u);
}

TEST_F(Downloading, EndsAConnectionThatDripsAndGoesOn) {
  std::atomic<int> calls = 0;
  Origin origin([&](const Asked& asked) {
    auto answer = file_answer(asked, content);
    if (calls++ == 0) answer.sent = 1'000;
    answer.stays = calls == 1;
    return answer;
  });
  auto what = of(origin);
  what.patience.stall_time = std::chrono::seconds(1);
  download(client, what, file);
  EXPECT_EQ(fetched(), content);
  EXPECT_EQ(origin.asked().size(), 2u);
}

TEST_F(Downloading, EndsWhenNobodyWantsItAnyMore) {
  Origin origin([&](const Asked& asked) {
    auto answer = file_answer(asked, content);
    answer.sent = answer.body.size() / 2;
    answer.stays = true;
    return answer;
  });
  for (const int connections : {1, 4}) {
    auto what = of(origin);
    what.bytes = content.size();
    what.sha256 = sha256;
    what.connections = connections;
    what.chunk_bytes = 100'000;
    what.progress = [](uint64_t done, uint64_t) { return done < 40'000; };
    EXPECT_THROW(download(client, what, file), base::Cancelled);
    EXPECT_TRUE(has_note());
  }
}

TEST_F(Downloading, TakesNoWebPageForAFile) {
  Origin origin([&](const Asked&) {
    return Answer{.headers = {{"content-type", "text/html; charset=utf-8"}}, .body = "<html>"};
  });
  EXPECT_EQ(refusal([&] { download(client, of(origin), file); }),
            "lora_file_invalid: file is a web page");
}

TEST_F(Downloading, SendsCredentialsToNoOtherHost) {
  Origin other([&](const Asked& asked) { return file_answer(asked, content); }, "127.0.0.2");
  Origin origin([&](const Asked&) {
    return Answer{.status = 302, .headers = {{"location", other.url("/signed?x=1")}}};
  });
  auto what = of(origin);
  what.headers = {{"authorization", "Bearer secret"}};
  download(client, what, file);
  EXPECT_EQ(origin.asked()[0].header("authorization"), "Bearer secret");
  EXPECT_EQ(other.asked()[0].header("authorization"), "");
}

TEST_F(Downloading, NeedsRoomOnTheDiskBeforeItBegins) {
  Origin origin([&](const Asked& asked) { return file_answer(asked, content); });
  auto what = of(origin);
  what.bytes = 1ull << 60;
  EXPECT_TRUE(contains(refusal([&] { download(client, what, file); }), "of disk, and "));
  EXPECT_EQ(origin.asked().size(), 0u);
}

TEST(RetryAfter, IsSecondsOrADate) {
  const auto of = [](const std::string& value) {
    const http::Reply reply{.status = 429, .headers = {{"retry-after", value}}};
    return retry_after(reply, 1'792'000'000'000).count();  // 2026-10-14T17:46:40Z
  };
  EXPECT_EQ(of("12"), 12'000);
  EXPECT_EQ(of("Wed, 14 Oct 2026 17:47:00 GMT"), 20'000);
  EXPECT_EQ(of("Wed, 14 Oct 2026 17:00:00 GMT"), 0);
  EXPECT_EQ(of("soon"), 0);
  EXPECT_EQ(of("-5"), 0);
  EXPECT_EQ(retry_after({}, 0).count(), 0);
  const auto limit = [](const std::string& value) {
    return retry_after({.status = 429, .headers = {{"ratelimit", value}}}, 0).count();
  };
  EXPECT_EQ(limit("\"api\";r=0;t=55"), 55'000);
  EXPECT_EQ(limit("\"api\";r=3;t=55"), 0);
  EXPECT_EQ(limit("\"api\";r=0"), 0);
}

}  // namespace
