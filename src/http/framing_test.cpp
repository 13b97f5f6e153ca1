// SPDX-License-Identifier: Apache-2.0
// Requests that are framed in two ways, or in none: each gets one answer or none, and the bytes
// behind it never become a request.
#include <gtest/gtest.h>

#include "http/test_server.h"

namespace {

using namespace http;
using namespace http::test;

constexpr std::string_view kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

struct Case {
  const char* name;
  std::string bytes;
  int status;  // of the one answer
};

std::string post_with(const std::string& lines, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" + body;
}

std::string chunked(const std::string& encoding) {
  return post_with("Transfer-Encoding: " + encoding + "\r\n", "0\r\n\r\n");
}

std::vector<Case> transfer_encodings() {
  return {
      {"chunked", chunked("chunked"), 411},
      {"an unknown coding", chunked("xchunked"), 411},
      {"two codings", chunked("gzip, chunked"), 411},
      {"chunked twice", chunked("chunked, chunked"), 411},
      {"identity", chunked("identity"), 411},
      {"in capitals", chunked("CHUNKED"), 411},
      {"behind a tab", chunked("\tchunked"), 411},
      {"behind a form feed",
       chunked("\x0c"
               "chunked"),
       400},
      {"empty", chunked(""), 411},
      {"before a length",
       post_with("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
       411},
      {"behind a length",
       post_with("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
       411},
      {"with an underscore", post_with("Transfer_Encoding: chunked\r\n", ""), 400},
      {"space before the colon", post_with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
      {"folded", post_with("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400},
      {"folded behind another", post_with("X: a\r\n Transfer-Encoding: chunked\r\n", ""), 400},
      {"with a bare LF", post_with("X: a\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"with a bare CR", post_with("X: a\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"with trailers",
       post_with("Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n",
                 "0\r\nAuthorization: x\r\n\r\n"),
       411},
      {"in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
      {"on a GET", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
      {"tiny chunks", chunked("chunked") + "1\r\na\r\n1\r\nb\r\n0\r\n\r\n", 411},
  };
}

std::vector<Case> lengths() {
  return {
      {"two different", post_with("Content-Length: 0\r\nContent-Length: 44\r\n", ""), 400},
      {"two equal", post_with("Content-Length: 0\r\nContent-Length: 0\r\n", ""), 400},
      {"a list", post_with("Content-Length: 0, 0\r\n", ""), 400},
      {"with an underscore", post_with("Content_Length: 35\r\n", ""), 400},
      {"a plus sign", post_with("Content-Length: +0\r\n", ""), 400},
      {"a minus sign", post_with("Content-Length: -1\r\n", ""), 400},
      {"hexadecimal", post_with("Content-Length: 0x0\r\n", ""), 400},
      {"empty", post_with("Content-Length:\r\n", ""), 400},
      {"thirteen digits", post_with("Content-Length: 0000000000000\r\n", ""), 400},
      {"beyond 64 bits", post_with("Content-Length: 18446744073709551617\r\n", "x"), 400},
      {"a space inside", post_with("Content-Length: 0 0\r\n", ""), 400},
      {"a NUL inside", post_with(std::string("Content-Length: 0\0\r\n", 20), ""), 400},
      {"a body on GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n", 400},
      {"a body on DELETE", "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n", 400},
      {"a body on HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n", 400},
      {"larger than allowed", post_with("Content-Length: 999999999999\r\n", ""), 413},
      // The bytes behind it are its body, and nothing is left of them.
      {"the smuggled request as body", post_with("Content-Length: 35\r\n", ""), 200},
  };
}

std::vector<Case> first_lines() {
  return {
      {"no version", "GET /\r\nHost: a\r\n\r\n", 400},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 501},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"absolute form", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"an empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"lines ended by LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a TLS greeting", "\x16\x03\x01\x02", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"an upgrade",
       "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
       200},
      {"an unknown expectation",
       "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 35\r\n\r\n",
       417},
  };
}

size_t count_answers(const std::string& bytes) {
  size_t count = 0;
  for (size_t at = 0; (at = bytes.find("\r\ndate: ", at)) != std::string::npos; ++at) ++count;
  return count;
}

class Framing : public testing::Test {
 protected:
  Framing() {
    auto service = echo_service();
    service.handle = [this](Request& request) -> boost::asio::awaitable<Response> {
      if (request.path == "/smuggled") smuggled_ = true;
      co_return text_response(200, "served");
    };
    running_ = std::make_unique<Running>(service);
  }

  void expect_one_answer(const std::vector<Case>& cases) {
    for (const auto& [name, bytes, status] : cases) {
      Wire wire(running_->port());
      wire.send(bytes + std::string(kSmuggled));
      wire.finish_sending();
      const auto all = wire.receive_all();
      EXPECT_TRUE(all.starts_with("HTTP/1.1 " + std::to_string(status) + ' ')) << name << ":\n"
                                                                               << all;
      EXPECT_EQ(count_answers(all), 1u) << name << ":\n" << all;
      EXPECT_FALSE(smuggled_) << name;
    }
  }

 private:
  std::atomic<bool> smuggled_ = false;
  std::unique_ptr<Running> running_;
};

TEST_F(Framing, WithATransferEncodingIsRefused) {
  expect_one_answer(transfer_encodings());
}

TEST_F(Framing, ByLengthIsExact) {
  ASSERT_EQ(kSmuggled.size(), 35u);
  expect_one_answer(lengths());
}

TEST_F(Framing, BeginsWithAFirstLineThatIsOne) {
  expect_one_answer(first_lines());
}

}  // namespace
