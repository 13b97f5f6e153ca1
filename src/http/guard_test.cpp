// SPDX-License-Identifier: Apache-2.0
#include "http/guard.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace {

using http::Head;
using http::Refusal;

std::variant<Head, Refusal> read(std::string_view bytes) {
  return http::read_head(bytes, {});
}

// 0: accepted.
int status_of(std::string_view bytes) {
  const auto result = read(bytes);
  const auto* refusal = std::get_if<Refusal>(&result);
  return refusal == nullptr ? 0 : refusal->status;
}

// Of a GET with these lines, each with its CR LF, beside the one Host.
int status_with(std::string_view lines, std::string_view method = "GET") {
  return status_of(base::text(method, " / HTTP/1.1\r\nHost: a\r\n", lines, "\r\n"));
}

int status_of_target(std::string_view target) {
  return status_of(base::text("GET ", target, " HTTP/1.1\r\nHost: a\r\n\r\n"));
}

TEST(Guard, ReadsARequest) {
  const auto result = read(
      "POST /api/v3/wan?webhook=https%3A%2F%2Fa.b%2Fc&x=1+2 HTTP/1.1\r\n"
      "Host: localhost:8000\r\n"
      "Content-Type:application/json\r\n"
      "Content-Length: \t17 \r\n"
      "Expect: 100-Continue\r\n"
      "X-Empty:\r\n"
      "\r\n");
  const auto& head = std::get<Head>(result);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.path, "/api/v3/wan");
  EXPECT_EQ(head.query, (http::Fields{{"webhook", "https://a.b/c"}, {"x", "1 2"}}));
  EXPECT_EQ(*find(head.headers, "content-type"), "application/json");
  EXPECT_EQ(*find(head.headers, "x-empty"), "");
  EXPECT_EQ(head.framing.body_bytes, 17u);
  EXPECT_TRUE(head.framing.expects_continue);
  EXPECT_TRUE(head.framing.keeps_alive);
}

TEST(Guard, AcceptsWhatHonestClientsSend) {
  EXPECT_EQ(status_with(""), 0);
  EXPECT_EQ(status_with("Content-Length: 0\r\n"), 0);
  EXPECT_EQ(status_with("Content-Length: 999999999999\r\n", "PUT"), 0);
  EXPECT_EQ(status_with("", "POST"), 0);
  EXPECT_EQ(status_with("Accept: a\r\nAccept: b\r\n", "OPTIONS"), 0);
  EXPECT_EQ(status_with("TE: trailers\r\nConnection: TE, keep-alive\r\n"), 0);
  EXPECT_EQ(status_with("X-Client: caf\xc3\xa9\r\n"), 0);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"), 0);
}

TEST(Guard, RefusesTransferEncodingInEveryForm) {
  for (const auto* lines : {"Transfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: xchunked\r\n",
                            "transfer-encoding: identity\r\n",
                            "Transfer-Encoding:\r\n",
                            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                            "Trailer: Authorization\r\n"}) {
    EXPECT_EQ(status_with(lines, "POST"), 411) << lines;
  }
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 411);
}

TEST(Guard, RefusesEveryContentLengthButOneNumber) {
  for (const auto* value :
       {"", "+5", "-1", "0x5", "5,5", "5, 5", "5 5", "5.0", "1e3", "1000000000000", "\x35\xa0"}) {
    EXPECT_EQ(status_with(base::text("Content-Length: ", value, "\r\n"), "POST"), 400) << value;
  }
  EXPECT_EQ(status_with("Content-Length: 5\r\nContent-Length: 5\r\n", "POST"), 400);
  EXPECT_EQ(status_with("Content-Length: 5\r\ncontent-length: 6\r\n", "POST"), 400);
}

TEST(Guard, RefusesABodyWhereThereIsNone) {
  for (const auto* method : {"GET", "DELETE", "HEAD", "OPTIONS"}) {
    EXPECT_EQ(status_with("Content-Length: 1\r\n", method), 400) << method;
  }
}

