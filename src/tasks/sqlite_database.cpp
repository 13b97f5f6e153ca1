// SPDX-License-Identifier: Apache-2.0
#include "tasks/sqlite_database.h"

#include <cerrno>

#include <fcntl.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

namespace tasks {
namespace {

using base::Error;
using base::Fault;
using base::text;

// The first checks the sizes of cells as it reads them, which finds damage before it spreads.
constexpr auto kReaderPragmas =
    "PRAGMA cell_size_check = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA cache_size = -16384;";

// The log is moved into the file at every 16 MB of it: rarer moves are cheaper together, but hold
// up the commit that makes them for longer.
constexpr auto kWriterPragmas =
    "PRAGMA auto_vacuum = INCREMENTAL;"  // before there are tables
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA wal_autocheckpoint = 4000;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA cache_size = -65536;";

// 16 MB at a time.
constexpr auto kGiveBack = "PRAGMA incremental_vacuum(4096)";

// How long the writer waits for readers when it empties the log. It waits for nobody else.
constexpr int kWriterTimeoutMs = 200;

// Larger files are checked by whoever calls check(): a server must be up within seconds.
constexpr uintmax_t kCheckedAtStart = 64u << 20;

// SOCI splits its connect string at spaces and "=", so that the name goes in as a URI.
std::string uri_of(const std::filesystem::path& file) {
  constexpr std::string_view kPlain =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~/";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char character : file.string()) {
    if (kPlain.find(character) != std::string_view::npos) {
      uri += character;
      continue;
    }
    const auto byte = static_cast<unsigned char>(character);
    uri += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return uri;
}

sqlite_api::sqlite3* handle_of(Connection& connection) {
  return static_cast<soci::sqlite3_session_backend*>(connection.session().get_backend())->conn_;
}

std::unique_ptr<Connection> connect(const std::filesystem::path& file, const std::string& mode) {
  try {
    auto session = std::make_unique<soci::session>(
        soci::sqlite3, text("dbname=", uri_of(file), " timeout=10", mode));
    return std::make_unique<Connection>(Dialect::sqlite, std::move(session));
  } catch (const soci::soci_error& error) {
    throw Error(Fault::invalid, text(file.string(), ": ", error.get_error_message()));
  }
}

void execute(Connection& connection, const char* pragmas) {
  auto* handle = handle_of(connection);
  if (sqlite_api::sqlite3_exec(handle, pragmas, nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw Error(Fault::invalid,
                text(sqlite_api::sqlite3_db_filename(handle, "main"),
                     ": not usable as a database: ",
                     sqlite_api::sqlite3_errmsg(handle)));
  }
}

std::unique_ptr<Connection> connect_reader(const std::filesystem::path& file) {
  auto connection = connect(file, " readonly=true");
  execute(*connection, kReaderPragmas);
  return connection;
}

std::string quick_check(Connection& sql) {
  const auto [verdict] = sql.rows<std::string>("PRAGMA quick_check(1)").at(0);
  return verdict == "ok" ? "" : verdict;
}

// For its owner alone: it holds what callers sent. SQLite gives the files beside it the same
// rights.
void make_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor >= 0) ::close(descriptor);
}

std::unique_ptr<Connection> connect_writer(const std::filesystem::path& file) {
  make_file(file);
  auto connection = connect(file, "");
  sqlite_api::sqlite3_busy_timeout(handle_of(*connection), kWriterTimeoutMs);
  execute(*connection, kReaderPragmas);
  execute(*connection, kWriterPragmas);
  const auto [mode] = connection->rows<std::string>("PRAGMA journal_mode").at(0);
  if (mode != "wal") {
    throw Error(Fault::invalid, text(file.string(), ": SQLite's journal_mode stays ", mode));
  }
  sync_folder(file.parent_path());
  if (std::filesystem::file_size(file) <= kCheckedAtStart) {
    const auto damage = quick_check(*connection);
    if (!damage.empty()) throw Error(Fault::invalid, text(file.string(), ": damaged: ", damage));
  }
  return connection;
}

}  // namespace

