// The witness is what a storm stands on: each thing that must never happen is shown to it once.

#include "simulations/storm/witness.h"

#include <bit>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/records.h"
#include "common/crypto/hash.h"
#include "coordinator/records.h"
#include "protocols/analysis_thread.h"
#include "protocols/hash_chain.h"
#include "protocols/norm_check.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kSecret = 57.123456789012;

std::string PlanText() {
  return "[study]\ntitle = \"W\"\nquestion = \"?\"\nrequested_by = \"W\"\npermit = \"none\"\n"
         "expires = 2099-01-01\nminimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 100]\n"
         "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [0, 100]\n"
         "[analysis]\nkind = \"linear\"\noutcome = \"dose\"\nfeatures = [\"age\"]\n"
         "[privacy]\nminimum_patients = 3\n[round]\ndeadline = \"30s\"\non_loss = \"continue\"\n";
}

class WitnessTest : public ::testing::Test {
 protected:
  WitnessTest() : plan_(*ParsePlan(PlanText(), "plan.toml")) {
    witness_.KnowPlan(plan_);
    for (std::uint32_t i = 0; i < 4; ++i) witness_.KnowMember(i, SiteId(i + 1));
    route_ = Route{FederationId(), plan_.id, RoundNumber(1), AttemptNumber(1)};
  }

  Bytes Sealed(MessageKind kind, ByteSpan body) { return SealMessage(kind, route_, body, key_); }

  /// Four sites start; each is told so.
  void Start(std::size_t told = 4) {
    RoundStart start;
    for (std::uint32_t i = 0; i < 4; ++i) {
      Participant participant;
      participant.site = SiteId(i + 1);
      participant.prekey.id[0] = static_cast<std::byte>(i + 1);
      start.participants.push_back(participant);
    }
    const Bytes message = Sealed(MessageKind::kRoundStart, Encode(start));
    for (std::uint32_t i = 0; i < 4; ++i) {
      witness_.OnSiteReceives(i, message);
      Tell(i, told);
    }
  }

  /// What the coordinator may ask of a site goes by how many it is told of.
  void Tell(std::uint32_t site, std::size_t sites) {
    Delivery delivery;
    Survivors survivors;
    Quorum quorum;
    delivery.shares.resize(sites);
    survivors.headers.resize(sites);
    quorum.signatures.resize(sites);
    witness_.OnSiteReceives(site, Sealed(MessageKind::kDelivery, Encode(delivery)));
    witness_.OnSiteReceives(site, Sealed(MessageKind::kSurvivors, Encode(survivors)));
    witness_.OnSiteReceives(site, Sealed(MessageKind::kQuorum, Encode(quorum)));
  }

  void Store(const std::string& table, ByteSpan key, const Bytes& value) {
    ASSERT_TRUE(disk_.Apply({PutRecord{table, ToBytes(key), value}}));
  }

  void Enter(std::uint32_t round, std::uint32_t attempt) {
    HashChain ledger("ledger", "test/v1");
    const std::string detail = R"({"study":")" + plan_.id.ToHex() + R"(","round":)" +
                               std::to_string(round) + R"(,"attempt":)" + std::to_string(attempt) +
                               ",";
    ASSERT_TRUE(disk_.Apply({ledger.Append(UtcSeconds{1}, "answered", detail, key_)}));
  }

  void SendUpload(std::uint32_t site, unsigned vector) {
    UploadHeader header;
    header.vector_hash.bytes[0] = static_cast<std::byte>(vector);
    witness_.OnSiteSends(site, Sealed(MessageKind::kUploadHeader, Encode(header)), disk_);
  }

  void SendShares(std::uint32_t site, ShareKind kind, std::vector<SiteId> released) {
    SiteStudyRecord record;
    record.released_round = RoundNumber(1);
    record.released = std::move(released);
    Store("study", plan_.id.span(), Encode(record));
    Unmasking unmasking;
    RevealedShare share;
    share.dealer = SiteId(1);
    share.kind = kind;
    unmasking.shares.push_back(share);
    witness_.OnSiteSends(site, Sealed(MessageKind::kUnmasking, Encode(unmasking)), disk_);
  }

  void ExpectOnly(const std::string& words) {
    EXPECT_THAT(witness_.violations(), ElementsAre(HasSubstr(words)));
  }

