// An attempt with norms checked, both sides.
// Covers protocols/secure_sum/sketch_collection.cc, protocols/secure_sum/coordinator_opening.cc.

#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "protocols/secure_sum/sketch_collection.h"
#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

constexpr std::size_t kLiar = 2;
constexpr double kBound = 100;

class NormCheckTest : public ::testing::TestWithParam<Encoding> {
 protected:
  NormCheckTest() {
    fixture_.CheckNorms(kBound, GetParam());
    run_.emplace(fixture_);
    for (std::size_t i = 0; i < fixture_.size(); ++i) {
      run_->contribution(i) = fixture_.WordsOfLength(kBound);
    }
  }

  CoordinatorSession& coordinator() { return run_->coordinator(); }
  SumPhase phase() { return coordinator().phase(); }
  /// To where sketches are asked for.
  void Commit(const SumRun::Absent& absent = {}) {
    run_->Dealing();
    run_->Committing(absent);
    ASSERT_EQ(phase(), SumPhase::kSketching) << coordinator().failure();
  }
  void Finish(const SumRun::Absent& absent = {}) {
    run_->Confirming(absent);
    run_->Unmask(absent);
  }
  void ExpectExactSumWithout(std::size_t site) {
    ASSERT_EQ(phase(), SumPhase::kFinished) << coordinator().failure();
    EXPECT_EQ(coordinator().survivors().size(), fixture_.size() - 1);
    for (const SiteId id : coordinator().survivors()) EXPECT_NE(id, fixture_.id(site));
    EXPECT_EQ(coordinator().sum(), run_->ExpectedSum());
  }

