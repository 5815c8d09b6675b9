#include "tests/support/postgresql_server.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace consilium {
namespace {

/// The newest version's programs; "" if there are none.
std::filesystem::path Programs() {
  std::filesystem::path newest;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    if (std::filesystem::exists(entry.path() / "bin" / "initdb", error) &&
        entry.path() / "bin" > newest) {
      newest = entry.path() / "bin";
    }
  }
  return newest;
}

const passwd* Account() { return ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr; }

/// Starts a program without output, as another user if this one is root.
pid_t Start(const std::vector<std::string>& words, const std::filesystem::path& log) {
  const passwd* account = Account();
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (account != nullptr) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(account->pw_gid) != 0 ||
        ::setuid(account->pw_uid) != 0) {
      ::_exit(126);
    }
  }
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

std::uint16_t FreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

std::string Content(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

bool PostgresqlServer::IsInstalled() { return !Programs().empty(); }

PostgresqlServer::PostgresqlServer() : port_(FreePort()) {
  std::string pattern = ::testing::TempDir() + "consilium_pg_XXXXXX";
  EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  const std::filesystem::path cluster = folder_ / "cluster";
  const std::filesystem::path secret = folder_ / "password";
  std::ofstream(secret) << password() << "\n";
  if (const passwd* account = Account()) {
    EXPECT_EQ(::chown(folder_.c_str(), account->pw_uid, account->pw_gid), 0);
    EXPECT_EQ(::chown(secret.c_str(), account->pw_uid, account->pw_gid), 0);
  }
  const std::filesystem::path log = folder_ / "log";
  const pid_t maker = Start({Programs() / "initdb", "-D", cluster, "-U", user(), "-A",
                             "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--locale=C", "-N"},
                            log);
  int status = 0;
  ::waitpid(maker, &status, 0);
  EXPECT_EQ(status, 0) << Content(log);
  process_ = Start({Programs() / "postgres", "-D", cluster, "-p", std::to_string(port_), "-c",
                    "listen_addresses=127.0.0.1", "-c",
                    "unix_socket_directories=" + folder_.string(), "-c", "fsync=off"},
                   log);
  const std::string address = "host=127.0.0.1 port=" + std::to_string(port_);
  PGPing ready = PQPING_NO_RESPONSE;
  for (int attempt = 0; attempt < 600 && ready != PQPING_OK; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ready = PQping(address.c_str());
  }
  EXPECT_EQ(ready, PQPING_OK) << Content(log);
}

PostgresqlServer::~PostgresqlServer() {
  if (process_ > 0) {
    ::kill(process_, SIGQUIT);
    ::waitpid(process_, nullptr, 0);
  }
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

void PostgresqlServer::Run(const std::string& statements) const {
  const std::string address = "host=127.0.0.1 port=" + std::to_string(port_) + " user=" + user() +
                              " dbname=" + database() + " password='" + password() + "'";
  PGconn* connection = PQconnectdb(address.c_str());
  ASSERT_EQ(PQstatus(connection), CONNECTION_OK) << PQerrorMessage(connection);
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  PGresult* done = PQexec(connection, statements.c_str());
  const ExecStatusType status = PQresultStatus(done);
  EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
      << PQerrorMessage(connection);
  PQclear(done);
  PQfinish(connection);
}

}  // namespace consilium