  SeededRandom random_{5};
  SigningKey key_ = SigningKey::Generate(random_);
  Plan plan_;
  Route route_;
  VirtualDisk disk_;
  Witness witness_{{true, true, true, false}};
};

TEST_F(WitnessTest, SeesAPatientsNumberInAMessage) {
  witness_.KnowSecret(kSecret);
  Bytes bytes(11, std::byte{7});
  witness_.OnSiteSends(3, bytes, disk_);
  EXPECT_THAT(witness_.violations(), IsEmpty());

  const ByteArray<8> secret = std::bit_cast<ByteArray<8>>(kSecret);
  std::copy(secret.begin(), secret.end(), bytes.begin() + 3);
  witness_.OnSiteSends(3, bytes, disk_);

  ExpectOnly("a site's own number stands in a message");
}

TEST_F(WitnessTest, SeesAnAnswersNumberInAWriteOfTheCoordinator) {
  witness_.OnAnswer(0, ComputeAnswer{plan_.id, RoundNumber(1), AttemptNumber(1), Query{}},
                    Contribution{{kSecret}});
  const ByteArray<8> secret = std::bit_cast<ByteArray<8>>(kSecret);

  witness_.OnWrite({PutRecord{"study", {}, ToBytes(ByteSpan(secret))}}, true);

  ExpectOnly("the coordinator's state");
}

TEST_F(WitnessTest, SeesANumberInALog) {
  witness_.OnNote(Note{LogLevel::kInfo, "fine", {{"software", "consilium-site 0.1.0"}}});
  EXPECT_THAT(witness_.violations(), IsEmpty());

  witness_.OnNote(Note{LogLevel::kInfo, "chatty", {{"mean", "57.1234567"}}});

  ExpectOnly("a number stands in the log: chatty");
}

TEST_F(WitnessTest, SeesAVectorThatLeavesBeforeTheLedgerHasIt) {
  Start();
  Enter(1, 1);
  SendUpload(0, 1);
  EXPECT_THAT(witness_.violations(), IsEmpty());
  route_.attempt = AttemptNumber(2);
  Start();

  SendUpload(1, 1);

  ExpectOnly("before it stood in the ledger");
}

TEST_F(WitnessTest, SeesTwoVectorsUnderOneMask) {
  Start();
  Enter(1, 1);
  SendUpload(0, 1);
  SendUpload(0, 1);
  EXPECT_THAT(witness_.violations(), IsEmpty());

  SendUpload(0, 2);

  ExpectOnly("two vectors were masked in one context");
}

TEST_F(WitnessTest, SeesAPrekeyInTwoContexts) {
  Start();
  Shares shares;
  witness_.OnSiteSends(0, Sealed(MessageKind::kShares, Encode(shares)), disk_);
  EXPECT_THAT(witness_.violations(), IsEmpty());
  shares.context.bytes[0] = std::byte{1};

  witness_.OnSiteSends(0, Sealed(MessageKind::kShares, Encode(shares)), disk_);

  ExpectOnly("a prekey was used in two contexts");
}

TEST_F(WitnessTest, SeesAConfirmationThatIsNotDurable) {
  Start();
  witness_.OnSiteSends(0, Sealed(MessageKind::kConfirmation, Encode(Confirmation())), disk_);

  ExpectOnly("a confirmation left before it was durable");
}

TEST_F(WitnessTest, SeesTwoTranscriptsConfirmed) {
  Start();
  for (unsigned i = 1; i <= 2; ++i) {
    SiteStudyRecord record;
    record.confirmed_transcript.bytes[0] = static_cast<std::byte>(i);
    Store("study", plan_.id.span(), Encode(record));
    const Confirmation confirmation{record.confirmed_transcript};
    witness_.OnSiteSends(0, Sealed(MessageKind::kConfirmation, Encode(confirmation)), disk_);
  }

  ExpectOnly("a site confirmed two transcripts");
}

TEST_F(WitnessTest, SeesBothSharesOfOneDealer) {
  Start();
  const std::vector<SiteId> all = {SiteId(1), SiteId(2), SiteId(3), SiteId(4)};
  SendShares(0, ShareKind::kSelf, all);
  EXPECT_THAT(witness_.violations(), IsEmpty());

  SendShares(0, ShareKind::kMasking, all);

  EXPECT_THAT(witness_.violations(), ElementsAre(HasSubstr("gave other shares than before"),
                                                 HasSubstr("gave both shares of one dealer")));
}