  SumFixture fixture_{5, 2 + 2'048};
  std::optional<SumRun> run_;
};

TEST_P(NormCheckTest, HonestSitesSumIsExact) {
  Commit();
  run_->Sketching();
  run_->Sending();
  Finish();

  ASSERT_EQ(phase(), SumPhase::kFinished) << coordinator().failure();
  EXPECT_EQ(coordinator().sum(), run_->ExpectedSum());
  EXPECT_TRUE(coordinator().dropped().empty());
}

TEST_P(NormCheckTest, ASiteWithALongerVectorIsNamedAndItsVectorIsNeverAskedFor) {
  run_->contribution(kLiar) = fixture_.WordsOfLength(10 * kBound);
  Commit();
  for (const std::size_t i : run_->Members({kLiar})) ASSERT_FALSE(run_->SendSketch(i));

  EXPECT_EQ(run_->SendSketch(kLiar), DropReason::kTooLong);

  coordinator().Close();
  ASSERT_EQ(phase(), SumPhase::kUploading);
  EXPECT_EQ(coordinator().dropped().at(fixture_.id(kLiar)), DropReason::kTooLong);
  EXPECT_FALSE(coordinator().NextChunk(fixture_.id(kLiar)));
  EXPECT_EQ(run_->SendVector(kLiar), DropReason::kWrongPhase);
  run_->Sending({kLiar});
  Finish({kLiar});
  ExpectExactSumWithout(kLiar);
}

TEST_P(NormCheckTest, WordsBeyondEveryBoundAreNamed) {
  for (std::size_t i = 2; i < run_->contribution(kLiar).size(); ++i) {
    run_->contribution(kLiar)[i] = std::uint64_t{0x7fff'ffff'7fff'ffff};
  }
  Commit();

  EXPECT_EQ(run_->SendSketch(kLiar), DropReason::kTooLong);
}

TEST_P(NormCheckTest, ASketchOfAnotherVectorIsFoundOutAndTheSumIsThrownAway) {
  run_->contribution(kLiar) = fixture_.WordsOfLength(10 * kBound);
  Commit();
  for (const std::size_t i : run_->Members({kLiar})) ASSERT_FALSE(run_->SendSketch(i));
  // As of a vector within the bound.
  Sketch lie = run_->SketchOf(kLiar);
  SketchNumbers numbers = *SketchNumbersOf(lie.numbers);
  for (SketchNumber& number : numbers) number /= 10;
  lie.numbers = SketchWords(numbers);
  ASSERT_FALSE(coordinator().OnSketch(fixture_.id(kLiar), lie));
  coordinator().Close();
  run_->Sending();
  Finish();

  EXPECT_EQ(phase(), SumPhase::kFailed);
  EXPECT_TRUE(coordinator().sketches_disagree());
  EXPECT_FALSE(coordinator().culprit());
}

TEST_P(NormCheckTest, ASketchThatIsOffByOneInOneNumberIsFoundOut) {
  Commit();
  for (const std::size_t i : run_->Members({kLiar})) ASSERT_FALSE(run_->SendSketch(i));
  Sketch lie = run_->SketchOf(kLiar);
  lie.numbers[40] += 1;
  ASSERT_FALSE(coordinator().OnSketch(fixture_.id(kLiar), lie));
  coordinator().Close();
  run_->Sending();
  Finish();

  EXPECT_TRUE(coordinator().sketches_disagree());
}

TEST_P(NormCheckTest, ASiteWithoutASketchIsLeftOut) {
  Commit();
  run_->Sketching({kLiar});
  EXPECT_EQ(coordinator().dropped().at(fixture_.id(kLiar)), DropReason::kSilent);
  run_->Sending();
  Finish();
  ExpectExactSumWithout(kLiar);
}

TEST_P(NormCheckTest, ASiteLostAfterItsSketchIsLeftOutOfBothSums) {
  Commit();
  run_->Sketching();
  run_->Sending({kLiar});
  Finish();
  ExpectExactSumWithout(kLiar);
}

TEST_P(NormCheckTest, ASiteThatPromisesNoVectorIsNotSketched) {
  Commit({kLiar});
  EXPECT_EQ(coordinator().sketch_request().committed.headers.size(), fixture_.size() - 1);
  run_->Sketching();
  run_->Sending();
  Finish();
  ExpectExactSumWithout(kLiar);
}

TEST_P(NormCheckTest, NoVectorIsTakenBeforeItIsSketched) {
  run_->Dealing();
  run_->MaskAll();
  ASSERT_FALSE(run_->SendHeader(0));

  EXPECT_EQ(run_->SendVector(0), DropReason::kWrongPhase);
  EXPECT_FALSE(coordinator().NextChunk(fixture_.id(0)));
  EXPECT_TRUE(coordinator().dropped().empty());
}

TEST_P(NormCheckTest, AHeaderThatComesLateIsOutOfItsPhase) {
  Commit({kLiar});
  run_->Sketching();
  ASSERT_EQ(phase(), SumPhase::kUploading);
  ASSERT_TRUE(run_->Deliver(kLiar).has_value());
  run_->Mask(kLiar);

  EXPECT_EQ(run_->SendHeader(kLiar), DropReason::kWrongPhase);
}

TEST_P(NormCheckTest, SketchesByAnotherSeedOrOfAnotherLengthDropTheirSite) {
  Commit();
  Sketch other = run_->SketchOf(0);
  other.seed.bytes[0] ^= std::byte{1};
  EXPECT_EQ(coordinator().OnSketch(fixture_.id(0), other), DropReason::kWrongContext);
  Sketch cut = run_->SketchOf(1);
  cut.numbers.pop_back();
  EXPECT_EQ(coordinator().OnSketch(fixture_.id(1), cut), DropReason::kWrongLength);
}

TEST_P(NormCheckTest, ARepeatedSketchIsLeftAsideAndADifferentOneDropsItsSite) {
  Commit();
  ASSERT_FALSE(run_->SendSketch(0));
  EXPECT_EQ(run_->SendSketch(0), DropReason::kWrongPhase);
  EXPECT_TRUE(coordinator().dropped().empty());
  Sketch other = run_->SketchOf(0);
  other.numbers[0] += 1;
  EXPECT_EQ(coordinator().OnSketch(fixture_.id(0), other), DropReason::kConflictingRepeat);
}

TEST_P(NormCheckTest, ASketchOutOfItsPhaseIsLeftAside) {
  run_->Dealing();
  EXPECT_EQ(coordinator().OnSketch(fixture_.id(0), Sketch()), DropReason::kWrongPhase);
  EXPECT_TRUE(coordinator().dropped().empty());
}

TEST_P(NormCheckTest, ASiteRepeatsItsSketchAndGivesNoSecondOne) {
  Commit();
  const SketchRequest request = coordinator().sketch_request();
  const Sketch first = *run_->session(0).OnSketchRequest(request);
  EXPECT_EQ(Encode(*run_->session(0).OnSketchRequest(request)), Encode(first));

  SketchRequest other_nonce = request;
  other_nonce.nonce[0] ^= std::byte{1};
  SketchRequest fewer = request;
  fewer.committed.headers.pop_back();
  for (const SketchRequest& second : {other_nonce, fewer}) {
    const Judged<Sketch> refused = run_->session(0).OnSketchRequest(second);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().reason, RefusalReason::kSecondSketch);
  }
  EXPECT_EQ(Encode(*run_->session(0).OnSketchRequest(request)), Encode(first));
}

struct BadRequest {
  std::string name;
  std::function<void(Survivors&)> alter;
  RefusalReason reason;
};

TEST_P(NormCheckTest, ASiteIsNotSketchedForAListThatItWouldNotConfirm) {
  Commit();
  const BadRequest kCases[] = {
      {"too few", [](Survivors& list) { list.headers.resize(2); }, RefusalReason::kSurvivorsTooFew},
      {"without itself", [](Survivors& list) { list.headers.erase(list.headers.begin()); },
       RefusalReason::kLeftOut},
      {"another header", [](Survivors& list) { list.headers[1].header.vector_hash = Digest(); },
       RefusalReason::kHeaderForged},
      {"a site twice", [](Survivors& list) { list.headers[1] = list.headers[0]; },
       RefusalReason::kSurvivorsNotWithinDelivery}};
  for (const BadRequest& bad : kCases) {
    SketchRequest request = coordinator().sketch_request();
    bad.alter(request.committed);
    const Judged<Sketch> refused = run_->session(0).OnSketchRequest(request);
    ASSERT_FALSE(refused.has_value()) << bad.name;
    EXPECT_EQ(refused.error().reason, bad.reason) << bad.name;
    EXPECT_FALSE(run_->session(0).HasSketched());
  }
}

TEST_P(NormCheckTest, ASiteThatWasNotSketchedConfirmsNoSurvivors) {
  Commit();
  const Judged<Confirmation> refused =
      run_->session(0).OnSurvivors(coordinator().sketch_request().committed);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, RefusalReason::kNotSketched);
}

