#pragma once

// Watches a storm from outside of the code under test and says what must never happen. It sees each
// message that is sent, each write, each note and each answer, and knows who is honest; it keeps
// its own books and asks the machines nothing.

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "common/fixed_point.h"
#include "common/shared_bytes.h"
#include "protocols/effects.h"
#include "protocols/header.h"
#include "protocols/messages.h"
#include "protocols/plan.h"
#include "protocols/reasons.h"
#include "protocols/secure_sum/sketch.h"
#include "simulations/storm/virtual_disk.h"

namespace consilium {

class Witness {
 public:
  /// `honest` says it of each site, by index.
  explicit Witness(std::vector<bool> honest);

  void KnowPlan(const Plan& plan);
  void KnowMember(std::uint32_t site, SiteId id) {
    if (const auto before = ids_.find(site); before != ids_.end()) site_of_.erase(before->second);
    ids_[site] = id;
    site_of_[id] = site;
  }
  /// A number that is a patient's: it must not turn up anywhere.
  void KnowSecret(double number);

  void OnAnswer(std::uint32_t site, const ComputeAnswer& request, const Contribution& contribution);
  void OnSiteReceives(std::uint32_t site, const SharedBytes& bytes);
  /// Before the message leaves; `disk` is the site's.
  void OnSiteSends(std::uint32_t site, ByteSpan bytes, const VirtualDisk& disk);
  void OnCoordinatorSends(const SharedBytes& bytes, const VirtualDisk& disk);
  void OnCoordinatorReceives(std::uint32_t site, ByteSpan bytes);
  /// Of either side; `by_coordinator` tells which.
  void OnWrite(const RecordBatch& batch, bool by_coordinator);
  void OnNote(const Note& note);
  /// The site's disk went back in time: it may say again what it does not remember.
  void OnRolledBack(std::uint32_t site) { rolled_back_.insert(site); }

  void Report(std::string violation);
  const std::vector<std::string>& violations() const { return violations_; }
  /// Times each reason was given, by its number.
  const std::map<DropReason, std::uint64_t>& drops() const { return drops_; }
  const std::map<RefusalReason, std::uint64_t>& refusals() const { return refusals_; }

 private:
  using RouteKey = std::tuple<StudyId, RoundNumber, AttemptNumber>;
  struct Start {
    std::uint32_t sites = 0;
    ByteArray<16> prekey{};
  };

  static RouteKey KeyOf(const Route& route) { return {route.study, route.round, route.attempt}; }
  /// How many sites (or signatures) the largest list of a step had that a site was sent.
  struct Told {
    std::size_t delivered = 0;
    std::size_t survivors = 0;
    std::size_t signatures = 0;
  };

  /// A message that sites receive, as far as it is judged.
  struct Heard {
    std::optional<SharedBytes> message;  ///< Held, lest another one takes its place in memory.
    std::optional<RouteKey> route;       ///< None for bytes that are no message.
    Told told;
    std::vector<std::pair<SiteId, ByteArray<16>>> prekeys;  ///< Of a start.
  };

  const Heard& Hear(const SharedBytes& bytes);
  void AddSecretWord(std::uint64_t word);
  void Scan(ByteSpan bytes, std::string_view where, bool is_sketch = false);
  void CheckEnough(std::uint32_t site, const Route& route, std::size_t count, bool of_a_quorum);
  void CheckSharesSent(std::uint32_t site, const OpenedMessage& message);
  void CheckUploadSent(std::uint32_t site, const OpenedMessage& message, const VirtualDisk& disk);
  /// One more vector of a study with noise.
  void CountAnswer(std::uint32_t site, const Route& route);
  void CheckConfirmationSent(std::uint32_t site,
                             const OpenedMessage& message,
                             const VirtualDisk& disk);
  void CheckUnmaskingSent(std::uint32_t site,
                          const OpenedMessage& message,
                          const VirtualDisk& disk);
  void CheckBothSecrets(std::uint32_t site, const RouteKey& route, const Unmasking& unmasking);
  void CheckJournal(const PutRecord& record);
  /// Whoever is in a sum with norms checked has given its vector's own sketch.
  void CheckSketch(std::uint32_t site,
                   const RouteKey& route,
                   const NormCheck& check,
                   const RingVector& vector);
  std::uint32_t SiteOf(SiteId id) const;

  std::vector<bool> honest_;
  std::map<StudyId, Plan> plans_;
  bool any_checks_norms_ = false;
  std::map<std::uint32_t, SiteId> ids_;
  std::map<SiteId, std::uint32_t> site_of_;
  std::set<std::uint32_t> rolled_back_;

  std::unordered_set<std::uint64_t> secrets_;
  /// A quick no for almost every word, also when thousands of sites have secrets.
  std::vector<bool> maybe_secret_ = std::vector<bool>(1U << 22U);

  std::map<std::pair<std::uint32_t, RouteKey>, std::vector<double>> answers_;
  std::map<RouteKey, Query> queries_;
  std::map<std::pair<std::uint32_t, RouteKey>, Start> starts_;
  std::map<std::pair<std::uint32_t, RouteKey>, Told> told_;
  Heard heard_;                         ///< The newest: a message to thousands is read once.
  std::optional<SharedBytes> scanned_;  ///< The newest, when there were so many secrets.
  std::size_t secrets_when_scanned_ = 0;
  std::map<ByteArray<16>, Digest> context_of_prekey_;
  std::map<std::pair<std::uint32_t, Digest>, Digest> vector_of_context_;
  std::map<std::pair<std::uint32_t, StudyId>, std::uint64_t> answers_with_noise_;
  std::map<std::pair<std::uint32_t, RouteKey>, Digest> confirmed_;
  std::map<std::tuple<std::uint32_t, StudyId, RoundNumber>, std::vector<SiteId>> released_;
  std::map<std::pair<std::uint32_t, RouteKey>, Bytes> unmaskings_;
  /// All that came, forged and corrupted ones too: the coordinator's to refuse.
  std::map<std::pair<std::uint32_t, RouteKey>, std::vector<Sketch>> sketches_;
  /// Who gave a share of which kind of a dealer's secrets.
  std::map<std::pair<RouteKey, SiteId>, std::array<std::set<std::uint32_t>, 2>> revealed_;

  std::vector<std::string> violations_;
  std::map<DropReason, std::uint64_t> drops_;
  std::map<RefusalReason, std::uint64_t> refusals_;
};

}  // namespace consilium
