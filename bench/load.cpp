// SPDX-License-Identifier: Apache-2.0
// A load generator that speaks the service's protocols, in one thread.
//
//   load poll   --port P --key K --ids FILE     GET /api/v3/predictions/{one of the ids}
//   load submit --port P --key K                POST /api/v3/wavespeed-ai/wan-2.2/t2v-720p
//   load get    --port P --path PATH            GET PATH
//   load work   --port P --key K --count N      claims N tasks, hands in a file for each, finishes
//                                               them, and times these three one after the other
//
// Closed loop: each of --connections sends a request when it has the answer to the last. With
// --rate the loop is open: the n-th request is due n / rate seconds after the start, whatever the
// server does, and its latency counts from that moment, so that a stall is seen by all whom it
// keeps waiting. Prints one JSON object per measure; an answer that is not 200 counts as an error.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <nlohmann/json.hpp>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::use_awaitable;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;
using Response = http::response<http::string_body>;

struct Options {
  std::string action;
  std::map<std::string, std::string> words;

  std::string word(const std::string& name) const {
    const auto found = words.find(name);
    return found == words.end() ? "" : found->second;
  }
  double number(const std::string& name, double preset) const {
    const auto found = words.find(name);
    return found == words.end() ? preset : std::stod(found->second);
  }
};

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

