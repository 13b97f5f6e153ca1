// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <future>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "http/test_server.h"

namespace {

using namespace http;
using namespace http::test;
using boost::asio::awaitable;

std::string get(const std::string& path, const std::string& lines = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

std::string post(const std::string& body, const std::string& lines = {}) {
  return "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         lines + "\r\n" + body;
}

std::string header(const WireReply& reply, std::string_view name) {
  const auto* value = find(reply.headers, name);
  return value == nullptr ? "(none)" : *value;
}

// The answer to a request on a connection of its own.
WireReply ask(const Running& running, const std::string& request) {
  Wire wire(running.port());
  wire.send(request);
  return wire.receive();
}

TEST(Server, AnswersOneRequestAfterTheOtherOnAConnection) {
  Running running(echo_service());
  Wire wire(running.port());
  for (const auto* path : {"/a", "/b"}) {
    wire.send(get(path));
    const auto reply = wire.receive();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, std::string("GET ") + path + ' ');
    EXPECT_EQ(header(reply, "connection"), "(none)");
    EXPECT_TRUE(header(reply, "date").ends_with(" GMT"));
  }
}

TEST(Server, AnswersPipelinedRequestsInTheirOrder) {
  Running running(echo_service());
  Wire wire(running.port());
  wire.send(get("/a") + post("body") + get("/c") + "GET /d HT");
  EXPECT_EQ(wire.receive().body, "GET /a ");
  EXPECT_EQ(wire.receive().body, "POST /p body");
  EXPECT_EQ(wire.receive().body, "GET /c ");
  wire.send("TP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(wire.receive().body, "GET /d ");
}

TEST(Server, ReadsARequestThatComesByteByByte) {
  Running running(echo_service());
  Wire wire(running.port());
  for (const char byte : post("body")) wire.send({&byte, 1});
  EXPECT_EQ(wire.receive().body, "POST /p body");
}

TEST(Server, ClosesWhenTheClientWantsItOrSpeaks10) {
  Running running(echo_service());
  for (const auto& request :
       {get("/a", "Connection: close\r\n"), std::string("GET /a HTTP/1.0\r\n\r\n")}) {
    Wire wire(running.port());
    wire.send(request);
    const auto all = wire.receive_all();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 200 OK\r\n")) << all;
    EXPECT_NE(all.find("connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(all.ends_with("GET /a "));
  }
}

TEST(Server, SendsNoBodyToHead) {
  Running running(echo_service());
  Wire wire(running.port());
  wire.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + get("/b"));
  EXPECT_EQ(header(wire.receive(false), "content-length"), "8");
  EXPECT_EQ(wire.receive().body, "GET /b ");
}

TEST(Server, NamesEveryRequest) {
  Running running(echo_service());
  const auto id_of = [&](const std::string& lines) {
    return header(ask(running, get("/", lines)), "x-request-id");
  };
  EXPECT_EQ(id_of("X-Request-Id: a-B_1.2\r\n"), "a-B_1.2");
  for (const auto* lines : {"", "X-Request-Id: a b\r\n", "X-Request-Id: \xc3\xa9\r\n"}) {
    EXPECT_EQ(id_of(lines).substr(12), "-1") << lines;
  }
  EXPECT_EQ(id_of("X-Request-Id: " + std::string(65, 'a') + "\r\n").size(), 14u);
  EXPECT_NE(id_of(""), id_of(""));
}

TEST(Server, TellsWhereARequestComesFrom) {
  auto service = echo_service();
  service.handle = [](Request& request) -> awaitable<Response> {
    co_return text_response(200, request.peer);
  };
  Running running(service);
  EXPECT_EQ(ask(running, get("/")).body, "127.0.0.1");
}

TEST(Server, HandsOnTheQueryAsItCame) {
  auto service = echo_service();
  service.handle = [](Request& request) -> awaitable<Response> {
    co_return text_response(200, request.query_text);
  };
  Running running(service);
  EXPECT_EQ(ask(running, get("/a?x=%41+b&y")).body, "x=%41+b&y");
  EXPECT_EQ(ask(running, get("/a")).body, "");
}

TEST(Server, CarriesWhatTheServiceKeepsFromReceptionToHandling) {
  auto service = echo_service();
  service.receive = [](Request& request) {
    request.captured["id"] = "7";
    request.context = 5;
    return Reception{};
  };
  service.handle = [](Request& request) -> awaitable<Response> {
    co_return text_response(
        200, request.captured["id"] + std::to_string(std::any_cast<int>(request.context)));
  };
  Running running(service);
  EXPECT_EQ(ask(running, get("/")).body, "75");
}

TEST(Server, RefusesBodiesThatAreTooLargeBeforeTheyCome) {
  auto service = echo_service();
  service.receive = [](Request&) { return Reception{Reception::memory, 10, {}, {}}; };
  Running running(service);
  EXPECT_EQ(ask(running, post("0123456789")).status, 200);
  Wire wire(running.port());
  wire.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
  const auto reply = wire.receive();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(header(reply, "connection"), "close");
}

TEST(Server, RefusesEveryBodyWhereNoneIsWanted) {
  auto service = echo_service();
  service.receive = [](Request&) { return Reception{Reception::none, 1000, {}, {}}; };
  Running running(service);
  EXPECT_EQ(ask(running, post("")).status, 200);
  Wire wire(running.port());
  wire.send(post(get("/smuggled")));
  EXPECT_EQ(wire.receive().status, 413);
  wire.finish_sending();
  EXPECT_EQ(wire.receive_all(), "");
}

// The client writes all of a large body before it reads: the refusal must reach it all the same.
TEST(Server, LetsAClientThatIsStillSendingReadItsRefusal) {
  auto service = echo_service();
  service.receive = [](Request&) { return Reception{.refusal = text_response(401, "no key")}; };
  Running running(service);
  Wire wire(running.port());
  EXPECT_TRUE(wire.send(post(std::string(8 << 20, 'x'))));
  EXPECT_EQ(wire.receive().body, "no key");
}

TEST(Server, KeepsAConnectionAfterARefusalWithoutABody) {
  auto service = echo_service();
  service.receive = [](Request&) { return Reception{.refusal = text_response(401, "no key")}; };
  Running running(service);
  Wire wire(running.port());
  wire.send(get("/a") + get("/b"));
  EXPECT_EQ(wire.receive().status, 401);
  EXPECT_EQ(wire.receive().status, 401);
}

TEST(Server, AsksForABodyOnlyOnceItIsWanted) {
  auto service = echo_service();
  service.receive = [](Request& request) {
    if (request.path == "/no") return Reception{.refusal = text_response(403, "no")};
    return Reception{Reception::memory, 100, {}, {}};
  };
  Running running(service);
  const auto head = [](const std::string& path) {
    return "POST " + path +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
  };
  Wire wanted(running.port());
  wanted.send(head("/yes"));
  EXPECT_EQ(wanted.receive().status, 100);
  wanted.send("body");
  EXPECT_EQ(wanted.receive().body, "POST /yes body");
  // A client that does not wait gets no 100.
  wanted.send(head("/yes") + "body");
  EXPECT_EQ(wanted.receive().status, 200);

  EXPECT_EQ(ask(running, head("/no")).status, 403);
}

TEST(Server, HidesWhatWentWrongInside) {
  auto service = echo_service();
  service.receive = [](Request& request) -> Reception {
    if (request.path == "/receive") throw std::runtime_error("S3CR3T");
    return {};
  };
  service.handle = [](Request& request) -> awaitable<Response> {
    if (request.path == "/handle") throw base::Error(base::Fault::internal, "x", "S3CR3T");
    auto response = text_response(200, "x");
    response.headers.push_back({"location", "/a\r\nset-cookie: S3CR3T"});
    co_return response;
  };
  Running running(service);
  for (const auto* path : {"/receive", "/handle", "/split"}) {
    Wire wire(running.port());
    wire.send(get(path, "Connection: close\r\n"));
    const auto all = wire.receive_all();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 500 ")) << path << all;
    EXPECT_EQ(all.find("S3CR3T"), std::string::npos) << path;
  }
  EXPECT_NE(running.log().find("S3CR3T"), std::string::npos);
}

TEST(Server, TurnsAwayWhoComesWhenItIsFull) {
  auto options = quick_options();
  options.limits.connections = 2;
  Running running(echo_service(), options);
  Wire first(running.port());
  Wire second(running.port());
  for (auto* wire : {&first, &second}) {
    wire->send(get("/a"));
    EXPECT_EQ(wire->receive().status, 200);
  }
  Wire third(running.port());
  third.send(get("/a"));
  EXPECT_EQ(third.receive().status, 503);
  first.send(get("/a"));
  EXPECT_EQ(first.receive().status, 200);
}

// ── bodies in files ──

// Uploads go to `folder`; what is posted to /keep is kept there as "kept".
Service upload_service(const Folder& folder) {
  auto service = echo_service();
  service.receive = [&](Request&) {
    return Reception{Reception::file, 64 << 20, folder.path(), {}};
  };
  service.handle = [&](Request& request) -> awaitable<Response> {
    if (request.query.size() == 1) std::filesystem::rename(request.body_file, folder / "kept");
    co_return text_response(200,
                            request.body_sha256 + ' ' + std::to_string(request.body_bytes) + ' ' +
                                std::to_string(request.body.size()));
  };
  return service;
}

TEST(Uploads, GoToAFileWithTheirDigest) {
  const Folder folder;
  Running running(upload_service(folder));
  std::string body;
  while (body.size() < 5'000'000) body += std::to_string(body.size());
  const auto request =
      "PUT /u?keep=1 HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  const auto reply = ask(running, request);
  EXPECT_EQ(reply.body, crypto::sha256_hex(body) + ' ' + std::to_string(body.size()) + " 0");
  EXPECT_EQ(base::read_file(folder / "kept", 64 << 20), body);
  EXPECT_EQ(std::filesystem::status(folder / "kept").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Uploads, ThatNobodyKeepsAreRemoved) {
  const Folder folder;
  Running running(upload_service(folder));
  EXPECT_EQ(ask(running, post("body")).status, 200);
  EXPECT_EQ(ask(running, post("")).status, 200);
  {
    Wire wire(running.port());
    wire.send("PUT /u HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    while (folder.empty()) std::this_thread::yield();
  }
  running.wait_for_connections(0);
  EXPECT_TRUE(folder.empty());
}

TEST(Uploads, ThatCannotBeWrittenAreRefusedWithoutAWordAboutWhere) {
  const Folder folder;
  auto service = upload_service(folder);
  service.receive = [&](Request&) {
    return Reception{Reception::file, 100, folder / "no such folder", {}};
  };
  Running running(service);
  const auto reply = ask(running, post("body"));
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body.find("no such folder"), std::string::npos);
  EXPECT_NE(running.log().find("no such folder"), std::string::npos);
}

// ── files as answers ──

Service file_service(const std::filesystem::path& file) {
  auto service = echo_service();
  service.handle = [file](Request&) -> awaitable<Response> {
    Response response;
    response.headers = {{"x-content-type-options", "nosniff"}};
    response.body = FileBody{file, "video/mp4", "tag"};
    co_return response;
  };
  return service;
}

TEST(Files, AreSentWholeAndInParts) {
  const Folder folder;
  std::string content;
  while (content.size() < 5'000'000) content += std::to_string(content.size());
  base::write_file(folder / "v.mp4", content);
  Running running(file_service(folder / "v.mp4"));
  Wire wire(running.port());

  wire.send(get("/v"));
  const auto whole = wire.receive();
  EXPECT_EQ(whole.body, content);
  EXPECT_EQ(header(whole, "content-type"), "video/mp4");
  EXPECT_EQ(header(whole, "accept-ranges"), "bytes");
  EXPECT_EQ(header(whole, "etag"), "\"tag\"");
  EXPECT_EQ(header(whole, "x-content-type-options"), "nosniff");

  wire.send(get("/v", "Range: bytes=1000-1999\r\nIf-Range: \"tag\"\r\n"));
  const auto part = wire.receive();
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, content.substr(1000, 1000));
  EXPECT_EQ(header(part, "content-range"), "bytes 1000-1999/" + std::to_string(content.size()));

  wire.send(get("/v", "Range: bytes=99999999-\r\n"));
  const auto beyond = wire.receive();
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(header(beyond, "content-range"), "bytes */" + std::to_string(content.size()));
  EXPECT_EQ(beyond.body, "");

  wire.send(get("/v", "If-None-Match: \"tag\"\r\n"));
  const auto same = wire.receive();
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(header(same, "content-length"), "(none)");

  wire.send("HEAD /v HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n" +
            get("/v", "Range: bytes=-3\r\n"));
  const auto head = wire.receive(false);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(header(head, "content-length"), std::to_string(content.size()));
  EXPECT_EQ(wire.receive().body, content.substr(content.size() - 3));
}

TEST(Files, ThatAreGoneOrNoFilesAreNotFound) {
  const Folder folder;
  for (const auto& path : {folder / "none", folder.path(), std::filesystem::path("/dev/zero")}) {
    Running running(file_service(path));
    const auto reply = ask(running, get("/v"));
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.body.find(folder.path().string()), std::string::npos);
  }
}

TEST(Files, MayBeLeftUnread) {
  const Folder folder;
  std::filesystem::path file = folder / "large";
  base::write_file(file, "xx");
  std::filesystem::resize_file(file, 30'000'000);
  Running running(file_service(file));
  for (int i = 0; i < 20; ++i) {
    Wire wire(running.port());
    wire.send(get("/v"));
    wire.receive_until("x");
  }
  running.wait_for_connections(0);
  EXPECT_EQ(ask(running, get("/v", "Range: bytes=0-1\r\n")).body, "xx");
}

TEST(Files, MayBeEmpty) {
  const Folder folder;
  base::write_file(folder / "empty", "");
  Running running(file_service(folder / "empty"));
  const auto reply = ask(running, get("/v"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(header(reply, "content-length"), "0");
}

}  // namespace
