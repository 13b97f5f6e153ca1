// SPDX-License-Identifier: Apache-2.0
// What is PostgreSQL's alone: connections that break, and a clock of its own.
#include "tasks/postgres_database.h"

#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tasks/test_store.h"

namespace tasks {
namespace {

// Stands between one client at a time and the server, and breaks the connection when a COMMIT
// passes by, as often as it is told to.
class Proxy {
 public:
  enum class Cut { before_the_commit, after_the_commit };

  explicit Proxy(const std::filesystem::path& server) : server_(server) {
    const auto name = folder_.path() / ".s.PGSQL.5432";
    listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const auto address = address_of(name);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_, 8);
    thread_ = std::jthread([this] { serve(); });
  }
  ~Proxy() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  void cut_next(Cut cut, int times = 1) {
    cut_ = cut;
    cuts_left_ = times;
  }
  int cuts_left() const { return cuts_left_; }

  // The server's URL, by way of this.
  std::string redirect(std::string url) const {
    const auto at = url.find(server_.string());
    return url.replace(at, server_.string().size(), folder_.path().string());
  }

 private:
  static sockaddr_un address_of(const std::filesystem::path& name) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    name.string().copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }

  void serve() {
    for (int client = ::accept(listener_, nullptr, nullptr); client >= 0;
         client = ::accept(listener_, nullptr, nullptr)) {
      const int server = ::socket(AF_UNIX, SOCK_STREAM, 0);
      const auto address = address_of(server_ / ".s.PGSQL.5432");
      ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
      while (pass(client, server)) {
      }
      ::close(client);
      ::close(server);
    }
  }

