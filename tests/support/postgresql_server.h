#pragma once

// A PostgreSQL server of a test's own, on a free port and in a temporary folder.

#include <cstdint>
#include <filesystem>
#include <string>

#include <sys/types.h>

namespace consilium {

class PostgresqlServer {
 public:
  /// True where Debian's package postgresql is installed.
  static bool IsInstalled();

  /// Makes a cluster with one user who has a password, and starts it. As root it runs under the
  /// account that the package made, since the server refuses root.
  PostgresqlServer();
  ~PostgresqlServer();
  PostgresqlServer(const PostgresqlServer&) = delete;
  PostgresqlServer& operator=(const PostgresqlServer&) = delete;

  std::uint16_t port() const { return port_; }
  static const char* user() { return "tester"; }
  static const char* password() { return "not a real secret"; }
  static const char* database() { return "postgres"; }

  /// Runs the statements; a failure fails the test.
  void Run(const std::string& statements) const;

 private:
  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace consilium
