// A coordinator that lies: one test for each lie, by its name. Each shows which check stops it, and
// that nothing is revealed.

#include <memory>

#include <gtest/gtest.h>

#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

using R = RefusalReason;

template <class T>
R ReasonOf(const Judged<T>& judged) {
  return judged.has_value() ? R{} : judged.error().reason;
}

/// Sites whose starts may differ, dealt shares exchanged by a coordinator that stops at nothing.
class Puppets {
 public:
  Puppets(SumFixture& fixture, const std::vector<SessionSetup>& setups) : fixture_(fixture) {
    for (std::size_t i = 0; i < setups.size(); ++i) sites_.push_back(fixture.Begin(i, setups[i]));
  }
  SiteSession& site(std::size_t i) { return sites_[i]; }

  /// What site `to` is sent if U2 are the sites `dealers`.
  Delivery DeliveryTo(std::size_t to, const std::vector<std::size_t>& dealers) {
    Delivery delivery;
    for (const std::size_t dealer : dealers) {
      const Shares& shares = sites_[dealer].shares();
      DeliveredShare entry;
      entry.dealer = fixture_.id(dealer);
      entry.shares_digest = DigestOfShares(shares);
      for (const SealedShare& share : shares.shares) {
        if (share.recipient != fixture_.id(to)) continue;
        entry.sealed = share.sealed;
        entry.self_hash = share.self_hash;
        entry.masking_hash = share.masking_hash;
      }
      delivery.shares.push_back(entry);
    }
    return delivery;
  }
  Survivors SurvivorsOf(const std::vector<std::size_t>& sites) {
    Survivors survivors;
    for (const std::size_t i : sites) {
      const UploadHeader& header = headers_.at(i);
      survivors.headers.push_back(SurvivorHeader{
          fixture_.id(i), header,
          fixture_.Sign(i, MessageKind::kUploadHeader, sites_[i].route(), Encode(header))});
    }
    return survivors;
  }
  Cosignature CosignatureOf(std::size_t i, const Digest& transcript) {
    return Cosignature{fixture_.id(i),
                       fixture_.Sign(i, MessageKind::kConfirmation, sites_[i].route(),
                                     Encode(Confirmation{transcript}))};
  }
  /// Every site's first refusal when all are delivered everybody's shares; R{} for none.
  std::vector<R> DeliverAll() {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < sites_.size(); ++i) all.push_back(i);
    std::vector<R> reasons;
    for (const std::size_t i : all)
      reasons.push_back(ReasonOf(sites_[i].OnDelivery(DeliveryTo(i, all))));
    return reasons;
  }
  void MaskAt(std::size_t i, const std::vector<std::size_t>& dealers) {
    CHECK(sites_[i].OnDelivery(DeliveryTo(i, dealers)).has_value());
    CHECK(sites_[i].Mask(fixture_.RandomWords()).has_value());
    headers_[i] = sites_[i].upload_header();
  }

 private:
  SumFixture& fixture_;
  std::vector<SiteSession> sites_;
  std::map<std::size_t, UploadHeader> headers_;
};

/// Site 0 is started with other terms than the rest: then no share between it and a peer opens, and
/// nobody masks anything.
class OtherTermsTest : public testing::Test {
 protected:
  OtherTermsTest() : setups_(4, fixture_.setup()) {}
  ~OtherTermsTest() override {
    Puppets puppets(fixture_, setups_);
    EXPECT_EQ(puppets.DeliverAll(), std::vector<R>(4, R::kShareDoesNotOpen));
    for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(puppets.site(i).CanMask());
  }
  SumFixture fixture_{4};
  std::vector<SessionSetup> setups_;
};

