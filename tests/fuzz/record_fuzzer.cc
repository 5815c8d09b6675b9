// What both sides read back from their disks: the first byte chooses the table. A disk is not an
// enemy's, but a torn or restored one must be refused in words, too.

#include "client/policy/cohort_guard.h"
#include "client/records.h"
#include "coordinator/records.h"
#include "protocols/hash_chain.h"
#include "tests/fuzz/message_bodies.h"

namespace consilium {
namespace {

using Check = bool (*)(ByteSpan);

constexpr Check kChecks[] = {
    CheckDecoder<ChainRecord>,      CheckDecoder<JournalRecord>,    CheckDecoder<StudyRecord>,
    CheckDecoder<InvitationRecord>, CheckDecoder<SiteStudyRecord>,  CheckDecoder<KnownSum>,
    CheckDecoder<SiteStateRecord>,  CheckDecoder<AnsweredRecord>,   CheckDecoder<AnsweredCohort>,
    CheckDecoder<ExcludedRecord>,   CheckDecoder<PrivacyRecord>,    CheckDecoder<ApprovalRecord>,
    CheckDecoder<SketchedRecord>,   CheckDecoder<SupersededRecord>, CheckDecoder<UtcSeconds>,
};

std::vector<Bytes> SmallRecords() {
  ChainRecord link;
  link.event = "answered";
  link.detail = "{}";
  JournalRecord entry;
  entry.survivors = {SiteId(1), SiteId(2), SiteId(5)};
  entry.sum = {1, 2, 3};
  StudyRecord study;
  study.plan_text = "[study]\n";
  study.decisions = {SiteDecision{SiteId(1), DecisionKind::kApproved, {}, {}}};
  study.sites = {SiteId(1)};
  study.result_json = "{}";
  SiteStudyRecord at_site;
  at_site.plan_text = "[study]\n";
  at_site.decision = Decision{DecisionKind::kApproved, {}};
  at_site.frozen = {SiteId(1), SiteId(2)};
  SiteStateRecord state;
  state.state = Bytes(9);
  AnsweredCohort cohort;
  cohort.patients = NumberedPatients(3);
  ApprovalRecord approval;
  approval.last_day = 20'000;
  approval.signatures.resize(2);
  approval.signatures[0].name = "jane";
  approval.pending.resize(1);
  return {Encode(link),
          Encode(entry),
          Encode(study),
          Encode(InvitationRecord{"north", {}, {}}),
          Encode(at_site),
          Encode(KnownSum{{SiteId(1), SiteId(2)}, 3, {4, 5}}),
          Encode(state),
          Encode(AnsweredRecord{{}, RoundNumber(1), {SiteId(1)}}),
          Encode(cohort),
          Encode(ExcludedRecord{}),
          Encode(PrivacyRecord{0.5}),
          Encode(approval),
          Encode(SketchedRecord{{}, RoundNumber(2), 3}),
          Encode(SupersededRecord{}),
          Encode(UtcSeconds{1'800'000'000})};
}

}  // namespace

void FuzzOne(ByteSpan input) {
  if (input.empty()) return;
  kChecks[std::to_integer<std::size_t>(input[0]) % std::size(kChecks)](input.subspan(1));
}

std::vector<Bytes> FuzzSeeds() {
  std::vector<Bytes> seeds;
  for (const Bytes& record : SmallRecords()) {
    Bytes seed{static_cast<std::byte>(seeds.size())};
    seed.insert(seed.end(), record.begin(), record.end());
    CHECK(kChecks[seeds.size()](record));
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace consilium
