// SPDX-License-Identifier: Apache-2.0
#include "worker/remote_server.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "http/test_server.h"

namespace {

using base::Fault;
using base::Json;
using worker::Task;

const Task kTask{.id = "0a", .attempt = 2, .token = "7f", .request = {{"prompt", "x"}}};

// A server that answers everything alike and keeps what it was sent.
struct Answering {
  int status = 200;
  std::string answer = "{}";
  http::Request request;  // the last one
  http::test::Folder folder;
  http::test::Running running{service(), http::test::quick_options(), folder / "socket"};
  worker::Server server = worker::remote_server(
      {.url = "http://localhost", .unix_socket = folder / "socket", .key = "secret"});

  http::Service service() {
    auto service = http::test::echo_service();
    service.handle = [this](http::Request& got) -> boost::asio::awaitable<http::Response> {
      request = got;
      co_return http::test::text_response(status, answer);
    };
    return service;
  }

  Json message() const { return Json::parse(request.body); }

  base::Error error_of(const std::function<void()>& call) const {
    try {
      call();
    } catch (const base::Error& error) {
      return error;
    }
    ADD_FAILURE() << "expected an error";
    return {Fault::internal, ""};
  }
};

Json task_with_heartbeat(int milliseconds) {
  return {{"task",
           {{"id", "0a"},
            {"attempt", 2},
            {"token", "7f"},
            {"endpoint", "wavespeed-ai/wan-2.2/t2v-480p"},
            {"kind", "text_to_video"},
            {"weights", "wan2.2-t2v-a14b"},
            {"model", ""},
            {"request", {{"prompt", "a red ball"}}},
            {"lease_ms", 30'000},
            {"heartbeat_ms", milliseconds}}}};
}

TEST(RemoteServer, GivesTasks) {
  Answering one;
  one.answer = task_with_heartbeat(5'000).dump();
  const auto task = one.server.claim(
      {.worker = "gpu-0", .weights = {"wan2.2-t2v-a14b"}, .wait = std::chrono::seconds(5)});
  ASSERT_TRUE(task);
  EXPECT_EQ(task->id, "0a");
  EXPECT_EQ(task->attempt, 2);
  EXPECT_EQ(task->token, "7f");
  EXPECT_EQ(task->weights, "wan2.2-t2v-a14b");
  EXPECT_EQ(task->request.at("prompt"), "a red ball");
  EXPECT_EQ(task->lease.count(), 30'000);
  EXPECT_EQ(task->heartbeat.count(), 5'000);
  EXPECT_EQ(one.request.method + one.request.path, "POST/worker/v1/claim");
  EXPECT_EQ(*http::find(one.request.headers, "authorization"), "Bearer secret");
  EXPECT_EQ(one.message(),
            (Json{{"worker", "gpu-0"}, {"weights", {"wan2.2-t2v-a14b"}}, {"wait_ms", 5'000}}));
}

TEST(RemoteServer, MayHaveNoTask) {
  Answering one;
  one.answer = R"({"task":null})";
  EXPECT_FALSE(one.server.claim({}));
}

TEST(RemoteServer, HearsWhereTheWorkIsAndSaysWhatItWants) {
  Answering one;
  one.answer = R"({"cancel":true,"drain":false})";
  const auto wish = one.server.heartbeat(
      kTask, {.phase = "denoise", .step = 3, .steps = 40, .percent = 8.5, .eta_seconds = 12.5});
  EXPECT_TRUE(wish.cancel);
  EXPECT_FALSE(wish.drain);
  EXPECT_EQ(one.request.path, "/worker/v1/tasks/0a/heartbeat");
  EXPECT_EQ(one.message(),
            Json::parse(R"({"attempt":2,"token":"7f","progress":{"phase":"denoise","step":3,
                            "steps":40,"percent":8.5,"eta_seconds":12.5}})"));
}

TEST(RemoteServer, TakesFiles) {
  Answering one;
  base::write_file(one.folder / "video.mp4", "a video");
  const worker::Output output{.name = "video.mp4",
                              .media_type = "video/mp4",
                              .bytes = 7,
                              .sha256 = crypto::sha256_hex("a video")};
  one.answer = Json{{"bytes", 7}, {"sha256", output.sha256}}.dump();
  one.server.put_file(kTask, output, one.folder / "video.mp4");
  EXPECT_EQ(one.request.method + one.request.path, "PUT/worker/v1/tasks/0a/files/video.mp4");
  EXPECT_EQ(one.request.query, (http::Fields{{"attempt", "2"}, {"token", "7f"}}));
  EXPECT_EQ(*http::find(one.request.headers, "content-type"), "video/mp4");
  EXPECT_EQ(*http::find(one.request.headers, "x-content-sha256"), output.sha256);
  EXPECT_EQ(one.request.body, "a video");

  one.answer = R"({"bytes":7,"sha256":"00"})";
  const auto put = [&] { one.server.put_file(kTask, output, one.folder / "video.mp4"); };
  EXPECT_EQ(one.error_of(put).fault(), Fault::upstream) << "other bytes than were sent";
}

TEST(RemoteServer, HearsHowATaskEnds) {
  Answering one;
  one.server.finish(kTask,
                    {.files = {{"video.mp4", "video/mp4", 7, "00"}},
                     .seed = UINT64_MAX,
                     .warnings = {"a warning"},
                     .inference = std::chrono::milliseconds(1234),
                     .phases = {{"denoise", std::chrono::milliseconds(1200)}},
                     .steps = 4});
  EXPECT_EQ(one.request.path, "/worker/v1/tasks/0a/finish");
  EXPECT_EQ(one.message(), Json::parse(R"({"attempt":2,"token":"7f","seed":18446744073709551615,
                            "files":[{"name":"video.mp4","media_type":"video/mp4","bytes":7,
                                      "sha256":"00"}],
                            "warnings":["a warning"],"inference_ms":1234,
                            "phases_ms":{"denoise":1200},"steps":4})"));
  one.server.fail(kTask, {worker::FailureClass::gpu_oom, "no memory", "bytes: \xff"});
  EXPECT_EQ(one.request.path, "/worker/v1/tasks/0a/fail");
  EXPECT_EQ(one.message(),
            Json::parse(R"({"attempt":2,"token":"7f","class":"gpu_oom","message":"no memory",
                            "detail":"bytes: \ufffd"})"));
  one.server.release(kTask);
  EXPECT_EQ(one.request.path, "/worker/v1/tasks/0a/release");
  EXPECT_EQ(one.message(), Json::parse(R"({"attempt":2,"token":"7f"})"));
}

TEST(RemoteServer, TellsWhatIsWorthAnotherTry) {
  Answering one;
  const std::pair<int, Fault> cases[] = {{409, Fault::conflict},
                                         {401, Fault::unauthorized},
                                         {403, Fault::unauthorized},
                                         {400, Fault::internal},
                                         {404, Fault::internal},
                                         {413, Fault::internal},
                                         {429, Fault::upstream},
                                         {500, Fault::upstream},
                                         {503, Fault::upstream},
                                         {507, Fault::upstream}};
  for (const auto& [status, fault] : cases) {
    one.status = status;
    EXPECT_EQ(one.error_of([&] { one.server.release(kTask); }).fault(), fault) << status;
  }
}

TEST(RemoteServer, IsNotUnderstoodWhereItsAnswersAreOfAnotherVersion) {
  Answering one;
  for (const std::string& answer : {std::string(),
                                    std::string("[]"),
                                    std::string("{}"),
                                    std::string(R"({"task":{"id":"0a"}})"),
                                    std::string("{\"task\":"),
                                    task_with_heartbeat(0).dump(),
                                    task_with_heartbeat(10'001).dump()}) {
    one.answer = answer;
    EXPECT_EQ(one.error_of([&] { one.server.claim({}); }).fault(), Fault::internal) << answer;
  }
}

TEST(RemoteServer, ThatIsNotThereIsWorthAnotherTry) {
  const auto server =
      worker::remote_server({.url = "http://localhost", .unix_socket = "/nonexistent/socket"});
  try {
    server.release(kTask);
    FAIL() << "expected an error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), Fault::upstream);
  }
}

}  // namespace
