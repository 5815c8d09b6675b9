// Sums over more sites than share masks with one another: each chooses its neighbours.

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "protocols/secure_sum/neighbours.h"
#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

using D = DropReason;
using R = RefusalReason;

constexpr std::uint32_t kSites = 150;

SumRun::Absent Some(std::uint32_t first, std::uint32_t count) {
  SumRun::Absent absent;
  for (std::uint32_t i = 0; i < count; ++i) absent.insert(first + 3 * i);
  return absent;
}

TEST(NeighboursTest, AreSoManyOthersAscendingAndNeverTheSiteItself) {
  SumFixture fixture(kSites);
  const RoundStart& start = fixture.setup().start;
  const auto chosen = ChooseNeighbours(start, fixture.id(7), fixture.random());
  EXPECT_EQ(chosen.size(), start.thresholds.neighbours);
  EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
  EXPECT_EQ(std::set<SiteId>(chosen.begin(), chosen.end()).size(), chosen.size());
  for (const SiteId site : chosen) {
    EXPECT_NE(site, fixture.id(7));
    EXPECT_TRUE(PointOf(start, site).has_value());
  }
}

TEST(NeighboursTest, AreAllOthersInTheCompleteGraph) {
  SumFixture fixture(9);
  const auto chosen = ChooseNeighbours(fixture.setup().start, fixture.id(0), fixture.random());
  ASSERT_EQ(chosen.size(), 8U);
  EXPECT_EQ(chosen.front(), fixture.id(1));
  EXPECT_EQ(chosen.back(), fixture.id(8));
}

/// Each of 149 others is chosen with probability k/149. Over 2,000 draws the statistic
/// sum (c - e)^2 / (e (1 - k/149)) * 148/149 is chi-square with 148 degrees of freedom: mean 148,
/// deviation 17.2; 257 would be passed by chance once in 10^7 runs. The seed is fixed.
TEST(NeighboursTest, AreUniform) {
  SumFixture fixture(kSites);
  const RoundStart& start = fixture.setup().start;
  std::map<SiteId, int> counts;
  constexpr int kDraws = 2'000;
  for (int i = 0; i < kDraws; ++i) {
    for (const SiteId site : ChooseNeighbours(start, fixture.id(3), fixture.random())) {
      ++counts[site];
    }
  }
  ASSERT_EQ(counts.size(), kSites - 1U);
  const double share = start.thresholds.neighbours / (kSites - 1.0);
  const double expected = kDraws * share;
  double statistic = 0;
  for (const auto& [site, count] : counts) {
    statistic += (count - expected) * (count - expected) / (expected * (1 - share));
  }
  statistic *= (kSites - 2.0) / (kSites - 1.0);
  EXPECT_LT(statistic, 257);
  EXPECT_GT(statistic, 70);
}

TEST(SparseSumTest, IsExactWithEverybody) {
  SumFixture fixture(kSites);
  ASSERT_FALSE(IsComplete(fixture.setup().start.thresholds));
  SumRun run(fixture, /*everyone=*/true);
  run.Dealing();
  run.Uploading();
  run.Confirming();
  run.Unmask();
  ASSERT_EQ(run.coordinator().phase(), SumPhase::kFinished) << run.coordinator().failure();
  EXPECT_EQ(run.coordinator().survivors().size(), kSites);
  EXPECT_EQ(run.coordinator().sum(), run.ExpectedSum());
}

/// A tenth of the sites is lost in all, in whichever step.
class SparseDropOutTest : public ::testing::TestWithParam<std::array<std::uint32_t, 4>> {};

TEST_P(SparseDropOutTest, LeavesTheSumOfTheOthers) {
  const auto [dealing, uploading, confirming, unmasking] = GetParam();
  SumFixture fixture(kSites);
  SumRun run(fixture);
  run.Dealing(Some(0, dealing));
  run.Uploading(Some(1, uploading));
  run.Confirming(Some(2, confirming));
  run.Unmask(Some(2, unmasking));
  ASSERT_EQ(run.coordinator().phase(), SumPhase::kFinished) << run.coordinator().failure();
  EXPECT_EQ(run.coordinator().survivors().size(), kSites - dealing - uploading);
  EXPECT_EQ(run.coordinator().sum(), run.ExpectedSum());
}

INSTANTIATE_TEST_SUITE_P(Steps,
                         SparseDropOutTest,
                         ::testing::Values(std::array<std::uint32_t, 4>{15, 0, 0, 0},
                                           std::array<std::uint32_t, 4>{0, 15, 0, 0},
                                           std::array<std::uint32_t, 4>{0, 0, 15, 15},
                                           std::array<std::uint32_t, 4>{0, 0, 0, 15},
                                           std::array<std::uint32_t, 4>{5, 5, 0, 5}));

