// SPDX-License-Identifier: Apache-2.0
// Damaged requests by the hundred thousand: the guard's verdict must be that of the list of rules
// below, each written down a second time as plainly as can be; and whatever passes is read by
// Boost.Beast as the very same request.
#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <sstream>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <gtest/gtest.h>

#include "base/text.h"
#include "http/guard.h"
#include "http/target.h"

namespace {

using http::Fields;
using http::Head;

// ── the rules, a second time ──

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> pieces;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != std::string::npos;) {
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + separator.size();
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

bool consists_of(const std::string& text, const std::string& characters) {
  return text.find_first_not_of(characters) == std::string::npos;
}

const std::string kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const std::string kDigits = "0123456789";

// A head taken apart without any judgement.
struct Parts {
  std::vector<std::string> words;  // of the first line
  std::vector<std::string> lines;  // all others
  std::vector<std::pair<std::string, std::string>> fields;
  bool has_fields_without_colon = false;

  explicit Parts(const std::string& bytes) {
    auto all = split(bytes, "\r\n");
    words = split(all.front(), " ");
    lines.assign(all.begin() + 1, all.end());
    for (const auto& line : lines) {
      if (line.empty()) continue;
      const auto colon = line.find(':');
      has_fields_without_colon |= colon == std::string::npos;
      if (colon == std::string::npos) continue;
      auto name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      auto value = line.substr(colon + 1);
      while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.erase(0, 1);
      while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.pop_back();
      fields.emplace_back(name, value);
    }
  }

  std::vector<std::string> values(const std::string& name) const {
    std::vector<std::string> found;
    for (const auto& [other, value] : fields) {
      if (other == name) found.push_back(value);
    }
    return found;
  }
};

bool has_only_plain_bytes(const std::string& bytes) {
  const auto without_ends = base::join(split(bytes, "\r\n"), "");
  return std::ranges::none_of(without_ends,
                              [](unsigned char c) { return c == 0x7f || (c < 0x20 && c != '\t'); });
}

bool ends_once(const std::string& bytes) {
  return bytes.find("\r\n\r\n") == bytes.size() - 4 && bytes.size() >= 4;
}

bool has_three_words(const Parts& parts) {
  return parts.words.size() == 3 && !parts.words[1].empty();
}

bool has_known_method(const Parts& parts) {
  return std::set<std::string>{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}.contains(
      parts.words[0]);
}

bool has_known_version(const Parts& parts) {
  return parts.words.back() == "HTTP/1.1" || parts.words.back() == "HTTP/1.0";
}

bool has_clean_target(const Parts& parts) {
  const auto& target = parts.words.at(1);
  return target.front() == '/' && target.size() <= 8192 &&
         http::read_target(target).complaint.empty();
}

bool has_clean_names(const Parts& parts) {
  const auto token = kLetters + kDigits + "!#$%&'*+-.^_`|~";
  return !parts.has_fields_without_colon &&
         std::ranges::all_of(parts.fields, [&](const auto& field) {
           return !field.first.empty() && consists_of(field.first, token);
         });
}

bool has_few_fields(const Parts& parts) {
  return parts.fields.size() <= 64;
}

bool has_no_coding(const Parts& parts) {
  if (!parts.values("transfer_encoding").empty() || !parts.values("content_length").empty()) {
    return false;
  }
  return parts.values("transfer-encoding").empty() && parts.values("trailer").empty();
}

bool has_one_host(const Parts& parts) {
  const auto hosts = parts.values("host");
  if (hosts.empty()) return parts.words.back() == "HTTP/1.0";
  return hosts.size() == 1 && hosts[0].size() <= 255 &&
         consists_of(hosts[0], kLetters + kDigits + "-._~:[]");
}

bool has_single_fields(const Parts& parts) {
  for (const auto* name : {"authorization", "idempotency-key", "content-type", "range", "expect"}) {
    if (parts.values(name).size() > 1) return false;
  }
  return true;
}

bool has_clean_length(const Parts& parts) {
  const auto lengths = parts.values("content-length");
  if (lengths.empty()) return true;
  const bool is_number = lengths.size() == 1 && !lengths[0].empty() && lengths[0].size() <= 12 &&
                         consists_of(lengths[0], kDigits);
  const bool may_have_body = parts.words[0] == "POST" || parts.words[0] == "PUT";
  return is_number && (may_have_body || consists_of(lengths[0], "0"));
}

bool has_fair_expectation(const Parts& parts) {
  const auto expectations = parts.values("expect");
  return expectations.empty() || http::lower_case(expectations[0]) == "100-continue";
}

bool has_words_for_connection(const Parts& parts) {
  const auto token = kLetters + kDigits + "!#$%&'*+-.^_`|~";
  for (const auto& value : parts.values("connection")) {
    for (const auto& word : split(value, ",")) {
      if (!consists_of(std::string(http::trim(word)), token)) return false;
    }
  }
  return true;
}

bool should_pass(const std::string& bytes) {
  if (bytes.size() > 16384 || !ends_once(bytes) || !has_only_plain_bytes(bytes)) return false;
  const Parts parts(bytes);
  return has_three_words(parts) && has_known_method(parts) && has_known_version(parts) &&
         has_clean_target(parts) && has_clean_names(parts) && has_few_fields(parts) &&
         has_no_coding(parts) && has_one_host(parts) && has_single_fields(parts) &&
         has_clean_length(parts) && has_fair_expectation(parts) && has_words_for_connection(parts);
}

// ── a second reader ──

namespace beast = boost::beast::http;

// What differs between Beast's reading and ours; empty: nothing.
std::string difference_from_beast(const std::string& bytes, const Head& head) {
  beast::request_parser<beast::empty_body> parser;
  parser.header_limit(64 << 10);
  parser.body_limit(boost::none);
  parser.eager(false);
  boost::system::error_code error;
  const auto used = parser.put(boost::asio::buffer(bytes), error);
  if (error && error != beast::error::unexpected_body) return error.message();
  if (!parser.is_header_done()) return "Beast waits for more";
  if (used != bytes.size()) return "Beast ends elsewhere";
  const auto& request = parser.get();
  if (request.method_string() != head.method) return "method";
  const auto target = http::read_target(std::string(request.target()));
  if (target.path != head.path || target.query != head.query) return "target";
  if (parser.chunked()) return "Beast sees chunks";
  if (parser.content_length().value_or(0) != head.framing.body_bytes) return "length";
  Fields fields;
  for (const auto& field : request) {
    fields.push_back(
        {http::lower_case(std::string(field.name_string())), std::string(field.value())});
  }
  // Beast groups fields of one name.
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  auto ours = head.headers;
  std::ranges::stable_sort(ours, by_name);
  std::ranges::stable_sort(fields, by_name);
  return fields == ours ? "" : "fields";
}

// ── damage ──

const std::vector<std::string> kSeeds = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ("GET /api/v3/predictions/0123/result?x=%41+b&c HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
     "Authorization: Bearer k\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n"),
    ("POST /api/v3/a/b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
     "Content-Length: 12\r\nExpect: 100-continue\r\n\r\n"),
    "PUT /u HTTP/1.1\r\nhost:[::1]\r\ncontent-length:0\r\nIdempotency-Key: k\r\n\r\n",
    "HEAD /%C3%A9 HTTP/1.0\r\nRange: bytes=0-\r\n\r\n",
    "OPTIONS / HTTP/1.1\r\nHost: a\r\nX: \r\nTE: trailers\r\n\r\n",
};

