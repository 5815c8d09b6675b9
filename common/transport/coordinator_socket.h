#pragma once

// The coordinator's end: a ROUTER with CURVE that accepts the keys of an Admission and nobody else.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/random.h"
#include "common/result.h"
#include "common/shared_bytes.h"
#include "common/transport/admission.h"
#include "common/transport/context.h"
#include "common/transport/keys.h"
#include "common/transport/message.h"
#include "common/transport/poller.h"

namespace consilium {

struct ReceivedMessage {
  TransportKey from;  ///< Authenticated by CURVE, and admitted at this moment.
  Bytes payload;
};

/// Why messages and connections were refused so far.
struct TransportCounters {
  std::uint64_t unidentified = 0;  ///< No key that the admission handler vouched for.
  std::uint64_t not_admitted = 0;  ///< A key that has been taken off the list since.
  std::uint64_t many_parts = 0;    ///< More than one part; the peer was cut.
  std::uint64_t foreign_name = 0;  ///< The peer chose a routing id; it was cut.
  std::uint64_t cut_for_flooding = 0;
};

/// The insecure configurations that the start-up probe must refuse. Only tests change these.
struct SocketOptionsForTest {
  std::string domain = "consilium";
  bool enforce_domain = true;
};

class CoordinatorSocket final : public Pollable {
 public:
  /// `endpoint`: tcp://ADDRESS:PORT; port 0 takes a free one. `admission` outlives the socket.
  /// kBusy when the port is taken.
  static Result<std::unique_ptr<CoordinatorSocket>> Bind(TransportContext& context,
                                                         Admission& admission,
                                                         const TransportKeyPair& keys,
                                                         const std::string& endpoint,
                                                         const SocketOptionsForTest& options = {});
  ~CoordinatorSocket() override;

  const std::string& endpoint() const;  ///< With the port actually taken.

  /// The next message, if there is one. Never waits.
  std::optional<ReceivedMessage> Receive();
  /// At most kLargestMessageToSite bytes. Never waits. Goes to the connection that `to` was last
  /// heard on.
  SendOutcome Send(const TransportKey& to, const SharedBytes& payload);
  /// Cuts the key's connections at once; take it off the admission list before. Connections whose
  /// key is not known yet are cut too: those of members come back.
  void Disconnect(const TransportKey& key);
  /// Tries the door: connects with a key drawn at random and wants to be refused as an unknown key.
  /// kRefused when it was let in, or when the refusal did not come: serve only if this succeeds.
  /// Messages of members that arrive meanwhile are kept for Receive().
  Status ProbeClosed(const TransportKey& own_public_key, RandomSource& random);

  TransportCounters counters() const;
  int file_descriptor() const;  ///< ZeroMQ's (edge-triggered); prefer Poller.
  void AppendWaits(std::vector<PollWait>& to) const override;

 private:
  struct Impl;
  explicit CoordinatorSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace consilium
