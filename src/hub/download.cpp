// SPDX-License-Identifier: Apache-2.0
#include "hub/download.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "base/machine.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "hub/partial_file.h"
#include "hub/patience.h"

namespace hub {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Fault;
using base::text;

constexpr uint64_t kForgivenBytes = 1 << 20;

// The server sends the whole file where a part was asked for.
struct TakesNoRanges {};

// "bytes 0-99/1000".
struct ContentRange {
  uint64_t first = 0;
  uint64_t total = 0;
};

std::optional<uint64_t> number_in(std::string_view digits) {
  uint64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

std::optional<ContentRange> content_range(const http::Reply& head) {
  const auto* field = http::find(head.headers, "content-range");
  constexpr std::string_view kUnit = "bytes ";
  if (field == nullptr || !field->starts_with(kUnit)) return std::nullopt;
  const auto range = std::string_view(*field).substr(kUnit.size());
  const auto dash = range.find('-');
  const auto slash = range.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos) return std::nullopt;
  const auto first = number_in(range.substr(0, dash));
  const auto total = number_in(range.substr(slash + 1));
  if (!first || !total) return std::nullopt;
  return ContentRange{*first, *total};
}

// What all connections of one download share.
class Fetching {
 public:
  Fetching(http::Client& client, const Download& what, const fs::path& path)
      : client_(client),
        what_(what),
        file_(path,
              what.sha256,
              what.bytes,
              what.connections > 1 ? what.chunk_bytes : std::max<uint64_t>(what.bytes, 1)) {}

  PartialFile& file() { return file_; }
  const std::string& etag() const { return etag_; }

  void run() {
    try {
      run_connections(what_.connections);
    } catch (const TakesNoRanges&) {
      file_.restart(what_.bytes);
      run_connections(1);
    }
  }

 private:
  void run_connections(int count) {
    std::vector<std::thread> others;
    for (int i = 1; i < count && static_cast<size_t>(i) < file_.chunks().size(); ++i) {
      others.emplace_back([this] { run_one(); });
    }
    run_one();
    for (auto& other : others) other.join();
    taken_ = 0;
    has_problem_ = false;
    if (problem_) std::rethrow_exception(std::exchange(problem_, nullptr));
  }

  // Fetches one chunk after another. The first problem is that of all.
  void run_one() {
    try {
      for (size_t i; (i = taken_++) < file_.chunks().size() && !has_problem_;) {
        if (!file_.chunks()[i].is_done()) fetch(file_.chunks()[i]);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!has_problem_) problem_ = std::current_exception();
      has_problem_ = true;
    }
  }

  void fetch(Chunk& chunk) {
    Retries retries(what_.place, what_.patience, [this] { return goes_on(); });
    while (!chunk.is_done()) {
      std::optional<Error> refusal;
      const auto reply = retries.send(client_, call_for(chunk, retries, refusal), refusal);
      if (!reply) continue;
      if (reply->status == 416 && file_.chunks().size() == 1 && chunk.next > 0) {
        file_.restart(what_.bytes);  // shorter than what is here already: another file
        retries.failed(failure("changed while it was fetched"));
      } else if (reply->status != 200 && reply->status != 206) {
        retries.answered(*reply);
      } else if (chunk.end == kUnknownEnd) {
        chunk.end = chunk.next.load();  // a body whose length nobody told, whole
      } else if (!chunk.is_done()) {
        retries.failed(failure("ended too early"));
      }
    }
  }

  http::Call call_for(Chunk& chunk, Retries& retries, std::optional<Error>& refusal) {
    http::Call call;
    call.url = what_.url;
    call.headers = what_.headers;
    call.unix_socket = what_.unix_socket;
    call.redirects = what_.redirects;
    call.max_bytes = UINT64_MAX;  // they are counted here, which says more
    call.total_time = retries.time_left();
    call.stall_time = what_.patience.stall_time;
    const bool is_whole = file_.chunks().size() == 1 && chunk.next == 0;
    if (!is_whole) {
      const auto last = chunk.end == kUnknownEnd ? std::string() : std::to_string(chunk.end - 1);
      call.headers.push_back({"range", text("bytes=", chunk.next, '-', last)});
      // Where the checksum is known it decides; copies of one file may have different tags.
      const std::lock_guard lock(mutex_);
      if (what_.sha256.empty() && !validator_.empty()) {
        call.headers.push_back({"if-range", validator_});
      }
    }
    call.progress = [this](uint64_t, uint64_t) { return goes_on(); };
    call.sink = [this, &chunk, &retries, &refusal, came = uint64_t{0}](
                    const http::Reply& head, std::string_view piece) mutable {
      try {
        if (came == 0) begin(chunk, head);
        take(chunk, piece);
        came += piece.size();
        if (came >= kForgivenBytes) retries.forgive();
      } catch (const Error& error) {
        refusal = error;
        throw;
      }
    };
    return call;
  }