TEST(SparseSumTest, FailsAndOpensNothingWhenANeighbourhoodIsGone) {
  SumFixture fixture(kSites);
  SumRun run(fixture);
  run.Dealing();
  run.Uploading();
  run.Confirming();
  // Of one site's neighbours fewer than t answer, while far more than q sites do.
  const auto& shares = run.session(0).shares().shares;
  const std::uint32_t spared = fixture.setup().start.thresholds.shares - 1;
  SumRun::Absent gone;
  for (std::size_t i = spared; i < shares.size(); ++i) {
    gone.insert(fixture.IndexOf(shares[i].recipient));
  }
  run.Unmask(gone);
  EXPECT_EQ(run.coordinator().phase(), SumPhase::kFailed);
  EXPECT_NE(run.coordinator().failure().find("1 sites' secrets"), std::string::npos)
      << run.coordinator().failure();
}

TEST(SparseSumTest, UnmaskingEndsAsSoonAsEverySecretCanBeOpened) {
  SumFixture fixture(kSites);
  SumRun run(fixture);
  run.Dealing();
  run.Uploading();
  run.Confirming();
  std::size_t answers = 0;
  while (!run.coordinator().ReadyToClose()) ASSERT_FALSE(run.SendUnmasking(answers++));
  EXPECT_LT(answers, kSites);
  EXPECT_GT(answers, fixture.setup().start.thresholds.quorum);
  run.coordinator().Close();
  EXPECT_EQ(run.coordinator().sum(), run.ExpectedSum());
}

TEST(SparseSumTest, SharesForTooManyTooFewOrStrangeNeighboursAreRefused) {
  SumFixture fixture(kSites);
  const Shares honest = SumRun(fixture).session(5).shares();
  const auto reason = [&](auto&& spoil) {
    Shares shares = honest;
    spoil(shares.shares);
    return CoordinatorSession(fixture.setup(), false).OnShares(fixture.id(5), shares);
  };
  using List = std::vector<SealedShare>;
  EXPECT_EQ(reason([](List&) {}), std::nullopt);
  EXPECT_EQ(reason([](List& list) { list.pop_back(); }), D::kWrongRecipients);
  EXPECT_EQ(reason([](List& list) { std::swap(list[0], list[1]); }), D::kWrongRecipients);
  EXPECT_EQ(reason([](List& list) { list[1] = list[0]; }), D::kWrongRecipients);
  EXPECT_EQ(reason([](List& list) { list.back().recipient = SiteId(UINT32_MAX); }),
            D::kWrongRecipients);
  EXPECT_EQ(reason([&](List& list) { list.front().recipient = fixture.id(5); }),
            D::kWrongRecipients);
}

// -- What a site refuses

class SparseSiteTest : public ::testing::Test {
 protected:
  SparseSiteTest() { run_.Dealing(); }

  SumFixture fixture_{kSites};
  SumRun run_{fixture_};
};

TEST_F(SparseSiteTest, RefusesADeliveryWithoutItsNeighbours) {
  std::set<SiteId> chosen;
  for (const SealedShare& share : run_.session(0).shares().shares) chosen.insert(share.recipient);
  Delivery delivery = run_.coordinator().DeliveryFor(fixture_.id(0));
  std::size_t spare = chosen.size() + 1 - fixture_.setup().start.thresholds.shares;
  std::erase_if(delivery.shares, [&](const DeliveredShare& share) {
    return chosen.contains(share.dealer) && spare > 0 && spare-- > 0;
  });
  ASSERT_GE(delivery.shares.size(), fixture_.fewest()) << "enough sites, but not enough of its own";
  const auto judged = run_.session(0).OnDelivery(delivery);
  ASSERT_FALSE(judged.has_value());
  EXPECT_EQ(judged.error().reason, R::kDeliveryTooSmall);
}

TEST_F(SparseSiteTest, RefusesSurvivorsWithoutItsNeighbours) {
  run_.Uploading();
  std::set<SiteId> chosen;
  for (const SealedShare& share : run_.session(0).shares().shares) chosen.insert(share.recipient);
  Survivors survivors = run_.coordinator().SurvivorList();
  std::size_t spare = chosen.size() + 1 - fixture_.setup().start.thresholds.shares;
  std::erase_if(survivors.headers, [&](const SurvivorHeader& header) {
    return chosen.contains(header.site) && spare > 0 && spare-- > 0;
  });
  ASSERT_GE(survivors.headers.size(), fixture_.fewest());
  const auto judged = run_.session(0).OnSurvivors(survivors);
  ASSERT_FALSE(judged.has_value());
  EXPECT_EQ(judged.error().reason, R::kSurvivorsTooFew);
}

