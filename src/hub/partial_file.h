// SPDX-License-Identifier: Apache-2.0
// A file that comes in chunks, and the note beside it from which a later process goes on.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

#include "base/json.h"

namespace hub {

// Bytes [begin, next) are here, those up to `end` are still to come.
struct Chunk {
  uint64_t begin = 0;
  uint64_t end = 0;  // kUnknownEnd, until an answer tells
  std::atomic<uint64_t> next = 0;

  bool is_done() const { return next == end; }
};
constexpr uint64_t kUnknownEnd = UINT64_MAX;

// Writing and counting may happen on several threads at once, each with a chunk of its own.
class PartialFile {
 public:
  // What the note tells of is taken up where it is about the content of this SHA-256. Without one
  // (empty) there is no note. `bytes` 0: the length is not known.
  PartialFile(std::filesystem::path file, std::string sha256, uint64_t bytes, uint64_t chunk_bytes);
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  // Leaves the note, where there is something to go on from.
  ~PartialFile();

  bool was_resumed() const { return was_resumed_; }
  std::deque<Chunk>& chunks() { return chunks_; }
  uint64_t bytes_here() const { return bytes_here_; }

  // Appends to a chunk. Throws Error(exhausted) where the disk is full.
  void append(Chunk& chunk, std::string_view content);

  // Saves the note where the last time is a while ago.
  void note_now_and_then();

  // Forgets what is here: one chunk of `bytes` from the beginning. Where there was one before, it
  // is the same one.
  void restart(uint64_t bytes);

  // Removes the note: the file is whole, or worth nothing.
  void forget();

 private:
  bool take_up(uint64_t bytes);
  void lay_out(uint64_t bytes, uint64_t chunk_bytes);
  void save_note();
  std::filesystem::path note() const { return file_.string() + ".json"; }

  std::filesystem::path file_;
  std::string sha256_;
  uint64_t chunk_bytes_ = 0;
  int descriptor_ = -1;
  bool was_resumed_ = false;
  bool has_note_ = false;
  std::deque<Chunk> chunks_;
  std::atomic<uint64_t> bytes_here_ = 0;
  std::mutex note_mutex_;
  int64_t noted_at_ = 0;
};

}  // namespace hub