TEST_P(NormCheckTest, ASurvivorThatWasNotBoundWhenSketchesWereAskedForIsRefused) {
  Commit();
  SketchRequest request = coordinator().sketch_request();
  const SurvivorHeader late = request.committed.headers.back();
  request.committed.headers.pop_back();
  ASSERT_TRUE(run_->session(0).OnSketchRequest(request).has_value());
  Survivors survivors = request.committed;
  survivors.headers.push_back(late);

  const Judged<Confirmation> refused = run_->session(0).OnSurvivors(survivors);

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, RefusalReason::kNotSketched);
  EXPECT_EQ(refused.error().about, late.site);
  EXPECT_TRUE(run_->session(0).OnSurvivors(request.committed).has_value());
}

TEST_P(NormCheckTest, SitesWithDifferentSeedsConfirmDifferentTranscripts) {
  Commit();
  const SketchRequest request = coordinator().sketch_request();
  SketchRequest other = request;
  other.nonce[5] ^= std::byte{1};
  ASSERT_TRUE(run_->session(0).OnSketchRequest(request).has_value());
  ASSERT_TRUE(run_->session(1).OnSketchRequest(other).has_value());

  const Confirmation here = *run_->session(0).OnSurvivors(request.committed);
  const Confirmation there = *run_->session(1).OnSurvivors(request.committed);

  EXPECT_NE(here.transcript, there.transcript);
  // And a repeat is known as one.
  EXPECT_EQ(run_->session(0).OnSurvivors(request.committed)->transcript, here.transcript);
}

INSTANTIATE_TEST_SUITE_P(Encodings,
                         NormCheckTest,
                         ::testing::Values(Encoding::kReal, Encoding::kShort),
                         [](const auto& one) {
                           return one.param == Encoding::kReal ? std::string("Real")
                                                               : std::string("Short");
                         });

TEST(NoNormCheckTest, ASketchIsRefusedWhereThePlanHasNone) {
  SumFixture fixture(3);
  SumRun run(fixture);
  run.Dealing();
  run.MaskAll();
  const Judged<Sketch> refused = run.session(0).OnSketchRequest(SketchRequest());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, RefusalReason::kUnexpected);
  EXPECT_EQ(run.coordinator().OnSketch(fixture.id(0), Sketch()), DropReason::kWrongPhase);
}

/// Long vectors have turns, with norms checked as without.
TEST(NormCheckTurnsTest, OfLongVectorsTwoAreAskedForAtATime) {
  SumFixture fixture(5, 2 + 3 * kChunkWords);
  fixture.CheckNorms(kBound);
  SumRun run(fixture);
  for (std::size_t i = 0; i < 5; ++i) run.contribution(i) = fixture.WordsOfLength(kBound);
  run.Dealing();
  run.Committing();
  run.Sketching();
  ASSERT_EQ(run.coordinator().phase(), SumPhase::kUploading);

  EXPECT_EQ(run.coordinator().GrantNext().size(), kUploadsAtATime);
  EXPECT_EQ(run.coordinator().AwaitingTurn().size(), 5 - kUploadsAtATime);
  run.Sending();
  run.Confirming();
  run.Unmask();
  ASSERT_EQ(run.coordinator().phase(), SumPhase::kFinished) << run.coordinator().failure();
  EXPECT_EQ(run.coordinator().sum(), run.ExpectedSum());
}

}  // namespace
}  // namespace consilium
