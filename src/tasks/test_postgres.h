// SPDX-License-Identifier: Apache-2.0
// For tests: a PostgreSQL server of their own, out of Debian's programs, with its data in a
// temporary folder and reached through a Unix socket there. It ends with the test program. Where
// the tests run as root, which PostgreSQL refuses to, it runs as the user postgres.
#pragma once

#include <csignal>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

namespace tasks::test {

class PostgresServer {
 public:
  enum class Fsync { off, on };

  // The server of this program, started when first asked for. Nothing where PostgreSQL is not
  // installed, or there is only root to run it.
  static PostgresServer* get() {
    static const auto server = make("/dev/shm", Fsync::off);
    return server.get();
  }

  static std::unique_ptr<PostgresServer> make(const std::filesystem::path& place, Fsync fsync) {
    if (::geteuid() == 0 && ::getpwnam("postgres") == nullptr) return nullptr;
    for (const auto* version : {"15", "16", "17", "18"}) {
      const auto programs = std::filesystem::path("/usr/lib/postgresql") / version / "bin";
      if (!std::filesystem::exists(programs / "initdb")) continue;
      return std::unique_ptr<PostgresServer>(new PostgresServer(programs, place, fsync));
    }
    return nullptr;
  }

  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() {
    stop();
    std::filesystem::remove_all(folder_);
  }

  const std::filesystem::path& folder() const { return folder_; }
  std::string url() const { return "postgres://postgres@/postgres?host=" + folder_.string(); }

  // The URL of an empty schema.
  std::string new_schema() {
    const auto name = base::text("test_", ++schemas_);
    execute("CREATE SCHEMA " + name);
    return url() + "&options=-csearch_path%3D" + name;
  }

  // Runs a statement and returns the first value of its result, if there is one.
  std::string execute(const std::string& statement) const {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(url().c_str()),
                                                                PQfinish);
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
        PQexec(connection.get(), statement.c_str()), PQclear);
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(PQerrorMessage(connection.get()));
    }
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

  // As in a crash: connections break, nothing is flushed.
  void stop() {
    if (process_ <= 0) return;
    ::kill(process_, SIGQUIT);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }

  void start() {
    process_ = spawn({programs_ / "postgres",
                      "-D",
                      folder_ / "data",
                      "-k",
                      folder_,
                      "-clisten_addresses=",
                      fsync_ == Fsync::on ? "-cfsync=on" : "-cfsync=off",
                      "-cshared_buffers=256MB",
                      "-cmax_wal_size=4GB"});
    while (PQping(url().c_str()) != PQPING_OK) {
      if (::waitpid(process_, nullptr, WNOHANG) != 0) {
        throw std::runtime_error("PostgreSQL does not start: see " + (folder_ / "log").string());
      }
      ::usleep(10'000);
    }
  }

 private:
  PostgresServer(std::filesystem::path programs, const std::filesystem::path& place, Fsync fsync)
      : programs_(std::move(programs)), fsync_(fsync) {
    auto pattern = (place / "tasks_postgres_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    if (::geteuid() == 0) {
      const auto* user = ::getpwnam("postgres");
      if (::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0) {
        throw std::runtime_error("chown failed");
      }
    }
    const auto initdb = spawn(
        {programs_ / "initdb", "-D", folder_ / "data", "-U", "postgres", "-A", "trust", "-N"});
    int status = 0;
    ::waitpid(initdb, &status, 0);
    if (status != 0) throw std::runtime_error("initdb failed");
    start();
  }

  // Its output goes to the log; it is ended when this program ends.
  pid_t spawn(const std::vector<std::string>& command) const {
    std::vector<char*> arguments;
    for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const auto log = folder_ / "log";
    const auto* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
    const auto child = ::fork();
    if (child != 0) return child;
    if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 ||
                            ::setuid(user->pw_uid) != 0)) {
      ::_exit(1);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::chdir("/");
    ::execv(arguments[0], arguments.data());
    ::_exit(1);
  }

  std::filesystem::path programs_;
  std::filesystem::path folder_;
  Fsync fsync_;
  pid_t process_ = 0;
  int schemas_ = 0;
};

}  // namespace tasks::test
