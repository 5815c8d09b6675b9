// Covers protocols/secure_sum/session_setup.cc as well.

// Every reason a site has to refuse, and that a refusal leaves its state as it was: after each lie
// the round goes on honestly to the exact sum.

#include "protocols/secure_sum/site_session.h"

#include <gtest/gtest.h>

#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

using R = RefusalReason;

template <class T>
void ExpectRefused(const Judged<T>& judged, R reason) {
  ASSERT_FALSE(judged.has_value()) << "accepted, not " << Name(reason);
  EXPECT_EQ(Name(judged.error().reason), Name(reason));
}

void ExpectSum(SumRun& run) {
  ASSERT_EQ(run.coordinator().phase(), SumPhase::kFinished) << run.coordinator().failure();
  EXPECT_EQ(run.coordinator().sum(), run.ExpectedSum());
}

// -- The start -----------------------------------------------------------------------------------

class StartTest : public testing::Test {
 protected:
  StartTest() : setup_(fixture_.setup()) {}
  void ExpectStartRefused(R reason, std::optional<SiteId> about = std::nullopt) {
    const auto refusal = CheckStart(setup_);
    ASSERT_TRUE(refusal.has_value()) << "accepted, not " << Name(reason);
    EXPECT_EQ(Name(refusal->reason), Name(reason));
    EXPECT_EQ(refusal->about, about);
    ExpectRefused(fixture_.TryBegin(0, setup_), reason);
    EXPECT_TRUE(fixture_.TryBegin(0, fixture_.setup()).has_value());
  }
  /// What is found when keys are agreed on, with each neighbour.
  void ExpectPeerRefused(R reason, SiteId about) {
    EXPECT_FALSE(CheckStart(setup_).has_value());
    const Judged<SiteSession> begun = fixture_.TryBegin(0, setup_);
    ExpectRefused(begun, reason);
    EXPECT_EQ(begun.error().about, about);
    EXPECT_TRUE(fixture_.TryBegin(0, fixture_.setup()).has_value());
  }
  std::vector<Participant>& participants() { return setup_.start.participants; }

  SumFixture fixture_{5};
  SessionSetup setup_;
};

TEST_F(StartTest, AnHonestStartIsAccepted) {
  EXPECT_FALSE(CheckStart(setup_).has_value());
  for (std::size_t i = 0; i < 5; ++i) EXPECT_TRUE(fixture_.TryBegin(i, setup_).has_value());
}

TEST_F(StartTest, RefusesAnyAlteredThreshold) {
  for (std::uint32_t Thresholds::*field :
       {&Thresholds::sites, &Thresholds::neighbours, &Thresholds::shares, &Thresholds::quorum,
        &Thresholds::colluding}) {
    for (const std::uint32_t change : {1u, UINT32_MAX}) {
      setup_ = fixture_.setup();
      setup_.start.thresholds.*field += change;
      ExpectStartRefused(R::kThresholdsAltered);
    }
  }
}

TEST_F(StartTest, RefusesTwoSites) {
  participants().resize(2);
  setup_.start.thresholds = Thresholds{2, 1, 2, 2, 1, 2};
  ExpectStartRefused(R::kThresholdsAltered);
  participants().clear();
  ExpectStartRefused(R::kThresholdsAltered);
}

TEST_F(StartTest, RefusesFewerSitesThanItsOwnMinimum) {
  setup_.start.thresholds.minimum = 6;
  ExpectStartRefused(R::kMinimumLowered);
}

TEST_F(StartTest, RefusesAParticipantOutsideTheRoster) {
  setup_.identities.erase(fixture_.id(3));
  ExpectStartRefused(R::kUnknownParticipant, fixture_.id(3));
}

TEST_F(StartTest, RefusesRepeatedAndUnorderedParticipants) {
  participants()[2] = participants()[1];
  ExpectStartRefused(R::kParticipantTwice, fixture_.id(1));
  setup_ = fixture_.setup();
  std::swap(participants()[3], participants()[4]);
  ExpectStartRefused(R::kParticipantTwice, fixture_.id(3));
  setup_ = fixture_.setup();
  participants()[0].site = SiteId(0);
  ExpectStartRefused(R::kParticipantTwice, SiteId(0));
}

