#pragma once

// The sites whose messages people carry: one conversation for each, from the first file of a site
// until it connects. Only who is on the roster has one.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/party_home.h"
#include "common/result.h"
#include "common/shared_bytes.h"
#include "common/time.h"
#include "protocols/courier/carried_request.h"
#include "protocols/courier/courier_desk.h"
#include "protocols/roster.h"

namespace consilium {

class CourierRoom {
 public:
  /// Both outlive the room.
  CourierRoom(const PartyKeys& keys, RandomSource& random) : keys_(keys), random_(random) {}

  struct Taken {
    SiteId site;
    TransportKey key;
    std::string name;
    std::vector<Bytes> messages;
  };
  /// Errors as CourierDesk::TakeFile's; kRefused for one of no active member. A site's first file
  /// begins its conversation.
  Result<Taken> Take(ByteSpan file, const Roster& roster, UtcSeconds now);

  bool Carries(const TransportKey& site) const { return desks_.contains(site); }
  void Send(const TransportKey& site, SharedBytes message);
  /// The site has a connection, or may not speak any more.
  void Forget(const TransportKey& site) { desks_.erase(site); }

  std::size_t Waiting(const TransportKey& site) const;
  /// kNotFound for a site that no file has come from since the service started.
  Result<WrittenReply> Write(const std::string& site, const Roster& roster, UtcSeconds now) const;
  /// {"sites": [{"site": NAME, "waiting": messages, "news": whether there is a file to carry}]}
  std::string ListText(const Roster& roster) const;

 private:
  const PartyKeys& keys_;
  RandomSource& random_;
  std::map<TransportKey, CourierDesk> desks_;
};

}  // namespace consilium
