#pragma once

// Watches the connections of one socket from a thread of its own, so that a flood is noticed while
// the program computes. ZeroMQ's limits do not hold within one message of many parts: a peer that
// never ends a message makes the receiver keep all of it. So the bytes that a connection has
// received (TCP_INFO) are compared with those handed to the program, and a connection that is too
// far ahead is cut.

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <zmq.hpp>

#include "common/file_descriptor.h"
#include "common/ids.h"
#include "common/result.h"
#include "common/time.h"
#include "common/transport/poller.h"

namespace consilium {

struct WatchedEvent {
  std::uint16_t kind = 0;   ///< ZMQ_EVENT_...
  std::uint32_t value = 0;  ///< What that event says: a descriptor, an errno, a ZAP status.
};

/// When to look at each connection. Of a few always; of thousands, each of which costs a system
/// call, once a second, or as soon as the process's memory has grown: a flood fills it.
class LookSchedule {
 public:
  /// Whether to look now; then it counts as done.
  bool Due(std::size_t connections, std::uint64_t resident_bytes, Instant now);

 private:
  Instant last_{};
  std::uint64_t resident_then_ = 0;
};

class ConnectionWatch final : public Pollable {
 public:
  /// Must go before `socket` is closed; `socket` stays at its place. `most_held`: bytes received
  /// and not handed on, of all connections together; beyond it the largest are cut.
  static Result<std::unique_ptr<ConnectionWatch>> Start(zmq::context_t& context,
                                                        zmq::socket_t& socket,
                                                        std::uint64_t most_held);
  ~ConnectionWatch() override;

  /// The program received this many payload bytes over the connection, from the holder of `key`.
  void NoteDelivery(int descriptor, const TransportKey* key, std::size_t bytes);
  /// Cuts the connection of this descriptor.
  void Cut(int descriptor);
  /// Cuts the key's connections and those whose key is not known yet; others reconnect.
  void CutKey(const TransportKey& key);

  std::optional<WatchedEvent> NextEvent();
  void AppendWaits(std::vector<PollWait>& to) const override;
  std::uint64_t cut_for_flooding() const { return cut_for_flooding_; }
  std::size_t open_connections() const;

 private:
  struct Connection {
    std::uint64_t cookie = 0;  ///< SO_COOKIE: tells a reused descriptor from the one accepted.
    std::uint64_t delivered = 0;
    std::set<TransportKey> keys;
  };

  ConnectionWatch(zmq::socket_t& watched,
                  zmq::socket_t monitor,
                  Waker stop,
                  Waker news,
                  std::uint64_t most_held);
  void Run();
  void ReadEvents();
  bool LooksNow();
  void CutFlooders();
  static void CutIfSame(int descriptor, const Connection& connection);

  zmq::socket_t& watched_;
  zmq::socket_t monitor_;  ///< Used by the thread alone.
  Waker stop_;
  Waker news_;
  const std::uint64_t most_held_;
  LookSchedule schedule_;  ///< Of the thread alone, and so is the next.
  FileDescriptor memory_;  ///< /proc/self/statm
  std::atomic<std::uint64_t> cut_for_flooding_{0};
  mutable std::mutex mutex_;
  std::map<int, Connection> connections_;
  std::deque<WatchedEvent> events_;
  std::thread thread_;
};

}  // namespace consilium