const std::vector<std::string> kPieces = {"\r\n",
                                          "\r\n ",
                                          "\r\n\r\n",
                                          "\r",
                                          "\n",
                                          "\t",
                                          " ",
                                          ":",
                                          "%00",
                                          "%2e%2e/",
                                          "../",
                                          "/../",
                                          "\\",
                                          "Host: b\r\n",
                                          "Content-Length: 5\r\n",
                                          "Transfer-Encoding: chunked\r\n",
                                          "Content_Length: 5\r\n",
                                          "Trailer: a\r\n",
                                          "Expect: x\r\n",
                                          "Authorization: b\r\n",
                                          "content-type: b\r\n",
                                          ",",
                                          "+",
                                          "-",
                                          "0",
                                          "9",
                                          "#",
                                          "HTTP/1.0",
                                          "HTTP/2.0",
                                          "GET",
                                          "POST",
                                          "DELETE",
                                          "\x80",
                                          "\xff",
                                          "\x7f",
                                          "%",
                                          "?",
                                          "&",
                                          "close",
                                          "Connection: close\r\n",
                                          "X-A: b\r\n"};

class Damage {
 public:
  explicit Damage(unsigned seed) : random_(seed) {}

  std::string next() {
    auto bytes = kSeeds[below(kSeeds.size())];
    for (auto times = below(4); times > 0 && !bytes.empty(); --times) harm(bytes);
    return bytes;
  }