TEST_F(OtherTermsTest, AnotherQueryToOneSite) {
  setups_[0].start.query_hash = HashBytes(AsBytes("other model"));
}
TEST_F(OtherTermsTest, AnotherRoundToOneSite) { setups_[0].route.round = RoundNumber(4); }
TEST_F(OtherTermsTest, AnotherAttemptToOneSite) { setups_[0].route.attempt = AttemptNumber(3); }
TEST_F(OtherTermsTest, AnotherRosterEpochToOneSite) {
  setups_[0].start.roster_epoch = RosterEpoch(8);
}
TEST_F(OtherTermsTest, AnotherMinimumToOneSite) { setups_[0].start.thresholds.minimum = 0; }
TEST_F(OtherTermsTest, AnotherCodecToOneSite) { setups_[0].codec.bytes[0] ^= std::byte{1}; }
TEST_F(OtherTermsTest, AnOlderPrekeyOfAPeerToOneSite) {
  const PrekeySecrets older = GeneratePrekey(fixture_.random());
  setups_[0].start.participants[1] = fixture_.ParticipantOf(1, older.prekey);
}
TEST_F(OtherTermsTest, AnotherNumberOfKnownSumsSignedByAColluder) {
  Prekey other = fixture_.site(3).prekey.prekey;
  other.known_sums = 7;
  setups_[0].start.participants[3] = fixture_.ParticipantOf(3, other);
}

TEST(OtherParticipantsTest, AnotherSetOfSitesToOneSite) {
  SumFixture fixture(5);
  std::vector<SessionSetup> setups(5, fixture.setup());
  setups[0].start.participants.pop_back();
  setups[0].start.thresholds = *ThresholdsFor(4, 3);
  Puppets puppets(fixture, setups);
  EXPECT_EQ(puppets.DeliverAll()[0], R::kDeliveryNotWithinStart);
  EXPECT_EQ(ReasonOf(puppets.site(0).OnDelivery(puppets.DeliveryTo(0, {0, 1, 2, 3}))),
            R::kShareDoesNotOpen);
}

TEST(SwappedKeysTest, KeysOfTheCoordinatorsOwnAreRefused) {
  SumFixture fixture(4);
  SessionSetup setup = fixture.setup();
  setup.start.participants[1].prekey = GeneratePrekey(fixture.random()).prekey;
  EXPECT_EQ(ReasonOf(fixture.TryBegin(0, setup)), R::kPrekeyForged);
}

TEST(SwappedKeysTest, TheSitesOwnKeyIsMissed) {
  SumFixture fixture(4);
  SessionSetup setup = fixture.setup();
  setup.start.participants[0].prekey.masking = GeneratePrekey(fixture.random()).prekey.masking;
  EXPECT_EQ(ReasonOf(fixture.TryBegin(0, setup)), R::kOwnPrekeyAltered);
  setup.start.participants[0] = fixture.ParticipantOf(0, GeneratePrekey(fixture.random()).prekey);
  EXPECT_EQ(ReasonOf(fixture.TryBegin(0, setup)), R::kOwnPrekeyAltered);
}

TEST(LoweredThresholdsTest, AreRefused) {
  SumFixture fixture(7);
  SessionSetup setup = fixture.setup();
  setup.start.thresholds.shares = 2;
  EXPECT_EQ(ReasonOf(fixture.TryBegin(0, setup)), R::kThresholdsAltered);
  setup = fixture.setup();
  setup.start.thresholds.quorum = 1;
  EXPECT_EQ(ReasonOf(fixture.TryBegin(0, setup)), R::kThresholdsAltered);
}

class LyingCoordinatorTest : public testing::Test {
 protected:
  LyingCoordinatorTest() : puppets_(fixture_, std::vector<SessionSetup>(5, fixture_.setup())) {}
  void MaskEverywhere() {
    for (const std::size_t i : all_) puppets_.MaskAt(i, all_);
  }
  SiteSession& site(std::size_t i) { return puppets_.site(i); }

  const std::vector<std::size_t> all_{0, 1, 2, 3, 4};
  const std::vector<std::size_t> without4_{0, 1, 2, 3};
  const std::vector<std::size_t> without3_{0, 1, 2, 4};
  SumFixture fixture_{5};
  Puppets puppets_;
};

