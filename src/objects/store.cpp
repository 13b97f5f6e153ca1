// SPDX-License-Identifier: Apache-2.0
#include "objects/store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "objects/label.h"
#include "objects/media_type.h"

namespace objects {
namespace {

namespace fs = std::filesystem;
using base::text;

constexpr size_t kIdBytes = 16;
constexpr size_t kTenantDigits = 16;
constexpr size_t kMaxAbout = 16 << 10;

[[noreturn]] void refuse_folder(const fs::path& folder, int reason) {
  throw base::Error(base::Fault::invalid,
                    text(folder.string(), ": cannot keep files here: ", std::strerror(reason)));
}

// With the folders above it, for good. One that was there already keeps its mode: it may have been
// given to others on purpose.
void make_root(const fs::path& folder, const Disk& disk) {
  if (fs::exists(folder)) return;
  make_root(folder.parent_path(), disk);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) refuse_folder(folder, errno);
  sync_folder(folder.parent_path(), disk);
}

void make_private(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) refuse_folder(folder, errno);
  if (::chmod(folder.c_str(), 0700) != 0) refuse_folder(folder, errno);
}

// Held as long as the descriptor is open, whatever becomes of the process.
int lock_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) refuse_folder(folder, errno);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    throw base::Error(base::Fault::conflict,
                      text(folder.string(), ": another process keeps its files here"));
  }
  return descriptor;
}

struct statvfs disk_of(const fs::path& folder) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) throw_disk_error("ask for the room of", folder);
  return disk;
}

fs::path path_of(const ResultName& name) {
  check_path_part(name.task, "task");
  check_path_part(name.name, "file name");
  if (name.attempt < 1) {
    throw base::Error(base::Fault::invalid,
                      text("attempt: ", name.attempt, " is not a number from 1 on"));
  }
  return fs::path(name.task) / std::to_string(name.attempt) / name.name;
}

[[noreturn]] void throw_no_upload() {
  throw base::Error(base::Fault::not_found,
                    "there is no such upload; uploads are kept for a limited time");
}

// Named by its digest: of two senders of one upload neither writes over the other's file.
fs::path content_path(const fs::path& folder, const Upload& upload) {
  return folder / text(upload.content.sha256, extension_of(upload.media_type));
}

std::string head_of(const fs::path& file) {
  char head[64] = {};
  std::ifstream in(file, std::ios::binary);
  in.read(head, sizeof head);
  return {head, static_cast<size_t>(in.gcount())};
}

base::Json about(const Upload& upload) {
  return {{"name", upload.name},
          {"media_type", upload.media_type},
          {"bytes", upload.content.bytes},
          {"sha256", upload.content.sha256},
          {"created", upload.created},
          {"expires", upload.expires}};
}

Upload read_about(const std::string& id, const fs::path& folder) {
  const auto json = base::read_json(folder / kAboutUpload, {.depth = 2, .bytes = kMaxAbout});
  Upload upload{.id = id,
                .tenant = id.substr(0, kTenantDigits),
                .name = json.at("name"),
                .media_type = json.at("media_type"),
                .content = {.bytes = json.at("bytes"), .sha256 = json.at("sha256")},
                .created = json.at("created"),
                .expires = json.at("expires")};
  upload.path = content_path(folder, upload);
  return upload;
}

}  // namespace

