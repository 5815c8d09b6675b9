#include "common/service_manager.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace consilium {
namespace {

constexpr std::size_t kLongestLine = 500;

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::optional<std::int64_t> NumberIn(const char* name) {
  const std::string text = Variable(name);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

/// A path, or a name in the abstract namespace, which begins with '@' in the variable and with a
/// null byte in the address. Anything else (a vsock, say) is not spoken.
bool IsAddress(const std::string& text) {
  return text.size() >= 2 && text.size() < sizeof(sockaddr_un::sun_path) &&
         (text.front() == '/' || text.front() == '@');
}

}  // namespace

ServiceManager ServiceManager::FromEnvironment() {
  ServiceManager manager;
  std::string address = Variable("NOTIFY_SOCKET");
  if (!IsAddress(address)) return manager;
  if (address.front() == '@') address.front() = '\0';
  manager.socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!manager.socket_.valid()) return manager;
  manager.address_ = std::move(address);
  const std::optional<std::int64_t> watched = NumberIn("WATCHDOG_PID");
  const std::optional<std::int64_t> microseconds = NumberIn("WATCHDOG_USEC");
  if (microseconds && *microseconds > 0 && (!watched || *watched == ::getpid())) {
    manager.ping_every_ = Duration(std::max<std::int64_t>(1, *microseconds / 2'000));
  }
  return manager;
}

void ServiceManager::Say(std::string_view sentence) const {
  std::string_view part = sentence.substr(0, kLongestLine);
  // A sentence that is cut ends with a whole character: systemd takes valid UTF-8 only.
  const auto continues = [&](std::size_t i) {
    return i < sentence.size() && (static_cast<unsigned char>(sentence[i]) & 0xc0U) == 0x80U;
  };
  while (!part.empty() && continues(part.size())) part.remove_suffix(1);
  std::string line = "STATUS=" + std::string(part);
  // A line break would begin another field.
  std::replace(line.begin(), line.end(), '\n', ' ');
  Send(line);
}

void ServiceManager::Ping(Instant now) {
  if (ping_every_ == Duration(0) || (next_ping_ && now < *next_ping_)) return;
  next_ping_ = now + ping_every_;
  Send("WATCHDOG=1");
}

std::optional<Instant> ServiceManager::next_ping() const {
  if (ping_every_ == Duration(0)) return std::nullopt;
  return next_ping_.value_or(Instant{0});
}

std::optional<Duration> ServiceManager::Limit(std::optional<Duration> wait, Instant now) const {
  const std::optional<Instant> ping = next_ping();
  if (!ping) return wait;
  const Duration until = std::max(Duration(1), *ping - now);
  return wait ? std::min(*wait, until) : until;
}

void ServiceManager::Send(std::string_view message) const {
  if (address_.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(address_.begin(), address_.end(), address.sun_path);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  // A manager that does not listen is its own trouble; the service goes on.
  [[maybe_unused]] const ssize_t sent =
      ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace consilium