TEST_F(SparseSiteTest, VerifiesTheHeadersOfExactlyThoseItSharesMasksWith) {
  std::set<SiteId> partners;
  for (const SealedShare& share : run_.session(0).shares().shares) partners.insert(share.recipient);
  for (const DeliveredShare& share : run_.coordinator().DeliveryFor(fixture_.id(0)).shares) {
    if (!share.sealed.empty()) partners.insert(share.dealer);
  }
  ASSERT_GT(partners.size(), fixture_.setup().start.thresholds.neighbours);
  run_.Uploading();
  Survivors survivors = run_.coordinator().SurvivorList();
  for (const SiteId partner : partners) {
    Signature& signature = survivors.headers[fixture_.IndexOf(partner)].signature;
    const Signature honest = signature;
    signature.bytes[9] ^= std::byte{1};
    const auto judged = run_.session(0).OnSurvivors(survivors);
    ASSERT_FALSE(judged.has_value());
    EXPECT_EQ(judged.error().reason, R::kHeaderForged);
    EXPECT_EQ(judged.error().about, partner);
    signature = honest;
  }
  for (std::size_t i = 1; i < kSites; ++i) {
    if (!partners.contains(fixture_.id(i))) survivors.headers[i].signature = Signature();
  }
  EXPECT_TRUE(run_.session(0).OnSurvivors(survivors).has_value());
}

/// Who promises more sites than a quorum has, or wants more by its own policy, could be given names
/// of members that never took part.
TEST(SparseMinimumTest, VerifiesEveryHeaderWhereMoreThanAQuorumArePromised) {
  for (const bool own : {false, true}) {
    SumFixture fixture(kSites, 4, own ? 5 : kSites);
    if (own) fixture.setup().own_minimum = kSites;
    SumRun run(fixture, /*everyone=*/true);
    run.Dealing();
    run.Uploading();
    for (std::size_t i = 1; i < kSites; i += 37) {
      Survivors survivors = run.coordinator().SurvivorList();
      survivors.headers[i].signature = Signature();
      const auto judged = run.session(0).OnSurvivors(survivors);
      ASSERT_FALSE(judged.has_value()) << own << " " << i;
      EXPECT_EQ(judged.error().reason, R::kHeaderForged);
      EXPECT_EQ(judged.error().about, fixture.id(i));
    }
    EXPECT_TRUE(run.session(0).OnSurvivors(run.coordinator().SurvivorList()).has_value());
  }
}

TEST_F(SparseSiteTest, RefusesASurvivorThatWasShownAnotherDeliveryWhoeverItIs) {
  run_.Uploading();
  for (const std::size_t i : {std::size_t{1}, std::size_t{77}, kSites - std::size_t{1}}) {
    Survivors lie = run_.coordinator().SurvivorList();
    SurvivorHeader& header = lie.headers[i];
    header.header.delivery_root.bytes[0] ^= std::byte{1};
    header.signature = fixture_.Sign(i, MessageKind::kUploadHeader, header.header);
    const auto judged = run_.session(0).OnSurvivors(lie);
    ASSERT_FALSE(judged.has_value());
    EXPECT_EQ(judged.error().reason, R::kViewsDiffer);
    EXPECT_EQ(judged.error().about, fixture_.id(i));
  }
}

TEST_F(SparseSiteTest, LooksAtThePrekeysOfTheSitesThatChoseIt) {
  // The coordinator swaps the key of a site that chose site 0 and that site 0 did not choose.
  const Delivery delivery = run_.coordinator().DeliveryFor(fixture_.id(0));
  std::set<SiteId> chosen;
  for (const SealedShare& share : run_.session(0).shares().shares) chosen.insert(share.recipient);
  const auto stranger = std::find_if(
      delivery.shares.begin(), delivery.shares.end(), [&](const DeliveredShare& share) {
        return !share.sealed.empty() && !chosen.contains(share.dealer);
      });
  ASSERT_NE(stranger, delivery.shares.end());
  SessionSetup setup = fixture_.setup();
  Participant& victim = setup.start.participants[fixture_.IndexOf(stranger->dealer)];
  victim.prekey = GeneratePrekey(fixture_.random()).prekey;
  Delivery told = delivery;
  for (DeliveredShare& share : told.shares) {
    if (share.dealer != victim.site) share.sealed.clear();
  }
  // It refuses the start itself where it draws the victim.
  Judged<SiteSession> session = fixture_.TryBegin(0, setup);
  while (!session) {
    ASSERT_EQ(session.error().reason, R::kPrekeyForged);
    ASSERT_EQ(session.error().about, victim.site);
    session = fixture_.TryBegin(0, setup);
  }
  told.shares[0].shares_digest = DigestOfShares(session->shares());
  const auto judged = session->OnDelivery(told);
  ASSERT_FALSE(judged.has_value());
  EXPECT_EQ(judged.error().reason, R::kPrekeyForged);
  EXPECT_EQ(judged.error().about, victim.site);
}

}  // namespace
}  // namespace consilium
