#pragma once

// The sites whose messages people carry: one conversation for each, from the first file of a site
// until it connects. Only who may connect has one: a file is taken by the key that a connection
// would be, CoordinatorCore::MemberWithKey.

#include <map>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/party_home.h"
#include "common/result.h"
#include "common/shared_bytes.h"
#include "common/time.h"
#include "coordinator/coordinator_core.h"
#include "protocols/courier/carried_request.h"
#include "protocols/courier/courier_desk.h"
#include "protocols/roster.h"

namespace consilium {

class CourierRoom {
 public:
  /// Both outlive the room. `last_start`: when the newest conversation of any room before began.
  CourierRoom(const PartyKeys& keys, RandomSource& random, UtcSeconds last_start)
      : keys_(keys), random_(random), last_start_(last_start) {}

  struct Taken {
    SiteId site;
    TransportKey key;
    std::string name;
    std::vector<Bytes> messages;
  };
  /// Errors as CourierDesk::TakeFile's; kRefused for one of nobody who may connect. A site's first
  /// file begins its conversation, and so does one by another key of the same site.
  Result<Taken> Take(ByteSpan file, const CoordinatorCore& core, UtcSeconds now);

  bool empty() const { return desks_.empty(); }
  bool Carries(SiteId site) const { return desks_.contains(site); }
  /// The site is carried. False where so much had waited that all of it was dropped: its next file
  /// tells the site to begin anew, and then it is sent what it is owed.
  bool Send(SiteId site, SharedBytes message, UtcSeconds now);
  /// The site has a connection, or may not speak any more.
  void Forget(SiteId site) { desks_.erase(site); }
  /// A key that may not connect any more.
  void ForgetKey(const TransportKey& key);

  /// When the newest conversation began: durable (conversation_starts.h) before a file is written.
  UtcSeconds last_start() const { return last_start_; }
  std::size_t Waiting(SiteId site) const;
  /// kNotFound for a site that no file has come from since the service started.
  Result<WrittenReply> Write(const std::string& site, const Roster& roster, UtcSeconds now) const;
  /// {"sites": [{"site": NAME, "waiting": messages, "news": whether there is a file to carry}]}
  std::string ListText(const Roster& roster) const;

 private:
  const PartyKeys& keys_;
  RandomSource& random_;
  UtcSeconds last_start_;
  std::map<SiteId, CourierDesk> desks_;
};

}  // namespace consilium