std::string request_text(const Options& options,
                         const std::string& method,
                         const std::string& target,
                         const std::string& body = {}) {
  auto text = method + ' ' + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + options.word("port") +
              "\r\nAuthorization: Bearer " + options.word("key") + "\r\n";
  if (!body.empty()) {
    text +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

// One keep-alive connection.
class Client {
 public:
  Client(asio::io_context& context, const Options& options) : socket_(context) {
    const auto port = static_cast<uint16_t>(options.number("port", 0));
    socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    socket_.set_option(asio::ip::tcp::no_delay(true));
  }

  asio::awaitable<Response> exchange(const std::string& request) {
    co_await asio::async_write(socket_, asio::buffer(request), use_awaitable);
    Response response;
    co_await http::async_read(socket_, buffer_, response, use_awaitable);
    co_return response;
  }

 private:
  asio::ip::tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
};

// What came of the requests of one measure.
class Tally {
 public:
  explicit Tally(std::string what) : what_(std::move(what)), begin_(Clock::now()) {}

  void add(Clock::time_point due, const Response& response) {
    milliseconds_.push_back(ms_since(due));
    if (response.result_int() == 200) {
      body_bytes_ = response.body().size();
    } else if (errors_++ == 0) {
      std::fprintf(stderr, "%d: %s\n", response.result_int(), response.body().c_str());
    }
  }

  void print() {
    const double seconds = ms_since(begin_) / 1000;
    std::ranges::sort(milliseconds_);
    const auto at = [&](double share) {
      const auto count = static_cast<double>(milliseconds_.size());
      return milliseconds_.empty() ? 0 : milliseconds_[static_cast<size_t>(share * (count - 1))];
    };
    const Json line = {{"what", what_},
                       {"requests", milliseconds_.size()},
                       {"errors", errors_},
                       {"seconds", seconds},
                       {"per_second", static_cast<double>(milliseconds_.size()) / seconds},
                       {"p50_ms", at(0.5)},
                       {"p99_ms", at(0.99)},
                       {"p999_ms", at(0.999)},
                       {"worst_ms", at(1)},
                       {"body_bytes", body_bytes_}};
    std::printf("%s\n", line.dump().c_str());
    std::fflush(stdout);
  }

 private:
  std::string what_;
  Clock::time_point begin_;
  std::vector<double> milliseconds_;
  size_t errors_ = 0;
  size_t body_bytes_ = 0;
};

// When the next request is due; nothing once the time is over.
class Schedule {
 public:
  explicit Schedule(const Options& options)
      : rate_(options.number("rate", 0)), seconds_(options.number("seconds", 5)) {}

  std::optional<Clock::time_point> next() {
    if (rate_ == 0)
      return ms_since(begin_) < seconds_ * 1000 ? std::optional(Clock::now()) : std::nullopt;
    const double offset = static_cast<double>(sent_++) / rate_;
    if (offset >= seconds_) return std::nullopt;
    return begin_ + std::chrono::nanoseconds(static_cast<int64_t>(offset * 1e9));
  }

 private:
  double rate_, seconds_;
  int64_t sent_ = 0;
  Clock::time_point begin_ = Clock::now();
};

using Crowd = std::vector<std::unique_ptr<Client>>;

Crowd connect(asio::io_context& context, const Options& options) {
  Crowd crowd;
  for (int i = 0; i < options.number("connections", 64); ++i) {
    crowd.push_back(std::make_unique<Client>(context, options));
  }
  return crowd;
}

// Every client does `act` at the same time as the others; returns when all are done.
void run_all(asio::io_context& context,
             Crowd& crowd,
             const std::function<asio::awaitable<void>(Client&)>& act) {
  for (auto& client : crowd) {
    asio::co_spawn(context, act(*client), [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    });
  }
  context.restart();
  context.run();
}

void run_requests(const Options& options, const std::function<std::string()>& next_request) {
  asio::io_context context(1);
  auto crowd = connect(context, options);
  Schedule schedule(options);
  Tally tally(options.action);
  run_all(context, crowd, [&](Client& client) -> asio::awaitable<void> {
    asio::steady_timer timer(context);
    while (const auto due = schedule.next()) {
      if (*due > Clock::now()) {
        timer.expires_at(*due);
        co_await timer.async_wait(use_awaitable);
      }
      const auto request = next_request();
      tally.add(*due, co_await client.exchange(request));
    }
  });
  tally.print();
}

void poll(const Options& options) {
  std::ifstream file(options.word("ids"));
  std::vector<std::string> requests;
  for (std::string id; file >> id;) {
    requests.push_back(request_text(options, "GET", "/api/v3/predictions/" + id));
  }
  std::mt19937 random(1);
  run_requests(options, [&] { return requests.at(random() % requests.size()); });
}

void submit(const Options& options) {
  const std::string scene(280, 's');
  int64_t number = 0;
  run_requests(options, [&] {
    const Json body = {{"prompt", std::to_string(number++) + scene}, {"size", "1280*720"}};
    return request_text(options, "POST", "/api/v3/wavespeed-ai/wan-2.2/t2v-720p", body.dump());
  });
}

struct Work {
  std::string path;  // of the task
  Json lease;        // what every call about it carries
};

// The work of many workers, in three steps: the rate of one does not hide in that of another.
void work(const Options& options) {
  constexpr auto* kDigest = "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069";
  const std::string content = "Hello World!";
  const Json file = {{"name", "video.mp4"},
                     {"media_type", "video/mp4"},
                     {"bytes", content.size()},
                     {"sha256", kDigest}};
  const auto count = static_cast<size_t>(options.number("count", 1000));
  asio::io_context context(1);
  auto crowd = connect(context, options);
  std::vector<Work> tasks;
  size_t next = 0;
  // `count` exchanges, timed together.
  const auto step = [&](const std::string& what,
                        const std::function<std::string(size_t)>& request,
                        const std::function<void(const Response&)>& take) {
    next = 0;
    Tally tally(what);
    run_all(context, crowd, [&](Client& client) -> asio::awaitable<void> {
      while (next < count) {
        const auto text = request(next++);
        const auto begin = Clock::now();
        const auto response = co_await client.exchange(text);
        tally.add(begin, response);
        take(response);
      }
    });
    tally.print();
  };

  const Json question = {
      {"worker", "bench"}, {"weights", {options.word("weights")}}, {"wait_ms", 0}};
  const auto claim = request_text(options, "POST", "/worker/v1/claim", question.dump());
  step(
      "claim",
      [&](size_t) { return claim; },
      [&](const Response& response) {
        const auto task = Json::parse(response.body()).at("task");
        tasks.push_back({"/worker/v1/tasks/" + task.at("id").get<std::string>(),
                         {{"attempt", task.at("attempt")}, {"token", task.at("token")}}});
      });
  const auto put = [&](size_t i) {
    const auto& lease = tasks.at(i).lease;
    return request_text(options,
                        "PUT",
                        tasks.at(i).path +
                            "/files/video.mp4?attempt=" + lease.at("attempt").dump() +
                            "&token=" + lease.at("token").get<std::string>(),
                        content);
  };
  step("put", put, [](const Response&) {});
  const auto finish = [&](size_t i) {
    auto body = tasks.at(i).lease;
    body.update({{"files", {file}}, {"seed", 1}, {"warnings", Json::array()}, {"inference_ms", 1}});
    return request_text(options, "POST", tasks.at(i).path + "/finish", body.dump());
  };
  step("finish", finish, [](const Response&) {});
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (argc > 1) options.action = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) options.words[argv[i] + 2] = argv[i + 1];
  try {
    if (options.action == "poll") {
      poll(options);
    } else if (options.action == "submit") {
      submit(options);
    } else if (options.action == "work") {
      work(options);
    } else if (options.action == "get") {
      const auto request = request_text(options, "GET", options.word("path"));
      run_requests(options, [&] { return request; });
    } else {
      std::fprintf(stderr, "load poll|submit|work|get --port P … (see bench/load.cpp)\n");
      return 2;
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load: %s\n", error.what());
    return 1;
  }
}
