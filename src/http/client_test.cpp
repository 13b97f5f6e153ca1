// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "http/test_server.h"

namespace {

using namespace http;
using namespace http::test;
using boost::asio::awaitable;

Call call_to(const Running& running, const std::string& path, const std::string& method = "GET") {
  Call call;
  call.method = method;
  call.url = base::text("http://127.0.0.1:", running.port(), path);
  call.total_time = std::chrono::seconds(20);
  return call;
}

std::string message_of(Client& client, const Call& call) {
  try {
    client.send(call);
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Client, SendsEveryMethodAndReadsTheAnswer) {
  Running running(echo_service());
  Client client;
  for (const auto* method : {"GET", "DELETE", "POST", "PUT"}) {
    auto call = call_to(running, "/a?b=c", method);
    const bool has_body = call.method == "POST" || call.method == "PUT";
    if (has_body) call.body = std::string("b\0dy", 4);
    const auto reply = client.send(call);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, base::text(method, " /a ", call.body));
    EXPECT_EQ(*find(reply.headers, "content-type"), "text/plain");
  }
  const auto head = client.send(call_to(running, "/a", "HEAD"));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
}

TEST(Client, UsesItsConnectionsAgain) {
  std::atomic<int> most = 0;
  auto service = echo_service();
  Running running(service);
  Client client;
  for (int i = 0; i < 20; ++i) {
    client.send(call_to(running, "/"));
    most = std::max<int>(most, static_cast<int>(running.server().connections()));
  }
  EXPECT_EQ(most, 1);
}

TEST(Client, SendsHeadersAndRefusesThoseThatWouldBeTwo) {
  auto service = echo_service();
  service.handle = [](Request& request) -> awaitable<Response> {
    const auto* value = find(request.headers, "x-a");
    const auto* empty = find(request.headers, "x-empty");
    const auto* encoding = find(request.headers, "accept-encoding");
    co_return text_response(
        200,
        base::text(*value, '|', *empty, '|', *encoding, '|', *find(request.headers, "user-agent")));
  };
  Running running(service);
  Client client({.user_agent = "zoetrope/1"});
  auto call = call_to(running, "/");
  call.headers = {{"X-A", "1"}, {"X-Empty", ""}};
  EXPECT_EQ(client.send(call).body, "1||identity|zoetrope/1");
  call.headers = {{"X-A", "1\r\nX-B: 2"}};
  EXPECT_EQ(message_of(client, call), "the header field X-A holds a control byte");
}

TEST(Client, StreamsFilesBothWays) {
  const Folder folder;
  std::string content;
  while (content.size() < 3'000'000) content += std::to_string(content.size());
  base::write_file(folder / "up", content);
  auto service = echo_service();
  service.receive = [&](Request&) {
    return Reception{Reception::file, 64 << 20, folder.path(), {}};
  };
  service.handle = [&](Request& request) -> awaitable<Response> {
    std::filesystem::rename(request.body_file, folder / "stored");
    Response response;
    response.body = FileBody{folder / "stored", "video/mp4", ""};
    co_return response;
  };
  Running running(service);
  Client client;
  auto call = call_to(running, "/", "PUT");
  call.upload = folder / "up";
  uint64_t sent = 0;
  uint64_t received = 0;
  call.progress = [&](uint64_t out, uint64_t in) {
    sent = out;
    received = in;
    return true;
  };
  client.download(call, folder / "down");
  EXPECT_EQ(base::read_file(folder / "down", 64 << 20), content);
  EXPECT_EQ(sent, content.size());
  EXPECT_EQ(received, content.size());
}

TEST(Client, LeavesNoFileBehindWithoutAWholeAnswer) {
  const Folder folder;
  auto service = echo_service();
  service.handle = [](Request& request) -> awaitable<Response> {
    co_return text_response(request.path == "/no" ? 404 : 200, "0123456789");
  };
  Running running(service);
  Client client;
  EXPECT_THROW(client.download(call_to(running, "/no"), folder / "f"), base::Error);
  auto call = call_to(running, "/yes");
  call.max_bytes = 3;
  EXPECT_THROW(client.download(call, folder / "f"), base::Error);
  EXPECT_TRUE(folder.empty());
}

TEST(Client, GivesTheAnswerInPiecesToItsSink) {
  auto service = echo_service();
  service.handle = [](Request& request) -> awaitable<Response> {
    co_return text_response(request.path == "/no" ? 404 : 200, std::string(100'000, 'x'));
  };
  Running running(service);
  Client client;
  size_t bytes = 0;
  auto call = call_to(running, "/yes");
  call.sink = [&](const Reply& head, std::string_view piece) {
    EXPECT_EQ(head.status, 200);
    bytes += piece.size();
  };
  EXPECT_EQ(client.send(call).body, "");
  EXPECT_EQ(bytes, 100'000u);
  call.url = call_to(running, "/no").url;
  EXPECT_EQ(client.send(call).body.size(), 64u << 10);  // an explanation, cut where it gets long
  EXPECT_EQ(bytes, 100'000u);

  call.url = call_to(running, "/yes").url;
  call.sink = [](const Reply&, std::string_view) {
    throw base::Error(base::Fault::exhausted, "full");
  };
  EXPECT_EQ(message_of(client, call), "full");
  call.sink = nullptr;
  EXPECT_EQ(client.send(call).body.size(), 100'000u);
}

TEST(Client, EndsWhenNobodyWantsTheAnswerAnyMore) {
  std::atomic<bool> may_answer = false;
  auto service = echo_service();
  service.handle = [&](Request&) -> awaitable<Response> {
    while (!may_answer) std::this_thread::yield();
    co_return text_response(200, "x");
  };
  Running running(service);
  Client client;
  auto call = call_to(running, "/");
  call.progress = [](uint64_t, uint64_t) { return false; };
  EXPECT_THROW(client.send(call), base::Cancelled);
  may_answer = true;
}

TEST(Client, HasLimits) {
  std::atomic<bool> may_answer = false;
  auto service = echo_service();
  service.handle = [&](Request& request) -> awaitable<Response> {
    while (request.path == "/never" && !may_answer) std::this_thread::yield();
    co_return text_response(200, "0123456789");
  };
  Running running(service);
  Client client;
  auto call = call_to(running, "/");
  call.max_bytes = 10;
  EXPECT_EQ(client.send(call).body, "0123456789");
  call.max_bytes = 9;
  EXPECT_NE(message_of(client, call).find("more than 9 bytes"), std::string::npos);
  auto never = call_to(running, "/never");
  never.total_time = std::chrono::milliseconds(50);
  EXPECT_NE(message_of(client, never).find("imed out"), std::string::npos);
  may_answer = true;
}

TEST(Client, NamesThePlaceAndNotTheQueryWhenItFails) {
  uint16_t port = 0;
  { port = Running(echo_service()).port(); }
  Client client;
  Call call;
  call.url = base::text("http://127.0.0.1:", port, "/a?token=S3CR3T");
  const auto message = message_of(client, call);
  EXPECT_TRUE(message.starts_with(base::text("http://127.0.0.1:", port, "/a: "))) << message;
  EXPECT_EQ(message.find("S3CR3T"), std::string::npos);
  for (const auto* url : {"", "a", "ftp://a/", "http://u@a/", "http://a b/"}) {
    call.url = url;
    EXPECT_EQ(message_of(client, call), "not a URL that can be used") << url;
  }
}

TEST(Client, RefusesAnEncodedAnswer) {
  auto service = echo_service();
  service.handle = [](Request&) -> awaitable<Response> {
    auto response = text_response(200, "x");
    response.headers.push_back({"content-encoding", "gzip"});
    co_return response;
  };
  Running running(service);
  Client client;
  EXPECT_NE(message_of(client, call_to(running, "/")).find("encoded as gzip"), std::string::npos);
}

TEST(Client, SpeaksOverAUnixSocket) {
  const Folder folder;
  Running running(echo_service(), quick_options(), (folder / "s").string());
  Client client;
  Call call;
  call.url = "http://worker/claim";
  call.unix_socket = folder / "s";
  call.method = "POST";
  call.body = "{}";
  ::setenv("http_proxy", "http://127.0.0.1:9/", 1);
  EXPECT_EQ(client.send(call).body, "POST /claim {}");
  ::unsetenv("http_proxy");
}

TEST(Client, CarriesNoCredentialsToAnotherPlace) {
  auto service = echo_service();
  service.handle = [](Request& request) -> awaitable<Response> {
    const auto* key = find(request.headers, "authorization");
    auto response = text_response(200, key == nullptr ? "no key" : *key);
    if (const auto* to = find(request.query, "to")) {
      response.status = 307;
      response.headers.push_back({"location", *to});
    }
    co_return response;
  };
  Running here(service);
  Running there(service);
  Client client;
  auto call = call_to(here, "/?to=/same");
  call.headers = {{"Authorization", "key"}};
  call.redirects = 1;
  EXPECT_EQ(client.send(call).body, "key");
  call.url = call_to(here, base::text("/?to=http://127.0.0.1:", there.port(), "/")).url;
  const auto reply = client.send(call);
  EXPECT_EQ(reply.body, "no key");
  EXPECT_EQ(reply.url, base::text("http://127.0.0.1:", there.port(), "/"));
  call.method = "POST";
  EXPECT_EQ(client.send(call).status, 307);
}

}  // namespace