TEST_F(StartTest, RefusesEveryChangedBitOfAPeersPrekey) {
  const Bytes good = Encode(participants()[2].prekey);
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes changed = good;
    changed[i] ^= std::byte{0x10};
    participants()[2].prekey = *Decode<Prekey>(changed);
    ExpectPeerRefused(R::kPrekeyForged, fixture_.id(2));
  }
}

TEST_F(StartTest, RefusesAPrekeySignedForAnotherStudyFederationOrSite) {
  Route route = fixture_.setup().route;
  route.round = RoundNumber();
  route.attempt = AttemptNumber();
  const Bytes body = Encode(participants()[2].prekey);
  participants()[2].signature = fixture_.Sign(1, MessageKind::kPrekey, route, body);
  ExpectPeerRefused(R::kPrekeyForged, fixture_.id(2));
  Route other = route;
  other.study.bytes[0] ^= std::byte{1};
  participants()[2].signature = fixture_.Sign(2, MessageKind::kPrekey, other, body);
  ExpectPeerRefused(R::kPrekeyForged, fixture_.id(2));
  other = route;
  other.federation.bytes[0] ^= std::byte{1};
  participants()[2].signature = fixture_.Sign(2, MessageKind::kPrekey, other, body);
  ExpectPeerRefused(R::kPrekeyForged, fixture_.id(2));
  participants()[2].signature = fixture_.Sign(2, MessageKind::kHello, route, body);
  ExpectPeerRefused(R::kPrekeyForged, fixture_.id(2));
}

TEST_F(StartTest, RefusesOneKeyInTwoPlaces) {
  Prekey copied = fixture_.site(2).prekey.prekey;
  copied.encryption = participants()[1].prekey.encryption;
  participants()[2] = fixture_.ParticipantOf(2, copied);
  ExpectStartRefused(R::kPrekeyRepeated, fixture_.id(2));
  copied = fixture_.site(2).prekey.prekey;
  copied.masking = participants()[1].prekey.encryption;
  participants()[2] = fixture_.ParticipantOf(2, copied);
  ExpectStartRefused(R::kPrekeyRepeated, fixture_.id(2));
  copied.masking = copied.encryption;
  participants()[2] = fixture_.ParticipantOf(2, copied);
  ExpectStartRefused(R::kPrekeyRepeated, fixture_.id(2));
}

TEST_F(StartTest, RefusesAKeyOfLowOrder) {
  for (const bool masking : {false, true}) {
    setup_ = fixture_.setup();
    Prekey weak = fixture_.site(2).prekey.prekey;
    (masking ? weak.masking : weak.encryption) = ExchangeKey{};
    participants()[2] = fixture_.ParticipantOf(2, weak);
    ExpectPeerRefused(R::kWeakKey, fixture_.id(2));
  }
}

TEST_F(StartTest, RefusesWhenItsOwnEntryIsAbsentOrAnOlderPrekey) {
  SessionSetup without = fixture_.setup();
  without.start.participants.erase(without.start.participants.begin());
  without.start.thresholds = *ThresholdsFor(4, 3);
  ExpectRefused(fixture_.TryBegin(0, without), R::kOwnPrekeyAltered);
  const PrekeySecrets older = GeneratePrekey(fixture_.random());
  participants()[0] = fixture_.ParticipantOf(0, older.prekey);
  ExpectRefused(fixture_.TryBegin(0, setup_), R::kOwnPrekeyAltered);
}

TEST_F(StartTest, APointIsThePositionPlusOne) {
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(PointOf(setup_.start, fixture_.id(i)), i + 1);
  EXPECT_FALSE(PointOf(setup_.start, SiteId(3)).has_value());
  EXPECT_FALSE(PointOf(setup_.start, SiteId(1000)).has_value());
}

// -- Delivery ------------------------------------------------------------------------------------

class SiteSessionTest : public testing::Test {
 protected:
  void ExpectDeliveryRefused(const Delivery& delivery, R reason) {
    ExpectRefused(run_.session(0).OnDelivery(delivery), reason);
    EXPECT_FALSE(run_.session(0).CanMask() && reason != R::kSecondDelivery);
  }
  void FinishFromUploading() {
    run_.Uploading();
    FinishFromConfirming();
  }
  void FinishFromConfirming() {
    run_.Confirming();
    run_.Unmask();
    ExpectSum(run_);
  }
  Delivery Delivered() { return run_.coordinator().DeliveryFor(fixture_.id(0)); }

  SumFixture fixture_{5};
  SumRun run_{fixture_};
};

