// The people of a storm: an administrator who admits, submits, starts and resumes, data stewards
// who approve, and bad luck that is nobody's message or write.

#include <algorithm>

#include "common/check.h"
#include "protocols/roster.h"
#include "simulations/storm/world.h"

namespace consilium {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr Duration kFirstPatience{5'000};
constexpr Duration kLongestPatience{600'000};

}  // namespace

void World::AdmitNext(std::uint32_t site) {
  Party& party = sites_[site];
  for (const Member& member : coordinator_->roster().members) {
    if (member.name == party.name) {
      witness_.KnowMember(site, member.id);
      party.admitted = true;
      Schedule(now_ + Below(1'000), SiteConnects{site});
      return;
    }
  }
  CoordinatorEffects effects;
  const auto text = coordinator_->Invite(party.name, MomentAtCoordinator(), effects);
  CHECK(text.has_value());
  Carry(std::move(effects));
  if (coordinator_ == nullptr) return;
  const auto invitation = ReadInvitation(*text, "invitation");
  CHECK(invitation.has_value());
  CoordinatorEffects more;
  const JoinRequest request{invitation->federation, party.name, party.identity->public_key(),
                            party.transport, invitation->token};
  if (coordinator_->Admit(request, MomentAtCoordinator(), more)) Carry(std::move(more));
}

void World::AdministratorActs() {
  if (coordinator_ == nullptr) return;
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    if (sites_[i].admitted) continue;
    AdmitNext(i);
    if (coordinator_ == nullptr) return;
    if (!sites_[i].admitted) AdmitNext(i);
    if (coordinator_ == nullptr) return;
  }
  StudiesGoOn();
}

bool World::MayResume(const StudyId& study) {
  const auto due = resumes_at_.find(study);
  if (due != resumes_at_.end() && now_ < due->second) return false;
  Duration& patience = patience_.try_emplace(study, kFirstPatience).first->second;
  patience = std::min(2 * patience, kLongestPatience);
  resumes_at_.insert_or_assign(study, now_ + patience);
  return true;
}

bool World::Tried(const Status& status) {
  if (!status) trouble_ = Describe(status.error());
  return status.has_value();
}

void World::StudiesGoOn() {
  for (std::size_t i = 0; i < studies_.size(); ++i) {
    if (coordinator_ == nullptr) return;
    CoordinatorEffects effects;
    const std::optional<StudyView> view = View(studies_[i]);
    if (!view) {
      const Result<StudyId> submitted =
          coordinator_->Submit(options_.plans[i], "plan.toml", MomentAtCoordinator(), effects);
      Tried(submitted ? Status() : Status(tl::make_unexpected(submitted.error())));
    } else if (view->state == StudyState::kOffered) {
      const auto approved = std::count_if(
          view->sites.begin(), view->sites.end(),
          [](const StudySiteView& site) { return site.decision == DecisionKind::kApproved; });
      if (static_cast<std::uint32_t>(approved) + gone_for_good_ < sites_.size()) continue;
      if (Tried(coordinator_->Start(studies_[i], MomentAtCoordinator(), effects))) {
        started_at_.emplace(studies_[i], now_);
      }
    } else if (view->state == StudyState::kPaused) {
      if (!MayResume(studies_[i])) continue;
      Tried(coordinator_->Resume(studies_[i], MomentAtCoordinator(), effects));
    } else if (view->state == StudyState::kRunning && Chance(options_.day.pause)) {
      Injected(Fault::kStudyPaused, "administrator");
      static_cast<void>(coordinator_->Pause(studies_[i], MomentAtCoordinator(), effects));
    }
    Carry(std::move(effects));
  }
}

void World::SiteActs(std::uint32_t site) {
  Party& party = sites_[site];
  if (party.core == nullptr || party.gone || party.stopped_until > now_) return;
  for (const StudyId& study : studies_) {
    if (party.core == nullptr) return;
    const auto view = party.core->View(study);
    if (!view || view->decision) continue;
    SiteEffects effects;
    if (Tried(party.core->Approve(study, MomentAt(site), effects))) Carry(site, std::move(effects));
  }
}

void World::BadLuckStrikes() {
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    Party& party = sites_[i];
    if (Chance(options_.day.stop)) {
      Injected(Fault::kStoppedSite, party.name);
      party.stopped_until = now_ + Below(120'000);
    }
    if (Chance(options_.day.clock_step)) {
      Injected(Fault::kClockStep, party.name);
      party.clock_step = static_cast<std::int64_t>(luck_.Below(2 * kDay)) - kDay;
    }
  }
  if (Chance(options_.day.clock_step)) {
    Injected(Fault::kClockStep, "coordinator");
    coordinator_clock_step_ = static_cast<std::int64_t>(luck_.Below(2 * kDay)) - kDay;
  }
  if (coordinator_ == nullptr || gone_for_good_ > 0) return;
  const std::optional<StudyView> view = View(studies_.front());
  if (!view || view->state != StudyState::kRunning) return;
  const auto site = static_cast<std::uint32_t>(luck_.Below(sites_.size()));
  Party& party = sites_[site];
  if (Chance(options_.day.revoke)) {
    Injected(Fault::kSiteRevoked, party.name);
    CoordinatorEffects effects;
    if (!coordinator_->Revoke(party.name, MomentAtCoordinator(), effects)) return;
    party.gone = true;
    ++gone_for_good_;
    Carry(std::move(effects));
  } else if (party.core != nullptr && Chance(options_.day.take_back)) {
    SiteEffects effects;
    if (!party.core->Revoke(studies_.front(), MomentAt(site), effects)) return;
    Injected(Fault::kApprovalTakenBack, party.name);
    ++gone_for_good_;
    Carry(site, std::move(effects));
  }
}

}  // namespace consilium