SqliteDatabase::SqliteDatabase(const SqliteOptions& options, base::Clock clock)
    : clock_(std::move(clock)),
      steady_offset_(clock_.wall() - clock_.steady()),
      file_(std::filesystem::absolute(options.file)),
      lock_(file_),
      ballast_(file_, options.ballast_bytes, options.disk_floor_bytes),
      writer_(connect_writer(file_)),
      readers_(options.readers, [this] { return connect_reader(file_); }),
      group_commit_([this](GroupCommit::Batch batch) { write_batch(batch); }) {}

void SqliteDatabase::run_write(const WriteBody& body) {
  group_commit_.run(body);
}

void SqliteDatabase::run_read(const ReadBody& body) {
  refuse_if_failed();
  ConnectionPool::Loan reader(readers_);
  try {
    body(*reader);
  } catch (const DatabaseError& error) {
    reader.discard();
    note(error);
    throw_error(error);
  }
}

void SqliteDatabase::tidy() {
  group_commit_.run_alone([&] {
    refuse_if_failed();
    if (ballast_.is_there()) {
      checkpoint(SQLITE_CHECKPOINT_PASSIVE);
      return;
    }
    // Room for the ballast is made by giving back what deleted tasks and the log have taken.
    sqlite_api::sqlite3_exec(handle_of(*writer_), kGiveBack, nullptr, nullptr, nullptr);
    checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    ballast_.restore();
  });
}

std::string SqliteDatabase::check() {
  return read([](Connection& sql) { return quick_check(sql); });
}

void SqliteDatabase::write_batch(GroupCommit::Batch batch) {
  refuse_if_failed();
  try {
    try {
      try_batch(batch);
    } catch (const DatabaseError& error) {
      if (error.kind() != DatabaseError::Kind::full || !ballast_.release()) throw;
      try_batch(batch);
    }
  } catch (const DatabaseError& error) {
    note(error);
    throw_error(error);
  }
}

void SqliteDatabase::try_batch(GroupCommit::Batch batch) {
  writer_->run("BEGIN IMMEDIATE");
  try {
    const auto time = now();
    for (auto* job : batch) run_job(*job, time);
    writer_->run("COMMIT");
  } catch (...) {
    // Some errors have ended the transaction already.
    if (sqlite_api::sqlite3_get_autocommit(handle_of(*writer_)) == 0) writer_->run("ROLLBACK");
    throw;
  }
}

void SqliteDatabase::run_job(GroupCommit::Job& job, Now time) {
  job.error = nullptr;
  writer_->run("SAVEPOINT job");
  try {
    (*job.body)(*writer_, time);
  } catch (const DatabaseError& error) {
    // A full or failing disk concerns the whole batch.
    if (error.kind() != DatabaseError::Kind::other) throw;
    writer_->run("ROLLBACK TO job");
    job.error = std::make_exception_ptr(Error(Fault::internal, "internal error", error.what()));
  } catch (...) {
    writer_->run("ROLLBACK TO job");
    job.error = std::current_exception();
  }
  writer_->run("RELEASE job");
}

// That there is no room for it, or a reader in the way, is no matter: the log stays as it is.
void SqliteDatabase::checkpoint(int mode) {
  auto* handle = handle_of(*writer_);
  const int code =
      sqlite_api::sqlite3_wal_checkpoint_v2(handle, "main", mode, nullptr, nullptr) & 0xff;
  const bool is_full = sqlite_api::sqlite3_system_errno(handle) == ENOSPC;
  if (code == SQLITE_CORRUPT || (code == SQLITE_IOERR && !is_full)) has_failed_ = true;
}

Now SqliteDatabase::now() const {
  return {.wall = clock_.wall(), .steady = clock_.steady() + steady_offset_};
}

void SqliteDatabase::note(const DatabaseError& error) {
  if (error.kind() == DatabaseError::Kind::damaged) has_failed_ = true;
}

void SqliteDatabase::refuse_if_failed() const {
  if (has_failed_) {
    throw Error(Fault::internal, "internal error", "the database's disk has failed");
  }
}

}  // namespace tasks