TEST_F(LyingCoordinatorTest, EquivocatingDeliveries) {
  puppets_.MaskAt(0, all_);
  for (const std::size_t i : {1u, 2u, 3u}) puppets_.MaskAt(i, without4_);
  puppets_.MaskAt(4, all_);
  EXPECT_EQ(ReasonOf(site(0).OnSurvivors(puppets_.SurvivorsOf(all_))), R::kViewsDiffer);
  EXPECT_EQ(ReasonOf(site(0).OnSurvivors(puppets_.SurvivorsOf(without4_))), R::kViewsDiffer);
  EXPECT_EQ(ReasonOf(site(1).OnSurvivors(puppets_.SurvivorsOf(without4_))), R::kViewsDiffer);
  for (const std::size_t i : all_) EXPECT_TRUE(site(i).HasUploaded());
}

TEST_F(LyingCoordinatorTest, EquivocatingSurvivorSets) {
  MaskEverywhere();
  // 0 and 1 are told that 4 is lost, 2 that 3 is lost; 3 and 4 each of the other.
  const Survivors a = puppets_.SurvivorsOf(without4_);
  const Survivors b = puppets_.SurvivorsOf(without3_);
  const Digest da = site(0).OnSurvivors(a)->transcript;
  EXPECT_EQ(site(1).OnSurvivors(a)->transcript, da);
  const Digest db = site(2).OnSurvivors(b)->transcript;
  EXPECT_EQ(site(3).OnSurvivors(a)->transcript, da);
  EXPECT_NE(da, db);
  // Three honest signatures on one transcript; the fourth would have to come from the other camp.
  Quorum quorum{{puppets_.CosignatureOf(0, da), puppets_.CosignatureOf(1, da),
                 puppets_.CosignatureOf(3, da)}};
  EXPECT_EQ(ReasonOf(site(0).OnQuorum(quorum)), R::kQuorumTooSmall);
  quorum.signatures.insert(quorum.signatures.begin() + 2, puppets_.CosignatureOf(2, db));
  EXPECT_EQ(ReasonOf(site(0).OnQuorum(quorum)), R::kQuorumForged);
  for (const std::size_t i : all_) EXPECT_FALSE(site(i).HasReleased());
}

TEST_F(LyingCoordinatorTest, SecondSurvivorSet) {
  MaskEverywhere();
  ASSERT_TRUE(site(0).OnSurvivors(puppets_.SurvivorsOf(without4_)).has_value());
  EXPECT_EQ(ReasonOf(site(0).OnSurvivors(puppets_.SurvivorsOf(without3_))), R::kSecondSurvivorSet);
  EXPECT_EQ(ReasonOf(site(0).OnSurvivors(puppets_.SurvivorsOf(all_))), R::kSecondSurvivorSet);
}

TEST_F(LyingCoordinatorTest, AsksAgainAfterRelease) {
  MaskEverywhere();
  const Survivors a = puppets_.SurvivorsOf(without4_);
  const Survivors b = puppets_.SurvivorsOf(all_);
  const Digest da = site(0).OnSurvivors(a)->transcript;
  const Digest db = site(1).OnSurvivors(b)->transcript;
  const auto quorum_of = [&](const Digest& transcript, const std::vector<std::size_t>& sites) {
    Quorum quorum;
    for (const std::size_t i : sites)
      quorum.signatures.push_back(puppets_.CosignatureOf(i, transcript));
    return quorum;
  };
  ASSERT_TRUE(site(0).OnQuorum(quorum_of(da, without4_)).has_value());
  EXPECT_EQ(ReasonOf(site(0).OnSurvivors(b)), R::kSecondSurvivorSet);
  EXPECT_EQ(ReasonOf(site(0).OnQuorum(quorum_of(db, all_))), R::kQuorumForged);
  EXPECT_EQ(ReasonOf(site(0).OnQuorum(quorum_of(db, without4_))), R::kQuorumForged);
  const Unmasking again = *site(0).OnQuorum(quorum_of(da, without4_));
  for (const RevealedShare& share : again.shares) {
    EXPECT_EQ(share.kind == ShareKind::kMasking, share.dealer == fixture_.id(4));
  }
}

TEST_F(LyingCoordinatorTest, ForgedHeader) {
  MaskEverywhere();
  Survivors lie = puppets_.SurvivorsOf(all_);
  lie.headers[2].signature = fixture_.Sign(3, MessageKind::kUploadHeader, lie.headers[2].header);
  EXPECT_EQ(ReasonOf(site(0).OnSurvivors(lie)), R::kHeaderForged);
}

