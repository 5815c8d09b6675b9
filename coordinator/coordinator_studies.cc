// The coordinator's studies and its conversation with the sites.

#include <algorithm>
#include <utility>

#include "coordinator/coordinator_core.h"
#include "protocols/study_words.h"

namespace consilium {

Result<Study*> CoordinatorCore::Find(const StudyId& study) const {
  const auto found = studies_.find(study);
  if (found == studies_.end()) {
    return Fail(ErrorCode::kNotFound, "no study has the number " + study.Short(),
                "`status` lists them.");
  }
  return found->second.get();
}

Result<StudyId> CoordinatorCore::FindStudy(std::string_view number) const {
  return StudyWithDigitsIn(studies_, number, "status");
}

Result<StudyId> CoordinatorCore::Submit(std::string_view plan_text,
                                        std::string_view file_name,
                                        const Moment& now,
                                        CoordinatorEffects& effects) {
  TRY(Plan plan, ParsePlan(plan_text, file_name));
  if (plan.expires < DateOf(now.utc)) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(file_name) + ": the plan expired on " + ToText(plan.expires),
                "Set a later `expires`.");
  }
  if (studies_.contains(plan.id)) {
    return Fail(ErrorCode::kConflict, "study " + plan.id.Short() + " was submitted before",
                "A plan with the same meaning is the same study; change the plan for a new one.");
  }
  const StudyEnvironment environment{&identity_, &random_, roster_.roster.federation,
                                     &roster_,   &links_,  &audit_};
  StudyRecord record;
  record.plan_text = plan.text;
  record.submitted_at = now.utc;
  const StudyId id = plan.id;
  effects.emplace_back(Persist{{PutRecord{"study", ToBytes(id.span()), Encode(record)}}});
  Record(now, "study-submitted", R"({"study":")" + id.ToHex() + R"("})", effects);
  auto study = std::make_unique<Study>(environment, std::move(plan), std::move(record));
  for (const Member& member : roster_.roster.members) {
    const auto link = links_.find(member.id);
    if (link != links_.end() && link->second.connected) {
      study->OnHello(member, /*restarted=*/false, now, effects);
    }
  }
  studies_.emplace(id, std::move(study));
  return id;
}

Status CoordinatorCore::Start(const StudyId& study,
                              const Moment& now,
                              CoordinatorEffects& effects) {
  TRY(Study* const found, Find(study));
  return found->Start(now, effects);
}

Status CoordinatorCore::Pause(const StudyId& study,
                              const Moment& now,
                              CoordinatorEffects& effects) {
  TRY(Study* const found, Find(study));
  return found->Pause("paused by the coordinator's administrator", now, effects);
}

Status CoordinatorCore::Resume(const StudyId& study,
                               const Moment& now,
                               CoordinatorEffects& effects) {
  TRY(Study* const found, Find(study));
  return found->Resume(now, effects);
}

Status CoordinatorCore::Stop(const StudyId& study, const Moment& now, CoordinatorEffects& effects) {
  TRY(Study* const found, Find(study));
  return found->Stop(now, effects);
}

std::vector<StudyView> CoordinatorCore::Studies() const {
  std::vector<StudyView> views;
  for (const auto& [id, study] : studies_) views.push_back(study->View());
  std::stable_sort(views.begin(), views.end(), [](const StudyView& a, const StudyView& b) {
    return a.submitted_at < b.submitted_at;
  });
  return views;
}

Result<StudyView> CoordinatorCore::View(const StudyId& study) const {
  TRY(Study* const found, Find(study));
  return found->View();
}

Result<StudyState> CoordinatorCore::StateOf(const StudyId& study) const {
  TRY(const Study* const found, Find(study));
  return found->record().state;
}

Result<std::string> CoordinatorCore::ResultJson(const StudyId& study) const {
  TRY(Study* const found, Find(study));
  if (found->record().state != StudyState::kFinished) {
    return Fail(ErrorCode::kConflict, "study " + study.Short() + " has no result",
                "`status` shows how far it is.");
  }
  return found->record().result_json;
}

