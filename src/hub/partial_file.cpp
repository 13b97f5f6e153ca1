// SPDX-License-Identifier: Apache-2.0
#include "hub/partial_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

namespace hub {
namespace {

namespace fs = std::filesystem;
using base::Json;

constexpr int64_t kNoteEveryMs = 5'000;
constexpr size_t kMaxNoteBytes = 8 << 20;

[[noreturn]] void throw_write_error(const fs::path& file, int reason) {
  const auto detail = base::text("cannot write ", file.string(), ": ", std::strerror(reason));
  const bool is_full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  throw base::Error(is_full ? base::Fault::exhausted : base::Fault::internal,
                    is_full ? "fetch_failed: the disk is full" : "fetch_failed: cannot be written",
                    detail);
}

}  // namespace

PartialFile::PartialFile(fs::path file, std::string sha256, uint64_t bytes, uint64_t chunk_bytes)
    : file_(std::move(file)), sha256_(std::move(sha256)), has_note_(!sha256_.empty() && bytes > 0) {
  std::error_code ignored;
  fs::create_directories(file_.parent_path(), ignored);
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw_write_error(file_, errno);
  was_resumed_ = has_note_ && take_up(bytes);
  if (was_resumed_) return;
  lay_out(bytes, chunk_bytes);
  if (::ftruncate(descriptor_, 0) != 0) {
    const int reason = errno;
    ::close(descriptor_);
    throw_write_error(file_, reason);
  }
}

PartialFile::~PartialFile() {
  try {
    if (has_note_ && bytes_here() > 0) save_note();
  } catch (const std::exception&) {
    has_note_ = false;  // the next call begins anew, as nothing tells it where to go on
  }
  ::close(descriptor_);
}

bool PartialFile::take_up(uint64_t bytes) {
  try {
    const auto json = base::read_json(note(), {.depth = 3, .bytes = kMaxNoteBytes});
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) return false;
    if (json.at("sha256") != sha256_ || json.at("bytes") != bytes) return false;
    const auto chunk_bytes = json.at("chunk_bytes").get<uint64_t>();
    const auto here = json.at("here").get<std::vector<uint64_t>>();
    if (chunk_bytes == 0 || here.size() != (bytes + chunk_bytes - 1) / chunk_bytes) return false;
    lay_out(bytes, chunk_bytes);
    for (size_t i = 0; i < here.size(); ++i) {
      auto& chunk = chunks_[i];
      const auto next = chunk.begin + here[i];
      // What the note tells of must lie in the file.
      const bool is_inside = here[i] <= chunk.end - chunk.begin;
      const bool is_there = here[i] == 0 || next <= static_cast<uint64_t>(status.st_size);
      if (!is_inside || !is_there) return false;
      chunk.next = next;
      bytes_here_ += here[i];
    }
    return true;
  } catch (const std::exception&) {
    return false;  // there is no note, or none that can be read
  }
}

void PartialFile::lay_out(uint64_t bytes, uint64_t chunk_bytes) {
  chunks_.clear();
  chunk_bytes_ = chunk_bytes;
  bytes_here_ = 0;
  if (bytes == 0) {
    chunks_.emplace_back().end = kUnknownEnd;
    return;
  }
  for (uint64_t begin = 0; begin < bytes; begin += chunk_bytes) {
    auto& chunk = chunks_.emplace_back();
    chunk.begin = begin;
    chunk.next = begin;
    chunk.end = std::min(bytes - begin, chunk_bytes) + begin;
  }
}

void PartialFile::append(Chunk& chunk, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::pwrite(
        descriptor_, content.data(), content.size(), static_cast<off_t>(chunk.next.load()));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_write_error(file_, errno);
    chunk.next += static_cast<uint64_t>(written);
    bytes_here_ += static_cast<uint64_t>(written);
    content.remove_prefix(static_cast<size_t>(written));
  }
}

void PartialFile::note_now_and_then() {
  if (!has_note_) return;
  const std::unique_lock lock(note_mutex_, std::try_to_lock);
  if (!lock) return;
  const auto now = base::system_clock().steady();
  if (now - noted_at_ < kNoteEveryMs) return;
  noted_at_ = now;
  save_note();
}

void PartialFile::save_note() {
  Json here = Json::array();
  for (const auto& chunk : chunks_) here.push_back(chunk.next - chunk.begin);
  const Json json = {{"sha256", sha256_},
                     {"bytes", chunks_.back().end},
                     {"chunk_bytes", chunk_bytes_},
                     {"here", std::move(here)}};
  base::write_file(note(), json.dump());
}

void PartialFile::restart(uint64_t bytes) {
  if (::ftruncate(descriptor_, 0) != 0) throw_write_error(file_, errno);
  was_resumed_ = false;
  if (chunks_.size() > 1) return lay_out(bytes, std::max<uint64_t>(bytes, 1));
  chunks_.front().end = bytes == 0 ? kUnknownEnd : bytes;
  chunks_.front().next = 0;
  bytes_here_ = 0;
}

void PartialFile::forget() {
  has_note_ = false;
  std::error_code ignored;
  fs::remove(note(), ignored);
}

}  // namespace hub