TEST_F(LyingCoordinatorTest, HeaderOfAnotherAttempt) {
  MaskEverywhere();
  SessionSetup earlier = fixture_.setup();
  earlier.route.attempt = AttemptNumber(1);
  Puppets before(fixture_, std::vector<SessionSetup>(5, earlier));
  for (const std::size_t i : all_) before.MaskAt(i, all_);
  Survivors lie = puppets_.SurvivorsOf(all_);
  lie.headers[2] = before.SurvivorsOf(all_).headers[2];
  EXPECT_EQ(ReasonOf(site(0).OnSurvivors(lie)), R::kHeaderForged);
}

TEST_F(LyingCoordinatorTest, HeaderOfAnotherContextSignedByAColluder) {
  MaskEverywhere();
  Survivors lie = puppets_.SurvivorsOf(all_);
  lie.headers[2].header.context.bytes[0] ^= std::byte{1};
  lie.headers[2].signature = fixture_.Sign(2, MessageKind::kUploadHeader, lie.headers[2].header);
  EXPECT_EQ(ReasonOf(site(0).OnSurvivors(lie)), R::kViewsDiffer);
}

TEST_F(LyingCoordinatorTest, LeftOut) {
  MaskEverywhere();
  EXPECT_EQ(ReasonOf(site(4).OnSurvivors(puppets_.SurvivorsOf(without4_))), R::kLeftOut);
  EXPECT_TRUE(site(4).HasUploaded());
}

TEST_F(LyingCoordinatorTest, QuorumTooSmallForgedAndForAnotherSet) {
  MaskEverywhere();
  const Digest da = site(0).OnSurvivors(puppets_.SurvivorsOf(all_))->transcript;
  Quorum quorum;
  for (const std::size_t i : {0u, 1u, 2u})
    quorum.signatures.push_back(puppets_.CosignatureOf(i, da));
  EXPECT_EQ(ReasonOf(site(0).OnQuorum(quorum)), R::kQuorumTooSmall);
  Cosignature forged = puppets_.CosignatureOf(4, da);
  forged.site = fixture_.id(3);
  quorum.signatures.push_back(forged);
  EXPECT_EQ(ReasonOf(site(0).OnQuorum(quorum)), R::kQuorumForged);
  const Digest db = site(1).OnSurvivors(puppets_.SurvivorsOf(without4_))->transcript;
  Quorum other;
  for (const std::size_t i : without4_) other.signatures.push_back(puppets_.CosignatureOf(i, db));
  EXPECT_EQ(ReasonOf(site(0).OnQuorum(other)), R::kQuorumForged);
  EXPECT_FALSE(site(0).HasReleased());
}

// -- Never both kinds ----------------------------------------------------------------------------

/// Site 0 of four against a coordinator to whom all three others lend their keys: more than any
/// threshold allows. Every message that can be made for it, in every order.
class NeverBothTest : public testing::Test {
 protected:
  static constexpr std::size_t kActions = 9;