Result<std::string> CoordinatorCore::ResultTable(const StudyId& study) const {
  TRY_STATUS(ResultJson(study));
  TRY(Study* const found, Find(study));
  return found->record().result_table;
}

// -- The network
// ---------------------------------------------------------------------------------------

CoordinatorEffects CoordinatorCore::OnMessage(const Moment& now,
                                              const TransportKey& from,
                                              ByteSpan bytes) {
  CoordinatorEffects effects;
  const Member* member = MemberWithKey(from);
  if (member == nullptr) return effects;
  const auto refuse = [&](DropReason reason) {
    effects.emplace_back(Note{LogLevel::kWarning,
                              "message-refused",
                              {{"site", member->name}, {"reason", std::string(Name(reason))}}});
    return effects;
  };
  const Result<OpenedMessage> message = OpenMessage(bytes);
  if (!message) return refuse(DropReason::kMalformed);
  if (message->route.federation != roster_.roster.federation) {
    return refuse(DropReason::kOtherFederation);
  }
  if (IsSigned(message->kind) && !VerifySender(*message, member->identity)) {
    return refuse(DropReason::kNotSigned);
  }
  links_[member->id].last_seen = now.utc;
  if (message->kind == MessageKind::kHello) {
    if (from == member->transport) RetireSuperseded(*member, now, effects);
    OnHello(*member, *message, now, effects);
    return effects;
  }
  if (message->kind == MessageKind::kLedgerHead) {
    OnLedgerHead(*member, *message, effects);
    return effects;
  }
  const auto study = studies_.find(message->route.study);
  if (study == studies_.end()) return refuse(DropReason::kUnexpectedKind);
  if (rollback_) return effects;
  study->second->OnMessage(*member, *message, now, effects);
  KeepLedgerHeads(effects);
  return effects;
}

void CoordinatorCore::OnLedgerHead(const Member& member,
                                   const OpenedMessage& message,
                                   CoordinatorEffects& effects) {
  const Result<Receipt> told = Decode<Receipt>(message.body);
  if (!told) {
    effects.emplace_back(Note{
        LogLevel::kWarning, "message-refused", {{"site", member.name}, {"reason", "malformed"}}});
    return;
  }
  Receipt& newest = ledger_heads_[member.id];
  if (told->head == newest.head) return;
  // As long, and another one: a copy that went back and has grown again.
  if (told->head.records <= newest.head.records) return SayLedgerHead(member.id, effects);
  newest = *told;
  heads_to_keep_.insert(member.id);
  // Outside of rounds they are few, and nothing else may be written for long.
  if (message.route.round == RoundNumber()) effects.emplace_back(Persist{TakeHeadsToKeep()});
}

void CoordinatorCore::SayLedgerHead(SiteId site, CoordinatorEffects& effects) const {
  const auto newest = ledger_heads_.find(site);
  if (newest == ledger_heads_.end() || newest->second.head.records == 0) return;
  effects.emplace_back(SendToSite{
      site, FrameMessage(MessageKind::kLedgerHead, Route{roster_.roster.federation, {}, {}, {}},
                         Encode(newest->second))});
}

/// A thousand sites tell their heads in each round: they ride along with what is written anyway. A
/// crash before loses the newest of them, which their sites tell again.
void CoordinatorCore::KeepLedgerHeads(CoordinatorEffects& effects) {
  if (heads_to_keep_.empty()) return;
  const auto written = std::find_if(effects.begin(), effects.end(), [](const auto& effect) {
    return std::holds_alternative<Persist>(effect);
  });
  if (written == effects.end()) return;
  RecordBatch& changes = std::get<Persist>(*written).changes;
  for (RecordChange& head : TakeHeadsToKeep()) changes.push_back(std::move(head));
}

RecordBatch CoordinatorCore::TakeHeadsToKeep() {
  RecordBatch heads;
  for (const SiteId site : heads_to_keep_) {
    Bytes key(8);
    StoreU64(key, site.value());
    heads.emplace_back(PutRecord{"ledger-head", std::move(key), Encode(ledger_heads_[site])});
  }
  heads_to_keep_.clear();
  return heads;
}

