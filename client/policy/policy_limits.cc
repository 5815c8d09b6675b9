// The policy's rules on when, how much and with whom this site answers: client/policy/policy.h.

#include <algorithm>
#include <utility>

#include "client/policy/policy_words.h"
#include "common/names.h"

namespace consilium {
namespace {

/// By its name, or by the fingerprint that people have compared. A coordinator chooses names: one
/// of its own sites may be called what another's fingerprint is.
bool IsMeant(const Member& member, const std::string& anchor) {
  return IsFingerprint(anchor) ? Fingerprint(member.identity, member.transport) == LowerCase(anchor)
                               : member.name == anchor;
}

PolicyStatus WithinQuota(PolicyRule rule,
                         std::uint64_t so_far,
                         std::uint64_t most,
                         const std::string& counted,
                         const std::string& period) {
  if (so_far < most) return {};
  return RefuseByPolicy(rule,
                        "this site has answered " + counted + " within " + period +
                            "; its policy (" + std::string(Name(rule)) + ") allows " +
                            std::to_string(most),
                        "Wait, or ask whoever is responsible for this site's policy.toml to raise "
                        "the quota.");
}

}  // namespace

tl::unexpected<PolicyRefusal> RefuseByPolicy(PolicyRule rule,
                                             std::string message,
                                             std::string_view remedy) {
  PolicyRefusal refusal;
  refusal.code = ErrorCode::kRefused;
  refusal.message = std::move(message);
  refusal.remedy = std::string(remedy);
  refusal.rule = rule;
  return tl::unexpected<PolicyRefusal>(std::move(refusal));
}

std::string Counted(std::uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string Listed(const std::vector<std::string>& names) {
  std::string words;
  for (const std::string& name : names) words += (words.empty() ? "" : ", ") + name;
  return words.empty() ? "none" : words;
}

PolicyStatus CheckTimes(const Policy& policy, UtcSeconds now) {
  if (policy.times.Contain(now)) return {};
  return RefuseByPolicy(PolicyRule::kHours,
                        "it is " + LocalText(policy.times, now) +
                            "; this site's policy (answer_hours, answer_days) lets answers leave "
                            "at " +
                            policy.times.InWords(),
                        "The study's lead can go on within these hours. Whoever is responsible "
                        "for this site's policy.toml can change them.");
}

PolicyStatus CheckQuotas(const Policy& policy, const AnswersSoFar& so_far) {
  const Quotas& quotas = policy.quotas;
  TRY_STATUS(WithinQuota(PolicyRule::kAnswersADay, so_far.a_day, quotas.answers_a_day,
                         Counted(so_far.a_day, "round"), "24 hours"));
  TRY_STATUS(WithinQuota(PolicyRule::kAnswersAMonth, so_far.a_month, quotas.answers_a_month,
                         Counted(so_far.a_month, "round"), "30 days"));
  const std::uint64_t others = so_far.other_studies_a_month;
  return WithinQuota(PolicyRule::kStudiesAMonth, others, quotas.studies_a_month,
                     std::to_string(others) + (others == 1 ? " other study" : " other studies"),
                     "30 days");
}

PolicyStatus CheckAnchors(const Policy& policy,
                          const Roster& roster,
                          const std::vector<SiteId>& sites) {
  for (const std::string& anchor : policy.anchors) {
    const bool there = std::any_of(sites.begin(), sites.end(), [&](SiteId site) {
      const Member* member = roster.Find(site);
      return member != nullptr && member->state == MemberState::kActive && IsMeant(*member, anchor);
    });
    if (there) continue;
    return RefuseByPolicy(PolicyRule::kAnchors,
                          "the sum would not hold the site \"" + anchor +
                              "\"; this site's policy (anchors) asks for it in every sum",
                          "The study can go on once that site takes part. Whoever is responsible "
                          "for this site's policy.toml can take it off the list.");
  }
  return {};
}

}  // namespace consilium