  /// Performs one action; a release is written into `kinds`. True if the site went along.
  bool Act(SiteSession& site, std::size_t action) {
    const std::vector<std::vector<std::size_t>> sets{{0, 1, 2, 3}, {0, 1, 2}, {0, 1, 3}};
    if (action < 2) return site.OnDelivery(DeliveryIn(views_[action])).has_value();
    if (action == 2) {
      const bool masked = site.Mask(RingVector(4, 1)).has_value();
      if (masked) header_ = site.upload_header();
      return masked;
    }
    const std::vector<std::size_t>& set = sets[(action - 3) % 3];
    const Survivors survivors = SurvivorsIn(set);
    if (action < 6) return site.OnSurvivors(survivors).has_value();
    const Digest transcript = TranscriptOf(site.context(), header_.delivery_root, survivors);
    Quorum quorum;
    for (const std::size_t i : set) {
      quorum.signatures.push_back(
          {fixture_.id(i), fixture_.Sign(i, MessageKind::kConfirmation, Confirmation{transcript})});
    }
    const Judged<Unmasking> unmasking = site.OnQuorum(quorum);
    if (!unmasking) return false;
    ++releases_;
    for (const RevealedShare& share : unmasking->shares) kinds_[share.dealer].insert(share.kind);
    return true;
  }
  Delivery DeliveryIn(const std::vector<std::size_t>& dealers) {
    Delivery delivery;
    for (const std::size_t dealer : dealers) {
      DeliveredShare entry{fixture_.id(dealer), {}, {}, {}, {}};
      const Shares& shares = dealer == 0 ? *own_ : peers_[dealer - 1]->shares();
      entry.shares_digest = DigestOfShares(shares);
      if (dealer != 0) {
        entry.sealed = shares.shares[0].sealed;
        entry.self_hash = shares.shares[0].self_hash;
        entry.masking_hash = shares.shares[0].masking_hash;
      }
      delivery.shares.push_back(entry);
    }
    return delivery;
  }
  /// Peers sign whatever view the site has.
  Survivors SurvivorsIn(const std::vector<std::size_t>& set) {
    Survivors survivors;
    for (const std::size_t i : set) {
      UploadHeader header = header_;
      if (i != 0) header.vector_hash = Digest{};
      survivors.headers.push_back(SurvivorHeader{
          fixture_.id(i), header, fixture_.Sign(i, MessageKind::kUploadHeader, header)});
    }
    return survivors;
  }
  /// True if the last action of the sequence was accepted.
  bool Play(const std::vector<std::size_t>& sequence) {
    SiteSession site = fixture_.Begin(0);
    own_ = &site.shares();
    header_ = UploadHeader{};
    kinds_.clear();
    bool accepted = true;
    for (const std::size_t action : sequence) accepted = Act(site, action);
    for (const auto& [dealer, kinds] : kinds_) {
      EXPECT_EQ(kinds.size(), 1u) << "both kinds for one dealer: "
                                  << testing::PrintToString(sequence);
    }
    ++sequences_;
    return accepted;
  }
  void StartPeers() {
    for (std::size_t i = 1; i < 4; ++i) {
      peers_.push_back(std::make_unique<SiteSession>(fixture_.Begin(i)));
    }
  }
  void Explore(std::vector<std::size_t>& sequence, std::size_t depth) {
    for (std::size_t action = 0; action < kActions; ++action) {
      sequence.push_back(action);
      // A refusal leaves the state as it was, so only what was accepted can lead further.
      if (Play(sequence) && depth > 1) Explore(sequence, depth - 1);
      sequence.pop_back();
    }
  }

  SumFixture fixture_{4};
  std::vector<std::unique_ptr<SiteSession>> peers_;
  std::vector<std::vector<std::size_t>> views_{{0, 1, 2, 3}, {0, 1, 2}};
  const Shares* own_ = nullptr;
  UploadHeader header_;
  std::map<SiteId, std::set<ShareKind>> kinds_;
  int releases_ = 0;
  int sequences_ = 0;
};

TEST_F(NeverBothTest, InEverySequenceOfFourMessages) {
  StartPeers();
  for (std::size_t code = 0; code < 9 * 9 * 9 * 9; ++code) {
    Play({code % 9, code / 9 % 9, code / 81 % 9, code / 729});
  }
  EXPECT_EQ(sequences_, 6561);
  EXPECT_EQ(releases_, 4) << "three survivor sets in the larger view, one in the smaller";
}

TEST_F(NeverBothTest, InEverySequenceOfSixMessagesThatAreAcceptedAndOneMore) {
  StartPeers();
  std::vector<std::size_t> sequence;
  Explore(sequence, 7);
  EXPECT_GT(sequences_, 500);
  EXPECT_GT(releases_, 4);
}

TEST_F(NeverBothTest, InRandomLongSequences) {
  StartPeers();
  for (int i = 0; i < 500; ++i) {
    std::vector<std::size_t> sequence{fixture_.random().Below(2), 2};
    while (sequence.size() < 14) sequence.push_back(fixture_.random().Below(kActions));
    Play(sequence);
  }
  EXPECT_GT(releases_, 100);
}

}  // namespace
}  // namespace consilium
