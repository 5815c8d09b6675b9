#pragma once

// A site's end: one outbound connection to the coordinator, whose key is pinned. Connects again for
// ever.

#include <memory>
#include <optional>
#include <string>

#include "common/bytes.h"
#include "common/home.h"
#include "common/ids.h"
#include "common/random.h"
#include "common/result.h"
#include "common/time.h"
#include "common/transport/context.h"
#include "common/transport/keys.h"
#include "common/transport/message.h"
#include "common/transport/poller.h"

namespace consilium {

struct SiteSocketOptions {
  std::string endpoint;     ///< tcp://HOST:PORT
  std::string socks_proxy;  ///< HOST:PORT of a SOCKS5 proxy; empty for none.
  std::string socks_user;   ///< Empty: the proxy asks nobody who they are.
  std::shared_ptr<const Passphrase> socks_password;  ///< With socks_user.
  Duration reconnect_first{
      1'000};  ///< Doubles after each failure; each socket varies it by +-50 %.
  Duration reconnect_longest{60'000};
  Duration connect_timeout{15'000};
  Duration handshake_timeout{15'000};
};

enum class ConnectionEvent {
  kConnected,       ///< Both sides have proved their keys.
  kDisconnected,    ///< Was connected; tries again.
  kUnreachable,     ///< Nobody listens there, or the network or proxy fails; tries again.
  kSiteKeyRefused,  ///< It is the coordinator, and it does not know this site's key.
  kHandshakeFailed  ///< The other side did not prove the pinned key: a wrong key or address.
};

/// A sentence for people.
std::string Describe(ConnectionEvent event);

class SiteSocket final : public Pollable {
 public:
  /// Returns at once; NextEvent() tells what becomes of it. Fails on an endpoint that makes no
  /// sense.
  static Result<std::unique_ptr<SiteSocket>> Connect(TransportContext& context,
                                                     const TransportKeyPair& keys,
                                                     const TransportKey& coordinator,
                                                     SiteSocketOptions options,
                                                     RandomSource& random);
  ~SiteSocket() override;

  /// Call NextEvent() and Receive() until empty after each Poller::Wait().
  std::optional<ConnectionEvent> NextEvent();
  /// The next message's payload. A message of more than one part is dropped.
  std::optional<Bytes> Receive();
  /// At most kLargestMessage bytes. Never waits. kBusy may follow kConnected for a moment.
  SendOutcome Send(ByteSpan payload);
  bool connected() const;
  /// Gives up a connection that is dead and does not know it yet, as after the machine slept, and
  /// begins the next at once. Nothing is told by NextEvent() of the one that was given up.
  void ConnectAnew();
  /// The same with other keys; only while connected. False when it is not.
  bool ConnectAnewAs(const TransportKeyPair& keys);
  /// Whether Poller::Wait() also ends when there is room to send; for use after kBusy.
  void WaitForRoom(bool wanted);
  void AppendWaits(std::vector<PollWait>& to) const override;

 private:
  struct Impl;
  explicit SiteSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace consilium
