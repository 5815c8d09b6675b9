// Whose fault it is when an attempt fails, and what a study does without the site at fault.

#include <algorithm>
#include <utility>

#include "coordinator/study.h"

namespace consilium {
namespace {

/// Refusals that the same site will repeat on the next attempt: trying again is of no use.
bool IsFinal(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kNotApproved:
    case RefusalReason::kPlanExpired:
    case RefusalReason::kPolicyForbids:
    case RefusalReason::kDataRefused:
    case RefusalReason::kBudgetExhausted:
    case RefusalReason::kStateRolledBack:
    case RefusalReason::kPromiseSpent:
    case RefusalReason::kSiteSetChanged:
    case RefusalReason::kFrozenSetChanged:
    case RefusalReason::kAlreadyReleased:
    case RefusalReason::kQueryNotDerived:
    case RefusalReason::kMinimumLowered:
    case RefusalReason::kTooManyRounds:
      return true;
    default:
      return false;
  }
}

/// Refusals of what another site dealt. The coordinator cannot open a sealed share: it has only the
/// word of one site against the other's.
bool BlamesDealer(RefusalReason reason) {
  return reason == RefusalReason::kShareDoesNotOpen || reason == RefusalReason::kShareHashDiffers;
}

}  // namespace

/// Whether no honest site would refuse a start for this prekey's sake.
bool Study::IsUsable(const Member& from, const Prekey& prekey) const {
  if (CheckPrekey(prekey)) return false;
  const auto holds = [&](const ExchangeKey& key) {
    return key == prekey.encryption || key == prekey.masking;
  };
  // A prekey is known to its site and the coordinator alone until its attempt begins, so of two
  // sites with one key the later has copied.
  return std::none_of(prekeys_.begin(), prekeys_.end(), [&](const auto& entry) {
    const Prekey& other = entry.second.prekey;
    return entry.first != from.id && (holds(other.encryption) || holds(other.masking));
  });
}

void Study::Exclude(SiteId site) {
  const auto place = std::lower_bound(record_.excluded.begin(), record_.excluded.end(), site);
  if (place == record_.excluded.end() || *place != site) record_.excluded.insert(place, site);
}

/// A site that does not take part any more, once its vector has come: it is in the sum already, and
/// the sum must not be opened against its will. False if there is no such sum. Where the plan goes
/// on, it does so without the site, lest it comes back to do the same again.
bool Study::EndsWithout(SiteId site,
                        DropReason reason,
                        const Moment& now,
                        CoordinatorEffects& effects) {
  const bool opened_already = session_->phase() == SumPhase::kUnmasking;
  if (opened_already || !session_->HasUploaded(site)) return false;
  if (plan_.on_loss == OnLoss::kContinue) {
    Exclude(site);
    Persist(effects);
  }
  session_->Drop(site, reason);
  const std::uint32_t may_collude = session_->setup().start.thresholds.colluding;
  EndAttempt("site " + NameOf(site) + " withdrew after its vector had come", now, effects);
  SettleDisputes(may_collude, now, effects);
  TryBegin(now, effects);
  return true;
}

/// Without these sites from here on, or not at all where the plan waits for them, or where sites
/// were asked to open this round's sum: they open no other in its place.
void Study::LeaveOut(const std::vector<SiteId>& sites,
                     DropReason reason,
                     const Moment& now,
                     CoordinatorEffects& effects) {
  std::string names;
  for (const SiteId site : sites) {
    names += (names.empty() ? "" : " and ") + NameOf(site);
    effects.emplace_back(Note{LogLevel::kWarning,
                              "site-at-fault",
                              {{"study", plan_.id.Short()},
                               {"site", NameOf(site)},
                               {"reason", std::string(Name(reason))}}});
  }
  if (record_.state != StudyState::kRunning) return;
  Audit(now, "site-at-fault",
        R"({"study":")" + plan_.id.ToHex() + R"(","sites":")" + names + R"(","reason":")" +
            std::string(Name(reason)) + R"("})",
        effects);
  if (plan_.on_loss == OnLoss::kWait || !record_.released.empty()) {
    PauseBecause("site " + names + ": " + std::string(Explanation(reason)), now, effects);
    return;
  }
  for (const SiteId site : sites) {
    Exclude(site);
    prekeys_.erase(site);
  }
  Persist(effects);
  failed_attempts_ = 0;  // The next attempt has other sites.
  for (const SiteId site : sites) OnLost(site, reason, now, effects);
}