TEST(Guard, WantsExactlyOneHost) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_with("Host: a\r\n"), 400);
  EXPECT_EQ(status_with("hOST: b\r\n"), 400);
  for (const auto* host : {"a b", "a/b", "a@b", "a,b", "a\"b", "<a>", "caf\xc3\xa9"}) {
    EXPECT_EQ(status_of(base::text("GET / HTTP/1.1\r\nHost: ", host, "\r\n\r\n")), 400) << host;
  }
}

TEST(Guard, RefusesFoldedFields) {
  EXPECT_EQ(status_with("X: a\r\n b\r\n"), 400);
  EXPECT_EQ(status_with("X: a\r\n\tb\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400);
}

TEST(Guard, RefusesFieldsThatAreNotNameColonValue) {
  for (const auto* line :
       {"X : a", ": a", "X", "X\x80: a", "X Y: a", "X\t: a", "(X): a", "X\": a"}) {
    EXPECT_EQ(status_with(base::text(line, "\r\n")), 400) << line;
  }
}

TEST(Guard, RefusesControlBytesAndLooseLineEnds) {
  using namespace std::string_view_literals;
  for (const auto lines : {"X: a\0b\r\n"sv,
                           "X: a\rb\r\n"sv,
                           "X: a\nY: b\r\n"sv,
                           "X: a\x7f\r\n"sv,
                           "X: a\x0b\r\n"sv,
                           "X: a\r\r\n"sv}) {
    EXPECT_EQ(status_with(lines), 400) << lines;
  }
}

TEST(Guard, RefusesTooManyFields) {
  std::string lines;
  for (int i = 1; i < 64; ++i) lines += "X: a\r\n";
  EXPECT_EQ(status_with(lines), 0);
  EXPECT_EQ(status_with(lines + "X: a\r\n"), 431);
}

TEST(Guard, RefusesTooLongHeads) {
  const auto head = [](size_t bytes) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    return text + std::string(bytes - text.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(status_of(head(16 << 10)), 0);
  EXPECT_EQ(status_of(head((16 << 10) + 1)), 431);
}

TEST(Guard, RefusesTooLongTargets) {
  EXPECT_EQ(status_of_target('/' + std::string((8 << 10) - 1, 'x')), 0);
  EXPECT_EQ(status_of_target('/' + std::string(8 << 10, 'x')), 414);
}

TEST(Guard, RefusesWhatIsNoTarget) {
  for (const auto* target :
       {"*",           "http://a/",   "a:80",          "",     "x",     "/a b",
        "/\x80",       "/a#b",        "/a\\b",         "/%",   "/%4",   "/%zz",
        "/%00",        "/?a=%00",     "/?a=%0d%0a",    "/%0a", "/%7f",  "/%5c",
        "/%ff",        "/%c0%af",     "/?a=%ed%a0%80", "/..",  "/../a", "/a/..",
        "/a/%2e%2E/b", "/a%2f..%2fb", "/%2e./a",       "/?a=%"}) {
    EXPECT_EQ(status_of_target(target), 400) << target;
  }
}

TEST(Guard, DecodesATargetOnce) {
  const auto result = read("GET /a%2Fb/%252e%252e/c..d/.../%C3%A9 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(std::get<Head>(result).path, "/a/b/%2e%2e/c..d/.../\xc3\xa9");
}

TEST(Guard, ReadsQueriesAsFormsDo) {
  const auto result = read("GET /?&a&b=&=c&d=e=f&a=2& HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(std::get<Head>(result).query,
            (http::Fields{{"a", ""}, {"b", ""}, {"", "c"}, {"d", "e=f"}, {"a", "2"}}));
}

TEST(Guard, RefusesMethodsAndVersionsThatItDoesNotKnow) {
  for (const auto* method : {"PATCH", "TRACE", "CONNECT", "get", "FOO"}) {
    EXPECT_EQ(status_with("", method), 501) << method;
  }
  EXPECT_EQ(status_of("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  for (const auto* version : {"HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.1"}) {
    EXPECT_EQ(status_of(base::text("GET / ", version, "\r\nHost: a\r\n\r\n")), 505) << version;
  }
  for (const auto* line : {"GET /",
                           "GET / http/1.1",
                           "GET / HTTP/1.1 ",
                           "GET / HTTP/1",
                           "GET  / HTTP/1.1",
                           " GET / HTTP/1.1",
                           "GET\t/ HTTP/1.1",
                           "GET / HTTP/11",
                           ""}) {
    EXPECT_EQ(status_of(base::text(line, "\r\nHost: a\r\n\r\n")), 400) << line;
  }
}

TEST(Guard, RefusesASecondOfWhatThereIsOneOf) {
  for (const auto* name : {"Authorization", "Idempotency-Key", "Content-Type", "Range"}) {
    EXPECT_EQ(status_with(base::text(name, ": a\r\n")), 0) << name;
    EXPECT_EQ(status_with(base::text(name, ": a\r\n", name, ": a\r\n")), 400) << name;
  }
}

TEST(Guard, MeetsNoExpectationButOne) {
  EXPECT_EQ(status_with("Expect: 100-continue\r\nContent-Length: 1\r\n", "POST"), 0);
  EXPECT_EQ(status_with("Expect: 200-ok\r\n"), 417);
  EXPECT_EQ(status_with("Expect:\r\n"), 417);
  EXPECT_EQ(status_with("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 400);
}

TEST(Guard, KnowsWhenAConnectionEnds) {
  const auto keeps_alive = [](std::string_view bytes) {
    const auto result = read(bytes);
    return std::get<Head>(result).framing.keeps_alive;
  };
  EXPECT_TRUE(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE , Close\r\n\r\n"));
  EXPECT_FALSE(keeps_alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(Guard, RefusesAConnectionThatIsNoListOfWords) {
  EXPECT_EQ(status_with("Connection: a,, b ,\r\n"), 0);
  EXPECT_EQ(status_with("Connection: a b\r\n"), 400);
  EXPECT_EQ(status_with("Connection: a:b\r\n"), 400);
}

TEST(Guard, RepeatsNothingOfTheRequestInItsReasons) {
  for (const auto* line : {"S3CR3T / HTTP/1.1", "GET S3CR3T HTTP/1.1", "GET /%S3CR3T HTTP/1.1"}) {
    const auto result = read(base::text(line, "\r\nHost: a\r\n\r\n"));
    EXPECT_EQ(std::get<Refusal>(result).reason.find("S3CR3T"), std::string::npos);
  }
}

// ── where a head ends ──

TEST(HeadSearch, FindsTheEndHoweverTheBytesCome) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\nnext";
  const auto length = bytes.size() - 4;
  for (size_t first = 0; first <= bytes.size(); ++first) {
    const auto early = http::find_head(std::string_view(bytes).substr(0, first), 0, {});
    EXPECT_EQ(early.length, first < length ? 0u : length);
    EXPECT_EQ(early.refused, 0);
    EXPECT_EQ(http::find_head(bytes, std::min(first, length - 1), {}).length, length);
  }
}

TEST(HeadSearch, RefusesEarlyWhatIsNoHttp) {
  EXPECT_EQ(http::find_head("GET / HTTP/1.1\nHost: a\n\n", 0, {}).refused, 400);
  EXPECT_EQ(http::find_head("\n", 0, {}).refused, 400);
  EXPECT_EQ(http::find_head("\x16\x03\x01\x02", 0, {}).refused, 400);  // a TLS greeting
}

TEST(HeadSearch, RefusesWhatIsTooLongAlready) {
  EXPECT_EQ(http::find_head(std::string(16 << 10, 'x'), 0, {}).refused, 431);
  EXPECT_EQ(http::find_head("GET /" + std::string(9 << 10, 'x'), 0, {}).refused, 414);
  EXPECT_EQ(http::find_head("GET /" + std::string(8 << 10, 'x'), 0, {}).refused, 0);
}

}  // namespace
