#pragma once

// Hundreds of sites over real sockets without as many processes: each has its core, keys, records
// in memory and connection of its own, and one thread serves them all.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/site_core.h"
#include "common/random.h"
#include "common/storage.h"
#include "common/transport/site_socket.h"
#include "tests/end_to_end/deployment.h"

namespace consilium::testing {

class ManySites {
 public:
  /// Invites and admits them, named site-0, site-1, ...; cohorts are those of GeneratedCohort.
  ManySites(Deployment& deployment, std::uint32_t count);
  ~ManySites();

  void Connect();
  /// Serves all sites until `done` or the time is over; whether it was done.
  bool Serve(const std::function<bool()>& done, std::chrono::seconds patience);
  bool AllAreWelcome() const;
  bool AllKnow(const StudyId& study) const;
  void ApproveAll(const StudyId& study);
  /// From now on this site stays connected and answers no delivery.
  void Silence(std::uint32_t site) { silent_.insert(site); }

  std::uint32_t size() const { return static_cast<std::uint32_t>(sites_.size()); }
  const Cohort& cohort(std::uint32_t site) const;
  const std::vector<std::string>& refusals() const { return refusals_; }

 private:
  struct Site;
  bool ServeOne(std::uint32_t index);
  void Carry(Site& site, SiteEffects effects);
  void Send(Site& site, Bytes message);

  SystemRandom random_;
  TransportKey coordinator_;
  std::string endpoint_;
  /// A context has room for the sockets of a few sites.
  std::vector<std::unique_ptr<TransportContext>> contexts_;
  std::vector<std::unique_ptr<Site>> sites_;
  std::set<std::uint32_t> silent_;
  std::vector<std::string> refusals_;
};

}  // namespace consilium::testing
