// The network of a storm: connections that keep the order and lose what is under way when they
// break, and whatever a bad day adds to that.

#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "simulations/storm/world.h"

namespace consilium {

std::uint32_t World::IndexOf(SiteId id) const {
  const std::optional<TransportKey> key = coordinator_->KeyOf(id);
  CHECK(key.has_value());
  return index_of_.at(*key);
}

void World::TellLie(std::string_view party, Fault lie, const Bytes& message) {
  if (lie != Fault::kCount) trace_.Add(now_, party, Name(lie), message);
}

void World::SendFrom(std::uint32_t site, const Bytes& message) {
  Party& party = sites_[site];
  // Before the liar: it is the honest core's doing that is judged.
  witness_.OnSiteSends(site, message, party.disk);
  if (!party.link.up || !party.link.site_knows) return;
  if (party.liar != nullptr && !calm_) {
    std::vector<Bytes> instead = party.liar->Instead(message);
    TellLie(party.name, party.liar->newest_lie(), message);
    for (Bytes& other : instead) Travel(site, false, std::move(other));
    return;
  }
  Travel(site, false, message);
}

bool World::SendTo(SiteId id, const SharedBytes& message) {
  witness_.OnCoordinatorSends(message, coordinator_disk_);
  const std::uint32_t site = IndexOf(id);
  const Link& link = sites_[site].link;
  if (!link.coordinator_knows) return false;
  if (!link.up) return true;  // Lost; the coordinator has not heard yet.
  if (coordinator_liar_ != nullptr && !calm_) {
    std::vector<Bytes> instead = coordinator_liar_->Instead(id, message);
    TellLie("coordinator", coordinator_liar_->newest_lie(), message);
    for (Bytes& other : instead) Travel(site, true, std::move(other));
    return true;
  }
  Travel(site, true, message);
  return true;
}

void World::Travel(std::uint32_t site, bool to_site, SharedBytes message) {
  Party& party = sites_[site];
  Count(message, to_site);
  if (Chance(options_.day.cut)) {
    Injected(Fault::kCut, party.name);
    Cut(site);
    return;
  }
  if (Chance(options_.day.partition)) Partition();
  if (!party.link.up) return;
  if (Chance(options_.day.loss)) {
    Injected(Fault::kLoss, party.name);
    Schedule(now_ + Below(45'000), LinkIsHeardGone{site, party.link.number, true});
    return;
  }
  if (Chance(options_.day.corruption) && message.size() > 0) {
    Injected(Fault::kCorruption, party.name);
    Bytes corrupt = message;
    corrupt[luck_.Below(corrupt.size())] ^= static_cast<std::byte>(1U << luck_.Below(8));
    message = std::move(corrupt);
  }
  Instant& last = to_site ? party.link.last_to_site : party.link.last_to_coordinator;
  const NetworkModel& network = options_.day.network;
  Instant when = Transmitted(party.link, to_site, message.size()) + network.latency;
  if (network.jitter > Duration(0) && !calm_) {
    Injected(Fault::kDelay, party.name);
    when = when + Below(network.jitter.count() + 1);
  }
  const bool overtakes = Chance(options_.day.reorder);
  if (overtakes) {
    Injected(Fault::kReorder, party.name);
    when = when + Below(5'000);
  } else {
    when = std::max(when, last);
    last = when;
  }
  const int copies = Chance(options_.day.duplicate) ? 2 : 1;
  if (copies == 2) Injected(Fault::kDuplicate, party.name);
  for (int i = 0; i < copies; ++i) {
    if (to_site) {
      Schedule(when, ToSite{site, party.link.number, message});
    } else {
      Schedule(when, ToCoordinator{site, party.link.number, message});
    }
    when = when + Below(2'000);
  }
}

void World::Count(const Bytes& message, bool to_site) {
  const Result<OpenedMessage> opened = OpenMessage(message);
  TrafficCounts& counts = traffic_[opened ? opened->route.round : RoundNumber()];
  RoundTraffic& sent = counts.sent;
  if (sent.messages == 0) counts.began = now_;
  ++sent.messages;
  (to_site ? sent.bytes_to_sites : sent.bytes_from_sites) += message.size();
}

/// Either line carries one message after the other, and both carry a message at the same time.
Instant World::Transmitted(Link& link, bool to_site, std::size_t bytes) {
  const std::int64_t now = 1'000 * now_.milliseconds;
  const auto occupy = [&](std::int64_t& free_at, double bits_per_second) {
    if (bits_per_second == 0) return now;
    const double takes = std::ceil(8e6 * static_cast<double>(bytes) / bits_per_second);
    free_at = std::max(free_at, now) + static_cast<std::int64_t>(takes);
    return free_at;
  };
  const NetworkModel& network = options_.day.network;
  const auto way = static_cast<std::size_t>(to_site);
  const std::int64_t end =
      std::max(occupy(link.free_at[way], network.site_bandwidth),
               occupy(coordinator_free_at_[way], network.coordinator_bandwidth));
  return Instant{(end + 999) / 1'000};
}

/// The connection is gone at once; its ends hear of it by and by, and the site tries again.
void World::Cut(std::uint32_t site) {
  Party& party = sites_[site];
  Link& link = party.link;
  if (link.up) {
    link.up = false;
    trace_.Add(now_, party.name, "connection lost");
    Schedule(now_ + Below(calm_ ? 100 : 20'000), LinkIsHeardGone{site, link.number, true});
    Schedule(now_ + Below(calm_ ? 100 : 20'000), LinkIsHeardGone{site, link.number, false});
  }
  Schedule(now_ + Duration(100) + Below(calm_ ? 1'000 : 30'000), SiteConnects{site});
}

void World::Partition() {
  Injected(Fault::kPartition, "network");
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    if (luck_.Below(2) == 0) Cut(i);
  }
}

void World::Handle(const LinkIsHeardGone& event) {
  Party& party = sites_[event.site];
  if (party.link.number != event.connection) return;
  if (party.link.up) {
    Cut(event.site);
    return;
  }
  if (!event.by_site) {
    party.link.coordinator_knows = false;
  } else if (party.link.site_knows) {
    party.link.site_knows = false;
    if (party.core != nullptr) party.core->OnDisconnected();
  }
}

void World::Handle(const SiteConnects& event) {
  Party& party = sites_[event.site];
  if (party.link.up || !party.admitted || party.gone) return;
  if (coordinator_ == nullptr || party.core == nullptr || party.stopped_until > now_) {
    Schedule(now_ + Duration(500) + Below(2'000), event);
    return;
  }
  if (party.link.site_knows) party.core->OnDisconnected();
  const Instant now = now_;
  party.link = Link{true, party.link.number + 1, true, true, now, now, {}};
  trace_.Add(now_, party.name, "connects");
  Carry(event.site, party.core->OnConnected(MomentAt(event.site)));
}

}  // namespace consilium
