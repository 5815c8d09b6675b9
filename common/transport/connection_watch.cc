#include "common/transport/connection_watch.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/bytes.h"
#include "common/runtime_clock.h"
#include "common/transport/signal_free_thread.h"
#include "common/transport/zmq_support.h"

namespace consilium {
namespace {

/// A flood comes with up to 1 GB/s, so few connections are looked at often, and many, of which each
/// look costs a system call, less so.
constexpr std::size_t kFewestMilliseconds = 10;
constexpr std::size_t kMostMilliseconds = 100;
constexpr std::size_t kConnectionsPerMillisecond = 10;
/// So many are looked at each time.
constexpr std::size_t kFewConnections = 1'000;
constexpr Duration kLongestBetweenLooks{1'000};
constexpr std::uint64_t kGrowthToLookAt = 8U << 20;
constexpr std::size_t kMostEventsKept = 1'024;
/// On the wire a message is longer than its payload: CURVE's 33 bytes and a frame header of up
/// to 9.
constexpr std::size_t kBytesAround = kCurveOverhead + 9;

std::uint64_t CookieOf(int descriptor) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
  return cookie;
}

std::uint64_t BytesReceived(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_received;
}

}  // namespace

bool LookSchedule::Due(std::size_t connections, std::uint64_t resident_bytes, Instant now) {
  // Memory that was given back may be filled again.
  resident_then_ = std::min(resident_then_, resident_bytes);
  const bool due = connections <= kFewConnections || now - last_ >= kLongestBetweenLooks ||
                   resident_bytes - resident_then_ >= kGrowthToLookAt;
  if (due) {
    last_ = now;
    resident_then_ = resident_bytes;
  }
  return due;
}

ConnectionWatch::ConnectionWatch(
    zmq::socket_t& watched, zmq::socket_t monitor, Waker stop, Waker news, std::uint64_t most_held)
    : watched_(watched),
      monitor_(std::move(monitor)),
      stop_(std::move(stop)),
      news_(std::move(news)),
      most_held_(most_held),
      memory_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {}

Result<std::unique_ptr<ConnectionWatch>> ConnectionWatch::Start(zmq::context_t& context,
                                                                zmq::socket_t& socket,
                                                                std::uint64_t most_held) {
  TRY(Waker stop, Waker::Create());
  TRY(Waker news, Waker::Create());
  try {
    // The socket's address is unique among the open sockets of the process.
    const std::string address =
        "inproc://watch-" + std::to_string(reinterpret_cast<std::uintptr_t>(socket.handle()));
    if (zmq_socket_monitor(socket.handle(), address.c_str(), ZMQ_EVENT_ALL) != 0) {
      throw zmq::error_t();
    }
    zmq::socket_t monitor(context, zmq::socket_type::pair);
    monitor.set(zmq::sockopt::linger, 0);
    // The other end blocks the input/output thread when this one is full.
    monitor.set(zmq::sockopt::rcvhwm, 0);
    monitor.connect(address);
    std::unique_ptr<ConnectionWatch> watch(new ConnectionWatch(
        socket, std::move(monitor), std::move(stop), std::move(news), most_held));
    ConnectionWatch* const self = watch.get();
    watch->thread_ = StartWithoutSignals([self] { self->Run(); });
    return watch;
  } catch (const zmq::error_t& error) {
    zmq_socket_monitor(socket.handle(), nullptr, 0);
    return FailInTransport("watch the connections", error);
  }
}

ConnectionWatch::~ConnectionWatch() {
  // In this order: an event sent to a monitor that is gone would block the input/output thread.
  zmq_socket_monitor(watched_.handle(), nullptr, 0);
  stop_.Wake();
  thread_.join();
}

void ConnectionWatch::Run() {
  std::vector<PollWait> waits;
  stop_.AppendWaits(waits);
  try {
    while (true) {
      zmq_pollitem_t items[] = {{monitor_.handle(), 0, ZMQ_POLLIN, 0},
                                {nullptr, waits.front().descriptor, ZMQ_POLLIN, 0}};
      const std::size_t open = open_connections();
      const int timeout =
          open == 0 ? -1
                    : static_cast<int>(std::clamp(open / kConnectionsPerMillisecond,
                                                  kFewestMilliseconds, kMostMilliseconds));
      if (zmq_poll(items, 2, timeout) < 0 && zmq_errno() != EINTR) break;
      if (items[1].revents != 0) break;
      if (items[0].revents != 0) ReadEvents();
      if (LooksNow()) CutFlooders();
    }
  } catch (const zmq::error_t&) {
    // Only when the context is going: then the connections go too.
  }
  monitor_.close();
}

void ConnectionWatch::ReadEvents() {
  zmq::message_t head;
  zmq::message_t address;
  while (monitor_.recv(head, zmq::recv_flags::dontwait)) {
    if (head.more()) static_cast<void>(monitor_.recv(address));
    WatchedEvent event;
    if (head.size() != sizeof event.kind + sizeof event.value) continue;
    std::memcpy(&event.kind, head.data(), sizeof event.kind);
    std::memcpy(&event.value, head.data<char>() + sizeof event.kind, sizeof event.value);
    const int descriptor = static_cast<int>(event.value);
    const std::lock_guard lock(mutex_);
    if (event.kind == ZMQ_EVENT_ACCEPTED || event.kind == ZMQ_EVENT_CONNECTED) {
      connections_[descriptor] = Connection{CookieOf(descriptor), 0, {}};
    } else if (event.kind == ZMQ_EVENT_DISCONNECTED || event.kind == ZMQ_EVENT_CLOSED) {
      connections_.erase(descriptor);
    }
    if (events_.size() == kMostEventsKept) events_.pop_front();
    events_.push_back(event);
    news_.Wake();
  }
}

/// Where memory cannot be asked for, always.
bool ConnectionWatch::LooksNow() {
  std::array<char, 128> text{};
  const ssize_t count = ::pread(memory_.get(), text.data(), text.size() - 1, 0);
  unsigned long long pages = 0;  // The second number is what is resident.
  if (count <= 0 || std::sscanf(text.data(), "%*u %llu", &pages) != 1) return true;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return schedule_.Due(open_connections(), page * pages, ReadClocks().monotonic);
}

void ConnectionWatch::CutFlooders() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::uint64_t, int>> held;
  std::uint64_t in_all = 0;
  for (const auto& [descriptor, connection] : connections_) {
    const std::uint64_t received = BytesReceived(descriptor);
    if (received <= connection.delivered) continue;
    held.emplace_back(received - connection.delivered, descriptor);
    in_all += held.back().first;
  }
  // The bound is that of all together, for one peer may have many connections. An honest one has
  // little on its way and is spared, unless that is how it all adds up.
  std::sort(held.rbegin(), held.rend());
  for (const auto& [bytes, descriptor] : held) {
    const bool little = bytes < most_held_ / 32 && in_all <= most_held_ + most_held_ / 2;
    if (in_all <= most_held_ || little) break;
    ++cut_for_flooding_;
    CutIfSame(descriptor, connections_.at(descriptor));
    in_all -= bytes;
  }
}

