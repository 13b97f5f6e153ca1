// SPDX-License-Identifier: Apache-2.0
#include "http/body_sink.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/random.h"

namespace http {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, int problem) {
  const auto detail = base::text(file.string(), ": ", std::strerror(problem));
  if (problem == ENOSPC || problem == EDQUOT) {
    throw base::Error(base::Fault::exhausted, "the disk is full", detail);
  }
  throw base::Error(base::Fault::internal, "internal error", detail);
}

}  // namespace

BodySink::BodySink(const Reception& reception, Request& request) : request_(request) {
  if (reception.kind != Reception::file) return;
  const auto path = reception.folder / ("upload-" + crypto::random_hex(16) + ".partial");
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file_ < 0) fail(path, errno);
  request_.body_file = path;
}

BodySink::~BodySink() {
  if (file_ >= 0) ::close(file_);
}

void BodySink::add(std::string_view piece) {
  request_.body_bytes += piece.size();
  if (file_ < 0) {
    request_.body += piece;
    return;
  }
  digest_.add(piece);
  while (!piece.empty()) {
    const auto count = ::write(file_, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(request_.body_file, errno);
    piece.remove_prefix(static_cast<size_t>(count));
  }
}

void BodySink::finish() {
  if (file_ >= 0) request_.body_sha256 = digest_.finish();
}

}  // namespace http