TEST_F(SiteSessionTest, RefusesALyingDelivery) {
  run_.Dealing();
  Delivery delivery = Delivered();
  delivery.shares.erase(delivery.shares.begin() + 3, delivery.shares.end());
  ExpectDeliveryRefused(delivery, R::kDeliveryTooSmall);
  ExpectDeliveryRefused(Delivery{}, R::kDeliveryTooSmall);

  delivery = Delivered();
  delivery.shares[4].dealer = SiteId(1000);
  ExpectDeliveryRefused(delivery, R::kDeliveryNotWithinStart);
  delivery = Delivered();
  delivery.shares[2] = delivery.shares[1];
  ExpectDeliveryRefused(delivery, R::kDeliveryNotWithinStart);
  delivery = Delivered();
  std::swap(delivery.shares[2], delivery.shares[1]);
  ExpectDeliveryRefused(delivery, R::kDeliveryNotWithinStart);

  delivery = Delivered();
  delivery.shares[0].shares_digest.bytes[0] ^= std::byte{1};
  ExpectDeliveryRefused(delivery, R::kOwnSharesAltered);
  delivery = Delivered();
  delivery.shares.erase(delivery.shares.begin());
  ExpectDeliveryRefused(delivery, R::kOwnSharesAltered);
  FinishFromUploading();
}

TEST_F(SiteSessionTest, RefusesASharesAnyBitOfWhichWasChanged) {
  run_.Dealing();
  for (std::size_t i = 0; i < kSealedShareBytes; ++i) {
    Delivery delivery = Delivered();
    delivery.shares[1].sealed[i] ^= std::byte{1};
    ExpectDeliveryRefused(delivery, R::kShareDoesNotOpen);
  }
  Delivery delivery = Delivered();
  delivery.shares[1].sealed.clear();
  ExpectDeliveryRefused(delivery, R::kShareDoesNotOpen);
  delivery = Delivered();
  std::swap(delivery.shares[1].sealed, delivery.shares[2].sealed);
  ExpectDeliveryRefused(delivery, R::kShareDoesNotOpen);
  delivery = Delivered();
  delivery.shares[1].sealed = run_.coordinator().DeliveryFor(fixture_.id(3)).shares[1].sealed;
  ExpectDeliveryRefused(delivery, R::kShareDoesNotOpen);
  delivery = Delivered();
  delivery.shares[1].self_hash.bytes[3] ^= std::byte{1};
  ExpectDeliveryRefused(delivery, R::kShareHashDiffers);
  delivery = Delivered();
  delivery.shares[1].masking_hash.bytes[3] ^= std::byte{1};
  ExpectDeliveryRefused(delivery, R::kShareHashDiffers);
  FinishFromUploading();
}

TEST_F(SiteSessionTest, ASecondDeliveryIsTakenOnlyIfItIsTheFirst) {
  run_.Dealing();
  const Delivery first = Delivered();
  Delivery smaller = first;
  smaller.shares.pop_back();
  ASSERT_TRUE(run_.session(0).OnDelivery(first).has_value());
  EXPECT_TRUE(run_.session(0).OnDelivery(first).has_value());
  ExpectDeliveryRefused(smaller, R::kSecondDelivery);
  run_.Mask(0);
  const RingVector masked = run_.session(0).masked_vector();
  EXPECT_TRUE(run_.session(0).OnDelivery(first).has_value());
  ExpectDeliveryRefused(smaller, R::kSecondDelivery);
  ExpectRefused(run_.session(0).Mask(RingVector(4)), R::kUnexpected);
  EXPECT_EQ(run_.session(0).masked_vector(), masked);
  run_.MaskAll({0});
  for (std::size_t i = 0; i < 5; ++i) EXPECT_FALSE(run_.SendHeader(i) || run_.SendVector(i));
  run_.coordinator().Close();
  FinishFromConfirming();
}

// -- Out of order --------------------------------------------------------------------------------