TEST_F(WitnessTest, SeesASumOpenedForTooFew) {
  Start();

  SendShares(0, ShareKind::kSelf, {SiteId(1), SiteId(2)});

  ExpectOnly("a sum was opened for too few sites");
}

TEST_F(WitnessTest, SeesStepsTakenForTooFew) {
  Start(2);
  Enter(1, 1);
  SendUpload(0, 1);
  ExpectOnly("a site took a step for too few sites");

  SendShares(1, ShareKind::kSelf, {SiteId(1), SiteId(2), SiteId(3), SiteId(4)});
  EXPECT_EQ(witness_.violations().size(), 2U) << "nor for a quorum that is too small";
}

TEST_F(WitnessTest, SeesARoundOpenedForTwoSets) {
  Start();
  SendShares(0, ShareKind::kSelf, {SiteId(1), SiteId(2), SiteId(3)});
  route_.attempt = AttemptNumber(2);
  Start();

  SendShares(0, ShareKind::kSelf, {SiteId(1), SiteId(2), SiteId(3), SiteId(4)});

  ExpectOnly("opened one round for two sets of sites");
}

TEST_F(WitnessTest, JudgesHonestSitesOnly) {
  Start();
  SendUpload(3, 1);
  SendUpload(3, 2);
  SendShares(3, ShareKind::kSelf, {SiteId(1)});

  EXPECT_THAT(witness_.violations(), IsEmpty());
}

/// The journal's record of a first round of `linear` over three of four sites.
class JournalWitnessTest : public WitnessTest {
 protected:
  JournalWitnessTest() {
    AnalysisQuery();
    slots_ = SlotsOf(*plan_.analysis->Describe(query_));
    record_.round = RoundNumber(1);
    record_.attempt = AttemptNumber(1);
    record_.capacity = 4;
    record_.sum.assign(WordsOf(slots_), 0);
    for (std::uint32_t i = 0; i < 3; ++i) {
      Cohort cohort;
      cohort.columns = plan_.analysis->columns();
      cohort.patients = 5;
      cohort.values.resize(5, static_cast<Eigen::Index>(cohort.columns.size()));
      for (Eigen::Index j = 0; j < cohort.values.size(); ++j) {
        cohort.values.data()[j] = 10 + 17 * random_.Unit();
      }
      const Contribution answer = *plan_.analysis->Answer(query_, cohort);
      witness_.OnAnswer(i, ComputeAnswer{plan_.id, record_.round, record_.attempt, query_}, answer);
      AddTo(record_.sum, *EncodeFixedPoint(answer.values, slots_, 4));
      record_.survivors.push_back(SiteId(i + 1));
    }
  }

  struct FirstQuery final : Federation {
    Query query;
    Aggregate Sum(const Query& asked) override {
      query = asked;
      throw StudyInterrupted{};
    }
  };

  void AnalysisQuery() {
    FirstQuery first;
    EXPECT_THROW(static_cast<void>(plan_.analysis->Run(first)), StudyInterrupted);
    query_ = first.query;
  }

  void WriteIt() {
    Bytes key = ToBytes(plan_.id.span());
    const ByteArray<8> round = SortableKey(1);
    key.insert(key.end(), round.begin(), round.end());
    witness_.OnWrite({PutRecord{"journal", key, Encode(record_)}}, true);
  }

  Query query_;
  std::vector<Slot> slots_;
  JournalRecord record_;
};

TEST_F(JournalWitnessTest, AgreesWithTheExactSum) {
  WriteIt();
  EXPECT_THAT(witness_.violations(), IsEmpty());
}

TEST_F(JournalWitnessTest, SeesASumThatIsOffByOneUnit) {
  ++record_.sum.back();
  WriteIt();
  ExpectOnly("a sum is not that of its sites' answers");
}

TEST_F(JournalWitnessTest, SeesASumOfTooFew) {
  record_.survivors.pop_back();
  WriteIt();
  EXPECT_THAT(witness_.violations(), testing::Contains(HasSubstr("a sum of too few sites")));
}

TEST_F(JournalWitnessTest, SeesASiteThatDidNotAnswer) {
  record_.survivors.push_back(SiteId(4));
  WriteIt();
  ExpectOnly("a sum with a site that did not answer");
}