Store::Store(Options options, base::Clock clock, Disk disk)
    : options_(std::move(options)), clock_(std::move(clock)), disk_(std::move(disk)) {
  disk_.sync = [this, sync = disk_.sync](int descriptor) { return note_failure(sync(descriptor)); };
  options_.folder = fs::absolute(options_.folder).lexically_normal();
  const auto& root = options_.folder;
  make_root(root, disk_);
  for (const auto* folder : {"tmp", "out", "uploads"}) make_private(root / folder);
  lock_ = lock_folder(root / "tmp");
  try {
    for (const auto& left : fs::directory_iterator(root / "tmp")) fs::remove_all(left);
    sync_folder(root, disk_);
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

Store::~Store() {
  ::close(lock_);
}

uint64_t Store::room_left() const {
  const auto disk = disk_of(options_.folder);
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  const auto kept = floor();
  return free > kept ? free - kept : 0;
}

uint64_t Store::floor() const {
  if (options_.floor) return *options_.floor;
  const auto disk = disk_of(options_.folder);
  return default_floor(uint64_t{disk.f_blocks} * disk.f_frsize);
}

std::unique_ptr<Writer> Store::begin(uint64_t max_bytes) const {
  const auto name = crypto::random_hex(kIdBytes);
  return std::make_unique<Writer>(options_.folder / "tmp" / name, max_bytes);
}

void Store::publish_result(const Received& received, const ResultName& name) {
  const auto out = options_.folder / "out";
  publish(received.file, out / path_of(name), out);
}

std::string Store::new_upload_id(std::string_view tenant) {
  return tenant_hash(tenant) + crypto::random_hex(kIdBytes);
}

// about.json comes last: an upload exists from then on.
Upload Store::publish_upload(const Received& received,
                             const std::string& id,
                             std::string_view name) {
  const auto folder = folder_of(id);
  if (fs::exists(folder / kAboutUpload)) {
    throw base::Error(base::Fault::conflict, "this upload has been made already");
  }
  const auto now = clock_.wall();
  Upload upload{.id = id,
                .tenant = id.substr(0, kTenantDigits),
                .name = label(name),
                .media_type = std::string(media_type_of(head_of(received.file))),
                .content = received.content,
                .created = now,
                .expires = now + std::chrono::milliseconds(options_.upload_retention).count()};
  upload.path = content_path(folder, upload);
  const auto uploads = options_.folder / "uploads";
  publish(received.file, upload.path, uploads);
  const auto description = begin(kMaxAbout);
  description->write(about(upload).dump(2) + "\n");
  publish(description->finish().file, folder / kAboutUpload, uploads);
  return upload;
}

File Store::open_result(const ResultName& name) const {
  const auto file = options_.folder / "out" / path_of(name);
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    throw base::Error(base::Fault::not_found, "there is no such file");
  }
  return {.path = file, .bytes = static_cast<uint64_t>(status.st_size)};
}

Upload Store::find_upload(const std::string& id) const {
  const auto folder = folder_of(id);
  if (!fs::exists(folder / kAboutUpload)) throw_no_upload();
  auto upload = read_about(id, folder);
  if (clock_.wall() >= upload.expires) throw_no_upload();
  return upload;
}

void Store::publish(const fs::path& temporary, const fs::path& file, const fs::path& root) {
  if (has_failed_) {
    throw base::Error(base::Fault::internal, "internal error", "the disk has failed before");
  }
  durable_publish(temporary, file, root, disk_);
}

// A full disk is none: what could not be written was not there before either.
int Store::note_failure(int sync_result) {
  if (sync_result != 0 && errno != ENOSPC && errno != EDQUOT) has_failed_ = true;
  return sync_result;
}

fs::path Store::folder_of(const std::string& upload_id) const {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (upload_id.size() != kTenantDigits + 2 * kIdBytes ||
      upload_id.find_first_not_of(kHex) != std::string::npos) {
    throw_no_upload();
  }
  return options_.folder / "uploads" / upload_id.substr(0, kTenantDigits) /
         upload_id.substr(kTenantDigits);
}

std::string tenant_hash(std::string_view tenant) {
  return crypto::sha256_hex(tenant).substr(0, kTenantDigits);
}

uint64_t default_floor(uint64_t disk_bytes) {
  constexpr uint64_t kLeast = 10'000'000'000;
  return std::min(std::max(disk_bytes / 20, kLeast), disk_bytes / 10);
}

}  // namespace objects