 private:
  size_t below(size_t count) { return random_() % count; }

  void harm(std::string& bytes) {
    const auto place = below(bytes.size());
    switch (below(6)) {
      case 0:
        bytes[place] = static_cast<char>(random_());
        break;
      case 1:
        bytes.erase(place, 1 + below(8));
        break;
      case 2:
        bytes.insert(place, kPieces[below(kPieces.size())]);
        break;
      case 3:
        bytes.insert(place, bytes.substr(below(bytes.size()), below(24)));
        break;
      case 4:
        insert_line(bytes);
        break;
      default:
        bytes.insert(place, 1, static_cast<char>(random_()));
        break;
    }
  }

  // A piece where it does most: right behind a line end.
  void insert_line(std::string& bytes) {
    const auto end = bytes.find("\r\n", below(bytes.size()));
    if (end != std::string::npos) bytes.insert(end + 2, kPieces[below(kPieces.size())]);
  }

  std::mt19937 random_;
};

TEST(GuardFuzz, JudgesDamagedRequestsByTheRulesAndReadsTheRestAsBeastDoes) {
  Damage damage(20260001);
  int passed = 0;
  constexpr int kCases = 200'000;
  for (int i = 0; i < kCases; ++i) {
    const auto bytes = damage.next();
    const auto result = http::read_head(bytes, {});
    const auto* head = std::get_if<Head>(&result);
    ASSERT_EQ(head != nullptr, should_pass(bytes)) << "case " << i << ":\n" << bytes;
    if (head == nullptr) continue;
    ++passed;
    ASSERT_EQ(difference_from_beast(bytes, *head), "") << "case " << i << ":\n" << bytes;
  }
  // Most seeds survive no damage, a good part does: both verdicts are tried.
  EXPECT_GT(passed, kCases / 10);
  EXPECT_LT(passed, kCases * 9 / 10);
}

TEST(GuardFuzz, FindsTheSameEndInPiecesAsAtOnce) {
  Damage damage(20260002);
  std::mt19937 random(7);
  for (int i = 0; i < 50'000; ++i) {
    const auto bytes = damage.next();
    const auto at_once = http::find_head(bytes, 0, {});
    const auto first = bytes.empty() ? 0 : random() % bytes.size();
    auto in_pieces = http::find_head(std::string_view(bytes).substr(0, first), 0, {});
    if (in_pieces.length == 0 && in_pieces.refused == 0) {
      in_pieces = http::find_head(bytes, first, {});
    }
    ASSERT_EQ(at_once.length, in_pieces.length) << bytes;
    ASSERT_EQ(at_once.refused, in_pieces.refused) << bytes;
  }
}

}  // namespace