  // Looks at the head of an answer before its body is taken.
  void begin(Chunk& chunk, const http::Reply& head) {
    refuse_web_page(head);
    const auto* length = http::find(head.headers, "content-length");
    std::optional<uint64_t> total;
    if (head.status == 206) {
      const auto range = content_range(head);
      if (!range || range->first != chunk.next) throw failure("another part came than asked for");
      total = range->total;
    } else {
      if (file_.chunks().size() > 1) throw TakesNoRanges();
      if (chunk.next > 0) file_.restart(what_.bytes);  // from the beginning, perhaps another file
      if (length != nullptr) total = number_in(*length);
    }
    keep_validators(head);
    if (!total) return;
    if (what_.bytes > 0 && *total != what_.bytes) {
      throw failure(text("has ", *total, " bytes, expected ", what_.bytes));
    }
    if (*total > what_.max_bytes) throw_too_large(what_.place.what, *total, what_.max_bytes);
    if (chunk.end == kUnknownEnd) chunk.end = *total;
  }

  // What some sites send in place of an error, with a success for a status.
  void refuse_web_page(const http::Reply& head) const {
    const auto* type = http::find(head.headers, "content-type");
    if (type == nullptr || !http::lower_case(*type).starts_with("text/html")) return;
    throw Error(Fault::invalid, text("lora_file_invalid: ", what_.place.what, " is a web page"));
  }

  void take(Chunk& chunk, std::string_view piece) {
    if (piece.size() > chunk.end - chunk.next) throw failure("is longer than it should be");
    if (chunk.next + piece.size() > what_.max_bytes) {
      throw_too_large(what_.place.what, chunk.next + piece.size(), what_.max_bytes);
    }
    file_.append(chunk, piece);
    file_.note_now_and_then();
  }

  // What tells a file from another under the same URL; a weak tag does not.
  void keep_validators(const http::Reply& head) {
    const auto* etag = http::find(head.headers, "etag");
    const auto* date = http::find(head.headers, "last-modified");
    const std::lock_guard lock(mutex_);
    etag_ = etag != nullptr ? *etag : std::string();
    validator_ = etag != nullptr && !etag->starts_with("W/") ? *etag
                 : date != nullptr                           ? *date
                                                             : std::string();
  }

  bool goes_on() {
    if (has_problem_) return false;
    if (!what_.progress) return true;
    const std::lock_guard lock(mutex_);
    const auto end = file_.chunks().back().end;
    return what_.progress(file_.bytes_here(), end == kUnknownEnd ? 0 : end);
  }

  Error failure(const std::string& how) const {
    return {Fault::upstream, text("fetch_failed: ", what_.place.what, ": ", how)};
  }

  http::Client& client_;
  const Download& what_;
  PartialFile file_;
  std::atomic<size_t> taken_ = 0;
  std::atomic<bool> has_problem_ = false;
  std::mutex mutex_;
  std::exception_ptr problem_;
  std::string etag_, validator_;
};

void refuse_without_room(const Download& what, uint64_t missing, const fs::path& file) {
  const auto free = base::free_disk(file);
  if (missing <= free) return;
  throw Error(Fault::exhausted,
              text("fetch_failed: ",
                   what.place.what,
                   ": needs ",
                   base::human_bytes(missing),
                   " of disk, and ",
                   base::human_bytes(free),
                   " are free"));
}

// One try. False where what an earlier call had left turned out to be damaged, and is gone.
bool try_download(http::Client& client,
                  const Download& what,
                  const fs::path& path,
                  Downloaded& result) {
  Fetching fetching(client, what, path);
  auto& file = fetching.file();
  const bool was_resumed = file.was_resumed();
  if (what.bytes > 0) refuse_without_room(what, what.bytes - file.bytes_here(), path);
  fetching.run();
  result.bytes = file.bytes_here();
  result.etag = fetching.etag();
  result.sha256 = sha256_of(path, what.progress);
  file.forget();
  if (what.sha256.empty() || result.sha256 == what.sha256) return true;
  std::error_code ignored;
  fs::remove(path, ignored);
  if (was_resumed) return false;
  throw Error(Fault::upstream,
              text("fetch_failed: ",
                   what.place.what,
                   ": is damaged: has SHA-256 ",
                   result.sha256,
                   ", expected ",
                   what.sha256));
}

}  // namespace

Downloaded download(http::Client& client, const Download& what, const fs::path& file) {
  if (what.bytes > what.max_bytes) throw_too_large(what.place.what, what.bytes, what.max_bytes);
  Downloaded result;
  if (!try_download(client, what, file, result)) try_download(client, what, file, result);
  return result;
}

http::Reply send_patiently(http::Client& client,
                           http::Call call,
                           const Place& place,
                           const Patience& patience,
                           const std::function<bool()>& goes_on) {
  Retries retries(place, patience, goes_on);
  call.progress = [&](uint64_t, uint64_t) { return goes_on(); };
  while (true) {
    if (const auto left = retries.time_left(); left.count() > 0) call.total_time = left;
    auto reply = retries.send(client, call);
    if (!reply) continue;
    if (!may_pass(reply->status)) return std::move(*reply);
    retries.answered(*reply);
  }
}

std::string sha256_of(const fs::path& file, const ByteProgress& progress) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(Fault::internal, "internal error", "cannot read " + file.string());
  const auto total = fs::file_size(file);
  crypto::Sha256 digest;
  std::string block(8 << 20, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    digest.add({block.data(), static_cast<size_t>(in.gcount())});
    if (progress && !progress(total, total)) throw base::Cancelled();
  }
  return digest.finish();
}

}  // namespace hub