void ConnectionWatch::CutIfSame(int descriptor, const Connection& connection) {
  if (connection.cookie != 0 && CookieOf(descriptor) == connection.cookie) {
    ::shutdown(descriptor, SHUT_RDWR);
  }
}

void ConnectionWatch::NoteDelivery(int descriptor, const TransportKey* key, std::size_t bytes) {
  if (descriptor < 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(descriptor);
  if (found == connections_.end()) return;
  found->second.delivered += bytes + kBytesAround;
  if (key != nullptr) found->second.keys.insert(*key);
}

void ConnectionWatch::Cut(int descriptor) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(descriptor);
  if (found != connections_.end()) CutIfSame(descriptor, found->second);
}

void ConnectionWatch::CutKey(const TransportKey& key) {
  const std::lock_guard lock(mutex_);
  for (const auto& [descriptor, connection] : connections_) {
    if (connection.keys.empty() || connection.keys.contains(key)) CutIfSame(descriptor, connection);
  }
}

std::optional<WatchedEvent> ConnectionWatch::NextEvent() {
  news_.Clear();
  const std::lock_guard lock(mutex_);
  if (events_.empty()) return std::nullopt;
  const WatchedEvent event = events_.front();
  events_.pop_front();
  if (!events_.empty()) news_.Wake();
  return event;
}

std::size_t ConnectionWatch::open_connections() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

void ConnectionWatch::AppendWaits(std::vector<PollWait>& to) const { news_.AppendWaits(to); }

}  // namespace consilium