TEST_F(SiteSessionTest, AStepBeforeItsTimeHasNoPlace) {
  SiteSession& site = run_.session(0);
  ExpectRefused(site.Mask(RingVector(4)), R::kUnexpected);
  ExpectRefused(site.OnSurvivors(Survivors{}), R::kUnexpected);
  ExpectRefused(site.OnQuorum(Quorum{}), R::kUnexpected);
  run_.Dealing();
  ASSERT_TRUE(run_.Deliver(0).has_value());
  ExpectRefused(site.OnSurvivors(Survivors{}), R::kUnexpected);
  ExpectRefused(site.OnQuorum(Quorum{}), R::kUnexpected);
  const Delivery delivery = Delivered();
  run_.Uploading();
  ExpectRefused(site.OnQuorum(Quorum{}), R::kUnexpected);
  run_.Confirming();
  ExpectRefused(site.OnDelivery(delivery), R::kUnexpected);
  ExpectRefused(site.Mask(RingVector(4)), R::kUnexpected);
  run_.Unmask();
  ExpectRefused(site.OnDelivery(delivery), R::kUnexpected);
  ExpectRefused(site.Mask(RingVector(4)), R::kUnexpected);
  ExpectSum(run_);
}

// -- Survivors -----------------------------------------------------------------------------------

TEST_F(SiteSessionTest, RefusesLyingSurvivors) {
  run_.Dealing({4});
  run_.Uploading();
  SiteSession& site = run_.session(0);
  const Survivors good = run_.coordinator().SurvivorList();
  const auto refused = [&](R reason, auto change) {
    Survivors lie = good;
    change(lie.headers);
    ExpectRefused(site.OnSurvivors(lie), reason);
    EXPECT_TRUE(site.HasUploaded());
  };
  using Headers = std::vector<SurvivorHeader>;
  refused(R::kSurvivorsTooFew, [](Headers& headers) { headers.pop_back(); });
  refused(R::kSurvivorsTooFew, [](Headers& headers) { headers.clear(); });
  refused(R::kSurvivorsNotWithinDelivery,
          [&](Headers& headers) { headers[3].site = fixture_.id(4); });
  refused(R::kSurvivorsNotWithinDelivery, [](Headers& headers) { headers[3] = headers[2]; });
  refused(R::kSurvivorsNotWithinDelivery,
          [](Headers& headers) { std::swap(headers[1], headers[2]); });
  refused(R::kHeaderForged, [](Headers& headers) { headers[2].header.vector_hash = Digest{}; });
  refused(R::kHeaderForged, [](Headers& headers) { headers[2].header.words += 1; });
  refused(R::kHeaderForged, [](Headers& headers) { headers[2].signature = headers[1].signature; });
  run_.Confirming();
  run_.Unmask();
  ExpectSum(run_);
}

TEST_F(SiteSessionTest, RefusesToBeLeftOutOrGivenAnotherVector) {
  run_.Dealing();
  run_.Uploading();
  SiteSession& site = run_.session(0);
  Survivors lie = run_.coordinator().SurvivorList();
  lie.headers.erase(lie.headers.begin());
  ExpectRefused(site.OnSurvivors(lie), R::kLeftOut);
  // A header that the site did sign, elsewhere: here its own key makes it.
  lie = run_.coordinator().SurvivorList();
  lie.headers[0].header.vector_hash = Digest{};
  lie.headers[0].signature = fixture_.Sign(0, MessageKind::kUploadHeader, lie.headers[0].header);
  ExpectRefused(site.OnSurvivors(lie), R::kHeaderForged);
  FinishFromConfirming();
}

TEST_F(SiteSessionTest, RefusesASurvivorWithAnotherViewOrContext) {
  run_.Dealing();
  run_.Uploading();
  for (const bool context : {false, true}) {
    Survivors lie = run_.coordinator().SurvivorList();
    UploadHeader& header = lie.headers[2].header;
    (context ? header.context : header.delivery_root).bytes[0] ^= std::byte{1};
    lie.headers[2].signature = fixture_.Sign(2, MessageKind::kUploadHeader, header);
    ExpectRefused(run_.session(0).OnSurvivors(lie), R::kViewsDiffer);
  }
  FinishFromConfirming();
}

TEST_F(SiteSessionTest, SignsOneTranscriptInASessionEver) {
  run_.Dealing();
  run_.Uploading();
  SiteSession& site = run_.session(0);
  const Survivors good = run_.coordinator().SurvivorList();
  Survivors other = good;
  other.headers.pop_back();
  const Digest transcript = site.OnSurvivors(good)->transcript;
  EXPECT_EQ(site.OnSurvivors(good)->transcript, transcript);
  ExpectRefused(site.OnSurvivors(other), R::kSecondSurvivorSet);
  ExpectRefused(site.OnSurvivors(Survivors{}), R::kSecondSurvivorSet);
  run_.Confirming();
  run_.Unmask();
  ASSERT_TRUE(site.HasReleased());
  EXPECT_EQ(site.OnSurvivors(good)->transcript, transcript);
  ExpectRefused(site.OnSurvivors(other), R::kSecondSurvivorSet);
  ExpectRefused(site.OnSurvivors(Survivors{}), R::kSecondSurvivorSet);
  ExpectSum(run_);
}