/// The same for all who come while nothing is recorded: of thousands of members it is long, and all
/// come at once after a restart.
const SharedBytes& CoordinatorCore::WelcomeMessage() {
  const AuditHead head = audit_.head();
  if (!welcome_ || welcome_->first != head.records) {
    const consilium::Welcome welcome{Encode(roster_), SignReceipt(head, identity_)};
    welcome_.emplace(head.records, SealMessage(MessageKind::kWelcome,
                                               Route{roster_.roster.federation, {}, {}, {}},
                                               Encode(welcome), identity_));
  }
  return welcome_->second;
}

void CoordinatorCore::WelcomeAll(CoordinatorEffects& effects) {
  const SharedBytes& welcome = WelcomeMessage();
  for (const auto& [site, link] : links_) {
    if (link.connected) effects.emplace_back(SendToSite{site, welcome});
  }
}

void CoordinatorCore::OnHello(const Member& member,
                              const OpenedMessage& message,
                              const Moment& now,
                              CoordinatorEffects& effects) {
  const Result<Hello> hello = Decode<Hello>(message.body);
  if (!hello) {
    effects.emplace_back(Note{
        LogLevel::kWarning, "message-refused", {{"site", member.name}, {"reason", "malformed"}}});
    return;
  }
  const AuditHead& seen = hello->receipt.head;
  if (seen.records > 0 && !VerifyReceipt(hello->receipt, identity_.public_key())) {
    effects.emplace_back(Note{
        LogLevel::kWarning, "receipt-forged", {{"site", member.name}, {"reason", "not-signed"}}});
  } else if (!audit_.Contains(seen) && !rollback_) {
    rollback_ =
        "site " + member.name + " holds a receipt for " + std::to_string(seen.records) +
        " audit records that this state does not have: it was restored from an old copy, or "
        "altered";
    effects.emplace_back(Note{
        LogLevel::kError,
        "state-rolled-back",
        {{"site", member.name}, {"remedy", "restore the newest state.db of this coordinator"}}});
  }
  SiteLink& link = links_[member.id];
  const bool restarted = link.boot != hello->boot;
  link.boot = hello->boot;
  link.software = hello->software;
  if (!link.connected || restarted) {
    effects.emplace_back(Note{LogLevel::kInfo,
                              restarted ? "site-connected" : "site-reconnected",
                              {{"site", member.name}, {"software", link.software}}});
  }
  link.connected = true;
  SayLedgerHead(member.id, effects);
  effects.emplace_back(SendToSite{member.id, WelcomeMessage()});
  if (rollback_) return;
  for (auto& [id, study] : studies_) study->OnHello(member, restarted, now, effects);
}

CoordinatorEffects CoordinatorCore::OnUnreachable(const Moment& now, SiteId site) {
  CoordinatorEffects effects;
  const auto link = links_.find(site);
  if (link == links_.end() || !link->second.connected) return effects;
  link->second.connected = false;
  const Member* member = roster_.roster.Find(site);
  effects.emplace_back(Note{
      LogLevel::kInfo, "site-disconnected", {{"site", member == nullptr ? "?" : member->name}}});
  // The attempt goes on: a site that comes back within the deadline is sent what it missed.
  for (auto& [id, study] : studies_) study->OnTick(now, effects);
  return effects;
}

CoordinatorEffects CoordinatorCore::OnTick(const Moment& now) {
  CoordinatorEffects effects;
  if (rollback_) return effects;
  for (auto& [id, study] : studies_) study->OnTick(now, effects);
  KeepLedgerHeads(effects);
  return effects;
}

std::optional<Instant> CoordinatorCore::NextDeadline() const {
  std::optional<Instant> next;
  if (rollback_) return next;
  for (const auto& [id, study] : studies_) {
    const std::optional<Instant> deadline = study->NextDeadline();
    if (deadline && (!next || *deadline < *next)) next = deadline;
  }
  return next;
}

}  // namespace consilium