TEST_F(JournalWitnessTest, SeesASumMadeKnownBeforeItIsDurable) {
  const RoundClosed closed{record_.survivors, record_.capacity, record_.sum};
  witness_.OnCoordinatorSends(Sealed(MessageKind::kRoundClosed, Encode(closed)), disk_);
  ExpectOnly("before it stood in the journal");
}

/// The first round of a training with norms checked, over three sites.
class SketchWitnessTest : public ::testing::Test {
 protected:
  SketchWitnessTest() {
    witness_.KnowPlan(plan_);
    query_ = std::get<Query>(AnalysisThread(plan_.analysis).Start());
    slots_ = SlotsOf(*plan_.analysis->Describe(query_));
    check_ = NormCheckOf(*plan_.analysis, query_, 3);
    record_.round = RoundNumber(1);
    record_.attempt = AttemptNumber(1);
    record_.capacity = 3;
    record_.sum.assign(WordsOf(slots_), 0);
    for (std::uint32_t i = 0; i < 3; ++i) {
      witness_.KnowMember(i, SiteId(i + 1));
      record_.survivors.push_back(SiteId(i + 1));
      vectors_.push_back(AnswerOf(i));
      AddTo(record_.sum, vectors_.back());
    }
  }

  static std::string PlanWithNorms() {
    std::string text = PlanText();
    const std::string kind = "kind = \"linear\"\n";
    text.replace(text.find(kind), kind.size(),
                 "kind = \"train\"\nmodel = \"mlp\"\nhidden = [64, 16]\nrounds = 2\n"
                 "standardise = \"range\"\nclip = 0.5\nnorm_check = true\n");
    const std::string patient = "patient = \"id\"\n";
    return text.replace(text.find(patient), patient.size(), patient + "maximum_patients = 20\n");
  }

  RingVector AnswerOf(std::uint32_t site) {
    Cohort cohort;
    cohort.columns = plan_.analysis->columns();
    cohort.patients = 5;
    cohort.values.resize(5, static_cast<Eigen::Index>(cohort.columns.size()));
    for (Eigen::Index j = 0; j < cohort.values.size(); ++j) {
      cohort.values.data()[j] = 10 + 17 * random_.Unit();
    }
    const Contribution answer = *plan_.analysis->Answer(query_, cohort);
    witness_.OnAnswer(site, ComputeAnswer{plan_.id, record_.round, record_.attempt, query_},
                      answer);
    return *EncodeFixedPoint(answer.values, slots_, 3);
  }

  void Give(std::uint32_t site, const RingVector& vector) {
    const Digest seed = HashBytes(ToBytes("seed"));
    const Sketch sketch{seed, SketchWords(Project(vector, *check_, seed))};
    witness_.OnCoordinatorReceives(
        site, SealMessage(MessageKind::kSketch,
                          Route{FederationId(), plan_.id, record_.round, record_.attempt},
                          Encode(sketch), SigningKey::Generate(random_)));
  }

  void WriteJournal() {
    Bytes key = ToBytes(plan_.id.span());
    const ByteArray<8> round = SortableKey(1);
    key.insert(key.end(), round.begin(), round.end());
    witness_.OnWrite({PutRecord{"journal", key, Encode(record_)}}, true);
  }

  SeededRandom random_{5};
  Plan plan_ = *ParsePlan(PlanWithNorms(), "plan.toml");
  Query query_;
  std::vector<Slot> slots_;
  std::optional<NormCheck> check_;
  std::vector<RingVector> vectors_;
  JournalRecord record_;
  Witness witness_{{true, true, false}};
};

TEST_F(SketchWitnessTest, AgreesWithSketchesOfTheSitesOwnVectors) {
  for (std::uint32_t i = 0; i < 3; ++i) Give(i, vectors_[i]);
  WriteJournal();
  EXPECT_THAT(witness_.violations(), IsEmpty());
}

TEST_F(SketchWitnessTest, SeesASumWithASiteThatGaveAnotherSketchOrNone) {
  Give(0, vectors_[0]);
  Give(2, vectors_[0]);
  WriteJournal();
  EXPECT_THAT(witness_.violations(), ElementsAre(HasSubstr("sketch is not that of its vector"),
                                                 HasSubstr("sketch is not that of its vector")));
}

}  // namespace
}  // namespace consilium