/// After an attempt in which sites refused what others had dealt. At most T sites collude, so a
/// dealer whom more than T name is at fault. Otherwise one of the two is, and both go: an honest
/// site is lost only together with a dishonest one (player elimination; Hirt, Maurer, Przydatek,
/// ASIACRYPT 2000).
void Study::SettleDisputes(std::uint32_t may_collude,
                           const Moment& now,
                           CoordinatorEffects& effects) {
  const std::map<SiteId, std::set<SiteId>> accusers = std::exchange(accusers_, {});
  std::vector<SiteId> at_fault;
  for (const auto& [accused, by] : accusers) {
    if (by.size() > may_collude) at_fault.push_back(accused);
  }
  if (!at_fault.empty()) LeaveOut(at_fault, DropReason::kNamedByOthers, now, effects);
  std::set<SiteId> settled(at_fault.begin(), at_fault.end());
  for (const auto& [accused, by] : accusers) {
    for (const SiteId accuser : by) {
      if (settled.contains(accused) || settled.contains(accuser)) continue;
      settled.insert({accused, accuser});
      LeaveOut({accuser, accused}, DropReason::kInDispute, now, effects);
    }
  }
}

void Study::OnRefusal(const Member& from,
                      const OpenedMessage& message,
                      const Moment& now,
                      CoordinatorEffects& effects) {
  const auto refusal = Decode<RefusalMessage>(message.body);
  if (!refusal) return;
  const auto reason = static_cast<RefusalReason>(refusal->reason);
  effects.emplace_back(Note{LogLevel::kWarning,
                            "site-refused",
                            {{"study", plan_.id.Short()},
                             {"site", from.name},
                             {"reason", std::string(Name(reason))},
                             {"about", refusal->about == SiteId() ? "" : NameOf(refusal->about)}}});
  if (session_ == nullptr || message.route != session_->setup().route) return;
  const std::vector<SiteId> members = session_->Members();
  if (!std::binary_search(members.begin(), members.end(), from.id)) return;
  if (IsFinal(reason) && record_.state == StudyState::kRunning) {
    // A sum that is being opened can do without the site's shares; an attempt that is to open the
    // same sum again cannot do without the site.
    const bool opens = session_->phase() == SumPhase::kUnmasking;
    if (plan_.on_loss == OnLoss::kWait || (NeedsAll() && !opens)) {
      PauseBecause("site " + from.name + " refuses: " + std::string(Explanation(reason)), now,
                   effects);
      return;
    }
    Exclude(from.id);
    Persist(effects);
    if (EndsWithout(from.id, DropReason::kRefused, now, effects)) return;
  }
  if (reason == RefusalReason::kSecondSketch && record_.state == StudyState::kRunning) {
    // No fault of the site's. Of few that say so the round can do without; what many say is so.
    sketched_before_.insert(from.id);
    const std::uint32_t may_collude = session_->setup().start.thresholds.colluding;
    if (NeedsAll() || sketched_before_.size() > may_collude) {
      PauseBecause("round " + std::to_string(OpenRound().value()) +
                       " was broken off after its answers had been sketched, and site " +
                       from.name + " does not let them be sketched again (norm_checks in its " +
                       "policy); start a new study with another seed",
                   now, effects);
      return;
    }
  }
  if (BlamesDealer(reason) && refusal->about != from.id &&
      PointOf(session_->setup().start, refusal->about)) {
    accusers_[refusal->about].insert(from.id);
  }
  session_->Drop(from.id, DropReason::kRefused);
  Advance(now, effects);
}

}  // namespace consilium