  // Moves what has come from either side; false when the connection is over.
  bool pass(int client, int server) {
    pollfd both[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    ::poll(both, 2, -1);
    std::string bytes(65536, '\0');
    if (both[1].revents != 0) return move(server, client, bytes) > 0;
    const auto count = ::recv(client, bytes.data(), bytes.size(), 0);
    if (count <= 0) return false;
    bytes.resize(static_cast<size_t>(count));
    const bool is_cut = bytes.find("COMMIT") != std::string::npos && cuts_left_ > 0;
    if (is_cut) --cuts_left_;
    if (is_cut && cut_ == Cut::before_the_commit) return false;
    ::send(server, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (!is_cut) return true;
    ::recv(server, bytes.data(), bytes.size(), 0);  // the answer, which nobody hears
    return false;
  }

  static ssize_t move(int from, int to, std::string& bytes) {
    const auto count = ::recv(from, bytes.data(), bytes.size(), 0);
    if (count > 0) ::send(to, bytes.data(), static_cast<size_t>(count), MSG_NOSIGNAL);
    return count;
  }

  test::Folder folder_;
  std::filesystem::path server_;
  int listener_ = -1;
  std::atomic<Cut> cut_ = Cut::before_the_commit;
  std::atomic<int> cuts_left_ = 0;
  std::jthread thread_;
};

class Postgres : public test::StoreTest {
 protected:
  test::PostgresServer& server() { return *test::PostgresServer::get(); }
};
INSTANTIATE_TEST_SUITE_P(On, Postgres, testing::Values("postgres"), test::database_name);

TEST_P(Postgres, LearnsThatACommitWhoseAnswerIsLostHasHappened) {
  Proxy proxy(server().folder());
  options_.connections = 1;
  const auto store = Store::open(proxy.redirect(url_), time_.clock(), options_);
  for (int i = 0; i < 10; ++i) {
    proxy.cut_next(Proxy::Cut::after_the_commit);
    EXPECT_EQ(state_of(store->create(request(), {}).task.id), State::created);
    EXPECT_EQ(proxy.cuts_left(), 0);
  }
  EXPECT_EQ(store->list("acme", {}).total, 10);
}

TEST_P(Postgres, RunsATransactionAgainWhoseCommitDidNotArrive) {
  Proxy proxy(server().folder());
  options_.connections = 1;
  const auto store = Store::open(proxy.redirect(url_), time_.clock(), options_);
  for (int i = 0; i < 10; ++i) {
    proxy.cut_next(Proxy::Cut::before_the_commit);
    EXPECT_EQ(state_of(store->create(request(), {}).task.id), State::created);
    EXPECT_EQ(proxy.cuts_left(), 0);
  }
  EXPECT_EQ(store->list("acme", {}).total, 10);
}

TEST_P(Postgres, ChargesOnceWhateverBreaks) {
  Proxy proxy(server().folder());
  options_.connections = 1;
  const auto store = Store::open(proxy.redirect(url_), time_.clock(), options_);
  for (const auto cut : {Proxy::Cut::before_the_commit, Proxy::Cut::after_the_commit}) {
    store->create(request(), {});
    proxy.cut_next(cut);
    const auto claimed = store->claim("worker-1", {"wan2.2"});
    ASSERT_TRUE(claimed);
    EXPECT_EQ(claimed->lease.attempt, 1);
    proxy.cut_next(cut);
    EXPECT_EQ(store->finish(claimed->lease, result()), State::completed);
  }
  EXPECT_EQ(store->balance("acme"), -300);
}

TEST_P(Postgres, GivesUpWhenEveryConnectionBreaks) {
  Proxy proxy(server().folder());
  options_.connections = 1;
  const auto store = Store::open(proxy.redirect(url_), time_.clock(), options_);
  proxy.cut_next(Proxy::Cut::before_the_commit, 1000);
  EXPECT_EQ(test::fault_of([&] { store->create(request(), {}); }), base::Fault::upstream);
  proxy.cut_next(Proxy::Cut::before_the_commit, 0);
  EXPECT_EQ(store->list("acme", {}).total, 0);
}

TEST_P(Postgres, GoesOnAfterTheServerHasCrashed) {
  const auto claimed = start();
  server().stop();
  EXPECT_EQ(test::fault_of([&] { submit(); }), base::Fault::upstream);
  EXPECT_EQ(test::fault_of([&] { task(claimed.task.id); }), base::Fault::upstream);
  server().start();
  time_.advance(1000);
  EXPECT_EQ(store().finish(claimed.lease, result()), State::completed);
  EXPECT_EQ(state_of(claimed.task.id), State::completed);
}

TEST_P(Postgres, TakesItsDeadlinesFromTheDatabase) {
  options_.use_clock_of_database = true;
  options_.lease_ms = 0;
  reopen();
  time_.wall_ms = 0;
  time_.steady_ms = 0;
  const auto now =
      std::stoll(server().execute("SELECT (extract(epoch FROM now()) * 1000)::bigint"));
  const auto claimed = start();
  EXPECT_GE(claimed.task.created_at, now);
  EXPECT_LT(claimed.task.created_at, now + 60'000);
  EXPECT_EQ(store().rescue().size(), 1u);
}

TEST_P(Postgres, BoundsEveryWait) {
  PostgresDatabase database(url_, 1, time_.clock(), PostgresDatabase::TimeOf::database);
  const auto setting = [&](const char* name) {
    return database.read([&](Connection& sql) {
      return std::get<0>(sql.rows<std::string>(std::string("SHOW ") + name).at(0));
    });
  };
  EXPECT_EQ(setting("synchronous_commit"), "on");
  EXPECT_EQ(setting("statement_timeout"), "20s");
  EXPECT_EQ(setting("lock_timeout"), "5s");
  EXPECT_EQ(setting("idle_in_transaction_session_timeout"), "20s");
  EXPECT_EQ(setting("application_name"), "zoetrope");
}

TEST_P(Postgres, RefusesAUrlWithWhiteSpace) {
  EXPECT_EQ(test::fault_of([&] { Store::open("postgres://host/a b", time_.clock()); }),
            base::Fault::invalid);
}

}  // namespace
}  // namespace tasks