// -- Quorum --------------------------------------------------------------------------------------

TEST_F(SiteSessionTest, RefusesAQuorumThatIsNone) {
  run_.Dealing();
  run_.Uploading({4});
  run_.Confirming();
  SiteSession& site = run_.session(0);
  const Quorum good = run_.coordinator().QuorumList();
  ASSERT_EQ(good.signatures.size(), 4u);
  const auto refused = [&](R reason, auto change) {
    Quorum lie = good;
    change(lie.signatures);
    ExpectRefused(site.OnQuorum(lie), reason);
    EXPECT_FALSE(site.HasReleased());
  };
  using Signatures = std::vector<Cosignature>;
  refused(R::kQuorumTooSmall, [](Signatures& signatures) { signatures.clear(); });
  refused(R::kQuorumTooSmall, [](Signatures& signatures) { signatures.pop_back(); });
  refused(R::kQuorumForged, [](Signatures& signatures) { signatures[3] = signatures[2]; });
  refused(R::kQuorumForged,
          [](Signatures& signatures) { std::swap(signatures[0], signatures[1]); });
  refused(R::kQuorumForged,
          [](Signatures& signatures) { signatures[1].signature.bytes[9] ^= std::byte{1}; });
  const Digest other{};
  refused(R::kQuorumForged, [&](Signatures& signatures) {
    signatures[1].signature = fixture_.Sign(1, MessageKind::kConfirmation, Confirmation{other});
  });
  // A good signature of a site that is no survivor.
  const Confirmation confirmation = *site.OnSurvivors(run_.coordinator().SurvivorList());
  refused(R::kQuorumForged, [&](Signatures& signatures) {
    signatures.push_back(
        {fixture_.id(4), fixture_.Sign(4, MessageKind::kConfirmation, confirmation)});
  });
  refused(R::kQuorumForged, [&](Signatures& signatures) { signatures[3].site = SiteId(1000); });
  run_.Unmask();
  ExpectSum(run_);
}

TEST_F(SiteSessionTest, AQuorumFromAnotherAttemptIsForged) {
  run_.Dealing();
  run_.Uploading();
  run_.Confirming();
  Quorum lie = run_.coordinator().QuorumList();
  const Confirmation confirmation = *run_.session(0).OnSurvivors(run_.coordinator().SurvivorList());
  Route route = fixture_.setup().route;
  route.attempt = AttemptNumber(1);
  lie.signatures[2].signature =
      fixture_.Sign(2, MessageKind::kConfirmation, route, Encode(confirmation));
  ExpectRefused(run_.session(0).OnQuorum(lie), R::kQuorumForged);
  run_.Unmask();
  ExpectSum(run_);
}

TEST_F(SiteSessionTest, ReleasesOneKindForEachDealerAndTheSameBytesAgain) {
  run_.Dealing();
  run_.Uploading({2});
  run_.Confirming();
  const Quorum quorum = run_.coordinator().QuorumList();
  const Unmasking first = *run_.session(0).OnQuorum(quorum);
  EXPECT_EQ(Encode(*run_.session(0).OnQuorum(quorum)), Encode(first));
  ASSERT_EQ(first.shares.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(first.shares[i].dealer, fixture_.id(i));
    EXPECT_EQ(first.shares[i].kind, i == 2 ? ShareKind::kMasking : ShareKind::kSelf);
  }
  Quorum forged = quorum;
  forged.signatures[0].signature.bytes[0] ^= std::byte{1};
  ExpectRefused(run_.session(0).OnQuorum(forged), R::kQuorumForged);
  const std::vector<SiteId> survivors{fixture_.id(0), fixture_.id(1), fixture_.id(3),
                                      fixture_.id(4)};
  EXPECT_EQ(run_.session(0).survivors(), survivors);
  run_.Unmask();
  ExpectSum(run_);
}

}  // namespace
}  // namespace consilium
