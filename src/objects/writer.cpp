// SPDX-License-Identifier: Apache-2.0
#include "objects/writer.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "objects/durable.h"

namespace objects {

Writer::Writer(const std::filesystem::path& file, uint64_t max_bytes)
    : file_(file),
      max_bytes_(max_bytes),
      descriptor_(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0) throw_disk_error("create", file_);
}

Writer::~Writer() {
  ::close(descriptor_);
  ::unlink(file_.c_str());  // gone already where it was published
}

void Writer::write(std::string_view bytes) {
  if (bytes.size() > max_bytes_ - content_.bytes) {
    throw base::Error(base::Fault::invalid,
                      base::text("the file is larger than ", max_bytes_, " bytes"));
  }
  digest_.add(bytes);
  content_.bytes += bytes.size();
  while (!bytes.empty()) {
    const auto written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_disk_error("write", file_);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

Received Writer::finish() {
  content_.sha256 = digest_.finish();
  return {.file = file_, .content = content_};
}

}  // namespace objects
