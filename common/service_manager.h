#pragma once

// What a service manager is told: that the service is ready, what it does, that it lives. The
// protocol is systemd's sd_notify(3), one datagram a message; libsystemd is not needed for that.
// Where no manager asks for it nothing is sent.

#include <optional>
#include <string>
#include <string_view>

#include "common/file_descriptor.h"
#include "common/time.h"

namespace consilium {

class ServiceManager {
 public:
  /// Nobody is told anything.
  ServiceManager() = default;
  /// The manager that NOTIFY_SOCKET names, if any, and the watchdog that WATCHDOG_USEC and
  /// WATCHDOG_PID ask for. A name that makes no sense is as good as none: a service runs without
  /// its manager, too.
  static ServiceManager FromEnvironment();

  void Ready() const { Send("READY=1"); }
  void Stopping() const { Send("STOPPING=1"); }
  /// What `systemctl status` shows: one line.
  void Say(std::string_view sentence) const;

  /// Says that the service lives, twice in each of the watchdog's intervals; call it whenever the
  /// loop that must not hang has come round.
  void Ping(Instant now);
  /// When Ping() wants to be called next at the latest; none without a watchdog.
  std::optional<Instant> next_ping() const;
  /// `wait` (none: for ever), or less of it, so that the next ping is in time.
  std::optional<Duration> Limit(std::optional<Duration> wait, Instant now) const;

 private:
  void Send(std::string_view message) const;

  std::string address_;  ///< Of an AF_UNIX socket, as sun_path has it; empty: nobody.
  FileDescriptor socket_;
  Duration ping_every_{0};  ///< 0: no watchdog.
  std::optional<Instant> next_ping_;
};

}  // namespace consilium
