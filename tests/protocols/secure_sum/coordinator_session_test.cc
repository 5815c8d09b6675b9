// Also of coordinator_opening.cc.

// Every reason a session has to drop a site, and that the others' sum is exact all the same.

#include "protocols/secure_sum/coordinator_session.h"

#include <gtest/gtest.h>

#include "common/crypto/sealing.h"
#include "protocols/secure_sum/secret_sharing.h"
#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

using D = DropReason;

class CoordinatorSessionTest : public testing::Test {
 protected:
  /// Site 4 (the fifth of five) is the liar; four remain, as many as are needed.
  SiteId liar() const { return fixture_.id(4); }
  CoordinatorSession& coordinator() { return run_.coordinator(); }
  void ExpectDropped(std::optional<D> reason, D expected) {
    ASSERT_TRUE(reason.has_value()) << "accepted, not " << Name(expected);
    EXPECT_EQ(Name(*reason), Name(expected));
    ASSERT_TRUE(coordinator().dropped().contains(liar()));
    EXPECT_EQ(Name(coordinator().dropped().at(liar())), Name(expected));
    const std::vector<SiteId> members = coordinator().Members();
    EXPECT_EQ(std::count(members.begin(), members.end(), liar()), 0);
  }
  void ExpectIgnored(std::optional<D> reason, D expected) {
    ASSERT_TRUE(reason.has_value()) << "accepted, not " << Name(expected);
    EXPECT_EQ(Name(*reason), Name(expected));
    EXPECT_TRUE(coordinator().dropped().empty());
  }
  void ExpectSum() {
    ASSERT_EQ(coordinator().phase(), SumPhase::kFinished) << coordinator().failure();
    EXPECT_EQ(coordinator().sum(), run_.ExpectedSum());
  }
  void Finish() {
    if (coordinator().phase() == SumPhase::kDealing) run_.Dealing({4});
    if (coordinator().phase() == SumPhase::kUploading) run_.Uploading({4});
    if (coordinator().phase() == SumPhase::kConfirming) run_.Confirming({4});
    run_.Unmask({4});
    ExpectSum();
  }

  SumFixture fixture_{5};
  SumRun run_{fixture_};
};

// -- Shares --------------------------------------------------------------------------------------

TEST_F(CoordinatorSessionTest, DropsSharesOfAnotherContext) {
  Shares shares = run_.session(4).shares();
  shares.context.bytes[0] ^= std::byte{1};
  ExpectDropped(coordinator().OnShares(liar(), shares), D::kWrongContext);
  Finish();
}

TEST_F(CoordinatorSessionTest, DropsSharesThatAreNotForExactlyTheOthers) {
  const auto change = [&](auto edit) {
    SumRun run(fixture_);
    Shares shares = run.session(4).shares();
    edit(shares.shares);
    EXPECT_EQ(run.coordinator().OnShares(liar(), shares), D::kWrongRecipients);
    EXPECT_EQ(run.coordinator().dropped().at(liar()), D::kWrongRecipients);
  };
  using List = std::vector<SealedShare>;
  change([](List& list) { list.pop_back(); });
  change([](List& list) { list.clear(); });
  change([](List& list) { list.push_back(list.back()); });
  change([&](List& list) { list.push_back(list.back()), list.back().recipient = liar(); });
  change([](List& list) { std::swap(list[0], list[1]); });
  change([](List& list) { list[1] = list[0]; });
  change([](List& list) { list[2].recipient = SiteId(1000); });
  change([](List& list) { list[2].sealed.pop_back(); });
  change([](List& list) { list[2].sealed.clear(); });
}

TEST_F(CoordinatorSessionTest, IgnoresARepeatAndDropsAConflictingOne) {
  EXPECT_FALSE(run_.SendShares(4));
  ExpectIgnored(run_.SendShares(4), D::kWrongPhase);
  Shares other = run_.session(4).shares();
  other.commitment.bytes[0] ^= std::byte{1};
  ExpectDropped(coordinator().OnShares(liar(), other), D::kConflictingRepeat);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(run_.SendShares(i));
  coordinator().Close();
  EXPECT_EQ(coordinator().DeliveryFor(fixture_.id(0)).shares.size(), 4u);
  Finish();
}

TEST_F(CoordinatorSessionTest, IgnoresSharesAfterTheirPhaseAndStrangers) {
  EXPECT_EQ(coordinator().OnShares(SiteId(1000), run_.session(4).shares()), D::kNotInAttempt);
  run_.Dealing({4});
  EXPECT_EQ(coordinator().dropped().at(liar()), D::kSilent);
  EXPECT_EQ(run_.SendShares(4), D::kWrongPhase);
  Finish();
}

// -- Upload --------------------------------------------------------------------------------------

class UploadTest : public CoordinatorSessionTest {
 protected:
  UploadTest() {
    run_.Dealing();
    run_.MaskAll();
  }
  std::optional<D> Send(const UploadHeader& header) {
    return coordinator().OnUploadHeader(liar(), header,
                                        fixture_.Sign(4, MessageKind::kUploadHeader, header));
  }
  void Finish() {
    for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(run_.SendHeader(i) || run_.SendVector(i));
    coordinator().Close();
    CoordinatorSessionTest::Finish();
  }
};

TEST_F(UploadTest, DropsAHeaderOfAnotherContextOrView) {
  UploadHeader header = run_.session(4).upload_header();
  header.delivery_root.bytes[0] ^= std::byte{1};
  ExpectDropped(Send(header), D::kWrongContext);
  Finish();
}

TEST_F(UploadTest, DropsAHeaderOfAnotherAttempt) {
  UploadHeader header = run_.session(4).upload_header();
  header.context.bytes[0] ^= std::byte{1};
  ExpectDropped(Send(header), D::kWrongContext);
  EXPECT_EQ(run_.SendHeader(4), D::kNotInAttempt);
}

TEST_F(UploadTest, DropsAnotherLength) {
  UploadHeader header = run_.session(4).upload_header();
  header.words += 1;
  ExpectDropped(Send(header), D::kWrongLength);
  Finish();
}

TEST_F(UploadTest, DropsAChunkOfAnotherLength) {
  EXPECT_FALSE(run_.SendHeader(4));
  Chunk chunk = run_.ChunkOf(4, 0);
  chunk.words.push_back(0);
  ExpectDropped(coordinator().OnChunk(liar(), chunk), D::kWrongLength);
  Finish();
}

TEST_F(UploadTest, DropsAVectorThatWasNotSigned) {
  EXPECT_FALSE(run_.SendHeader(4));
  Chunk chunk = run_.ChunkOf(4, 0);
  chunk.words[1] += 1;
  ExpectDropped(coordinator().OnChunk(liar(), chunk), D::kVectorHashDiffers);
  EXPECT_EQ(coordinator().OnChunk(liar(), run_.ChunkOf(4, 0)), D::kWrongPhase);
  Finish();
}

TEST_F(UploadTest, IgnoresRepeatsAndDropsAConflictingHeader) {
  EXPECT_FALSE(run_.SendHeader(4));
  ExpectIgnored(run_.SendHeader(4), D::kWrongPhase);
  Chunk early = run_.ChunkOf(4, 0);
  early.index = 1;
  ExpectIgnored(coordinator().OnChunk(liar(), early), D::kWrongPhase);
  EXPECT_FALSE(run_.SendVector(4));
  ExpectIgnored(coordinator().OnChunk(liar(), run_.ChunkOf(4, 0)), D::kWrongPhase);
  ExpectIgnored(run_.SendHeader(4), D::kWrongPhase);
  UploadHeader other = run_.session(4).upload_header();
  other.vector_hash.bytes[0] ^= std::byte{1};
  ExpectDropped(Send(other), D::kConflictingRepeat);
  Finish();
}

TEST_F(UploadTest, IgnoresAChunkWithoutAHeaderAndLateUploads) {
  ExpectIgnored(coordinator().OnChunk(liar(), run_.ChunkOf(4, 0)), D::kWrongPhase);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(run_.SendHeader(i) || run_.SendVector(i));
  EXPECT_FALSE(coordinator().ReadyToClose());
  coordinator().Close();
  EXPECT_EQ(coordinator().dropped().at(liar()), D::kSilent);
  EXPECT_EQ(run_.SendHeader(4), D::kWrongPhase);
  CoordinatorSessionTest::Finish();
}

TEST(UploadChunksTest, AreTakenInOrderAndResumed) {
  SumFixture fixture(3, 2 * kChunkWords + 5);
  SumRun run(fixture);
  run.Dealing();
  run.MaskAll();
  CoordinatorSession& coordinator = run.coordinator();
  const SiteId site = fixture.id(0);
  EXPECT_FALSE(coordinator.NextChunk(site).has_value());
  EXPECT_FALSE(run.SendHeader(0));
  EXPECT_FALSE(coordinator.NextChunk(site).has_value()) << "not its turn yet";
  EXPECT_EQ(coordinator.OnChunk(site, run.ChunkOf(0, 0)), D::kWrongPhase) << "not asked for yet";
  EXPECT_EQ(coordinator.GrantNext(), std::vector<SiteId>{site});
  EXPECT_EQ(coordinator.OnChunk(site, run.ChunkOf(0, 1)), D::kWrongPhase);
  for (std::uint64_t index = 0; index < 3; ++index) {
    EXPECT_EQ(coordinator.NextChunk(site), index);
    EXPECT_FALSE(coordinator.OnChunk(site, run.ChunkOf(0, index)));
    EXPECT_EQ(coordinator.OnChunk(site, run.ChunkOf(0, index)), D::kWrongPhase);
  }
  EXPECT_EQ(coordinator.NextChunk(site), 3u);
  EXPECT_TRUE(coordinator.dropped().empty());
}

TEST(UploadChunksTest, LongVectorsAreAskedForAFewAtATime) {
  SumFixture fixture(5, kChunkWords + 1);
  SumRun run(fixture);
  run.Dealing();
  run.MaskAll();
  CoordinatorSession& coordinator = run.coordinator();
  EXPECT_TRUE(coordinator.GrantNext().empty());
  for (std::size_t i = 0; i < 5; ++i) EXPECT_FALSE(run.SendHeader(i));
  const std::vector<SiteId> first = coordinator.GrantNext();
  ASSERT_EQ(first.size(), kUploadsAtATime);
  EXPECT_TRUE(coordinator.GrantNext().empty()) << "each is named once";
  EXPECT_FALSE(run.coordinator().OnChunk(first[0], run.ChunkOf(0, 0)));
  EXPECT_FALSE(run.coordinator().OnChunk(first[0], run.ChunkOf(0, 1)));
  EXPECT_EQ(coordinator.GrantNext().size(), 1u) << "one is whole";
  coordinator.Drop(first[1], D::kDisconnected);
  EXPECT_EQ(coordinator.GrantNext().size(), 1u) << "one is lost";
  EXPECT_TRUE(coordinator.GrantNext().empty());
}

TEST(UploadChunksTest, TellsWhoSendsAndWhoWaits) {
  SumFixture fixture(5, kChunkWords + 1);
  SumRun run(fixture);
  run.Dealing();
  run.MaskAll();
  CoordinatorSession& coordinator = run.coordinator();
  using Ids = std::vector<SiteId>;
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(run.SendHeader(i));
  EXPECT_EQ(coordinator.AwaitingTurn().size(), 4u);
  coordinator.GrantNext();
  EXPECT_EQ(coordinator.Sending(), (Ids{fixture.id(0), fixture.id(1)}));
  EXPECT_EQ(coordinator.AwaitingTurn(), (Ids{fixture.id(2), fixture.id(3)}));
  EXPECT_FALSE(coordinator.OnChunk(fixture.id(0), run.ChunkOf(0, 0)));
  EXPECT_FALSE(coordinator.HasUploaded(fixture.id(0)));
  EXPECT_FALSE(coordinator.OnChunk(fixture.id(0), run.ChunkOf(0, 1)));
  EXPECT_TRUE(coordinator.HasUploaded(fixture.id(0)));
  coordinator.Drop(fixture.id(1), D::kSilent);
  EXPECT_FALSE(coordinator.NextChunk(fixture.id(1)).has_value());
  EXPECT_TRUE(coordinator.Sending().empty());
  coordinator.GrantNext();
  EXPECT_EQ(coordinator.Sending(), (Ids{fixture.id(2), fixture.id(3)}));
  EXPECT_TRUE(coordinator.AwaitingTurn().empty()) << "site 4 has announced nothing";
}

TEST(UploadChunksTest, ShortVectorsNeedNoGrant) {
  SumFixture fixture(5, 7);
  SumRun run(fixture);
  run.Dealing();
  run.MaskAll();
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_FALSE(run.SendHeader(i));
    EXPECT_EQ(run.coordinator().NextChunk(fixture.id(i)), 0u);
    EXPECT_TRUE(run.coordinator().GrantNext().empty());
    EXPECT_FALSE(run.coordinator().OnChunk(fixture.id(i), run.ChunkOf(i, 0)));
  }
}

// -- Confirmation --------------------------------------------------------------------------------

class ConfirmTest : public CoordinatorSessionTest {
 protected:
  ConfirmTest() {
    run_.Dealing();
    run_.Uploading();
  }
};

TEST_F(ConfirmTest, DropsAnotherTranscript) {
  Confirmation other{run_.Confirm(4).transcript};
  other.transcript.bytes[5] ^= std::byte{1};
  ExpectDropped(coordinator().OnConfirmation(liar(), other,
                                             fixture_.Sign(4, MessageKind::kConfirmation, other)),
                D::kWrongTranscript);
  EXPECT_EQ(run_.SendConfirmation(4), D::kNotInAttempt);
  Finish();
}

TEST_F(ConfirmTest, IsReadyWithAQuorumAndTakesALateConfirmationInGoodPart) {
  for (std::size_t i = 0; i < 3; ++i) EXPECT_FALSE(run_.SendConfirmation(i));
  EXPECT_FALSE(coordinator().ReadyToClose());
  EXPECT_FALSE(run_.SendConfirmation(3));
  EXPECT_TRUE(coordinator().ReadyToClose());
  coordinator().Close();
  EXPECT_EQ(coordinator().QuorumList().signatures.size(), 4u);
  EXPECT_FALSE(run_.SendConfirmation(4));
  EXPECT_EQ(coordinator().QuorumList().signatures.size(), 4u);
  const Confirmation late = run_.Confirm(0);
  for (std::size_t i = 4; i > 0; --i) EXPECT_FALSE(run_.SendUnmasking(i));
  EXPECT_TRUE(coordinator().ReadyToClose());
  coordinator().Close();
  ExpectSum();
  EXPECT_EQ(coordinator().survivors().size(), 5u);
  EXPECT_EQ(run_.SendUnmasking(0), D::kWrongPhase);
  EXPECT_EQ(coordinator().OnConfirmation(fixture_.id(0), late, Signature{}), D::kWrongPhase);
}

// -- Unmasking -----------------------------------------------------------------------------------

class UnmaskTest : public ConfirmTest {
 protected:
  UnmaskTest() { run_.Confirming(); }
  template <class Edit>
  void ExpectUnmaskingDropped(D expected, Edit edit) {
    Unmasking unmasking = run_.Release(4);
    edit(unmasking.shares);
    ExpectDropped(coordinator().OnUnmasking(liar(), unmasking), expected);
    Finish();
  }
  using List = std::vector<RevealedShare>;
};

TEST_F(UnmaskTest, DropsTooFewShares) {
  ExpectUnmaskingDropped(D::kWrongShares, [](List& list) { list.pop_back(); });
}
TEST_F(UnmaskTest, DropsARepeatedShare) {
  ExpectUnmaskingDropped(D::kWrongShares, [](List& list) { list[1] = list[0]; });
}
TEST_F(UnmaskTest, DropsASecondKind) {
  ExpectUnmaskingDropped(D::kWrongShares, [](List& list) { list[1].kind = ShareKind::kMasking; });
}
TEST_F(UnmaskTest, DropsAShareThatIsNoScalar) {
  ExpectUnmaskingDropped(D::kWrongShares, [](List& list) { list[1].share.fill(std::byte{0xff}); });
}
TEST_F(UnmaskTest, DropsAShareThatWasNeverDealt) {
  ExpectUnmaskingDropped(D::kShareHashDiffers,
                         [](List& list) { list[1].share[0] ^= std::byte{1}; });
}

TEST_F(UnmaskTest, IgnoresARepeatedUnmasking) {
  EXPECT_FALSE(run_.SendUnmasking(4));
  ExpectIgnored(run_.SendUnmasking(4), D::kWrongPhase);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(run_.SendUnmasking(i));
  coordinator().Close();
  ExpectSum();
}

TEST_F(UnmaskTest, NamesASiteThatLiesAboutItsOwnShare) {
  Unmasking unmasking = run_.Release(0);
  unmasking.shares[0].share[0] ^= std::byte{1};
  EXPECT_FALSE(coordinator().OnUnmasking(fixture_.id(0), unmasking));
  run_.Unmask({0});
  EXPECT_EQ(coordinator().phase(), SumPhase::kFailed);
  EXPECT_EQ(coordinator().dropped().at(fixture_.id(0)), D::kDealtInconsistently);
  EXPECT_EQ(coordinator().dropped().size(), 1u);
}

TEST_F(UnmaskTest, TakesAsManySharesAsAreNeededSoThatALieInAnotherDoesNoHarm) {
  Unmasking unmasking = run_.Release(4);
  unmasking.shares[4].share[0] ^= std::byte{1};
  EXPECT_FALSE(coordinator().OnUnmasking(liar(), unmasking));
  run_.Unmask({4});
  ASSERT_EQ(coordinator().phase(), SumPhase::kFinished);
  EXPECT_EQ(coordinator().sum(), run_.ExpectedSum());
}

// -- A dealer's lies -----------------------------------------------------------------------------

/// Site 4's shares with the pair for site 0 replaced by `pair`, properly sealed and hashed.
class DealerTest : public CoordinatorSessionTest {
 protected:
  Shares DealtWith(const Bytes& pair, const Digest& commitment) {
    Shares shares = run_.session(4).shares();
    const Digest& context = coordinator().context();
    const SiteId victim = fixture_.id(0);
    const SecretKey32 shared = *ExchangeSecret(fixture_.site(4).prekey.encryption,
                                               fixture_.site(0).prekey.prekey.encryption);
    shares.commitment = commitment;
    shares.shares[0].sealed = Seal(ShareKey(shared, context, liar(), victim), pair,
                                   ShareAssociatedData(context, liar(), victim), fixture_.random());
    const ByteSpan bytes(pair);
    shares.shares[0].self_hash =
        ShareHash(context, ShareKind::kSelf, liar(), victim, bytes.first(32));
    shares.shares[0].masking_hash =
        ShareHash(context, ShareKind::kMasking, liar(), victim, bytes.subspan(32));
    return shares;
  }
  /// The liar's session believes that it dealt `shares`: only the coordinator's record differs.
  void Deal(const Shares& shares) {
    for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(run_.SendShares(i));
    EXPECT_FALSE(coordinator().OnShares(liar(), shares));
    coordinator().Close();
  }
};

TEST_F(DealerTest, SharesThatDoNotGiveTheCommittedSecretNameTheirDealer) {
  Bytes pair(64);
  pair[0] = std::byte{1};
  pair[32] = std::byte{2};
  Deal(DealtWith(pair, run_.session(4).shares().commitment));
  run_.MaskAll({4});
  // The liar has masked honestly, but for the digest of what it dealt it signs as the others see
  // it.
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(run_.SendHeader(i) || run_.SendVector(i));
  UploadHeader header = run_.session(0).upload_header();
  const RingVector words(fixture_.setup().words, 7);
  header.vector_hash = VectorHash(header.context, liar(), words);
  EXPECT_FALSE(coordinator().OnUploadHeader(liar(), header,
                                            fixture_.Sign(4, MessageKind::kUploadHeader, header)));
  EXPECT_FALSE(coordinator().OnChunk(liar(), Chunk{0, words}));
  coordinator().Close();
  run_.Confirming({4});
  run_.Unmask({4});
  EXPECT_EQ(coordinator().phase(), SumPhase::kFailed);
  EXPECT_EQ(coordinator().dropped().at(liar()), D::kDealtInconsistently);
  EXPECT_EQ(coordinator().dropped().size(), 1u);
}

TEST_F(DealerTest, AMaskingSeedThatIsNotTheKeysNamesItsDealer) {
  Bytes pair(64);
  pair[0] = std::byte{1};
  pair[32] = std::byte{2};
  Deal(DealtWith(pair, run_.session(4).shares().commitment));
  run_.Uploading({4});
  run_.Confirming();
  run_.Unmask();
  EXPECT_EQ(coordinator().phase(), SumPhase::kFailed);
  // It was silent first; the failure names it again.
  EXPECT_NE(coordinator().failure().find(std::to_string(liar().value())), std::string::npos);
}

TEST_F(DealerTest, AShareThatIsNoScalarIsRefusedByItsRecipientSoThatNobodyElseIsBlamed) {
  Bytes pair(64);
  for (std::size_t i = 0; i < 32; ++i) pair[i] = std::byte{0xff};
  Deal(DealtWith(pair, run_.session(4).shares().commitment));
  const Judged<void> judged = run_.Deliver(0);
  ASSERT_FALSE(judged.has_value());
  EXPECT_EQ(judged.error().reason, RefusalReason::kShareDoesNotOpen);
  EXPECT_EQ(judged.error().about, liar());
}

// -- Waiting -------------------------------------------------------------------------------------

TEST_F(CoordinatorSessionTest, IsReadyWhenNobodyIsLeftToWaitForOrTooFewRemain) {
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(run_.SendShares(i));
  EXPECT_FALSE(coordinator().ReadyToClose());
  EXPECT_EQ(coordinator().Awaited(), std::vector<SiteId>{liar()});
  coordinator().Drop(liar(), D::kDisconnected);
  EXPECT_TRUE(coordinator().ReadyToClose());
  coordinator().Close();
  coordinator().Drop(fixture_.id(3), D::kDisconnected);
  EXPECT_TRUE(coordinator().ReadyToClose());
  coordinator().Close();
  EXPECT_EQ(coordinator().phase(), SumPhase::kFailed);
  EXPECT_FALSE(coordinator().ReadyToClose());
}

TEST(CoordinatorWaitTest, WithEveryoneOneLossEndsTheAttempt) {
  SumFixture fixture(5);
  SumRun run(fixture, true);
  run.coordinator().Drop(fixture.id(2), D::kRestarted);
  EXPECT_TRUE(run.coordinator().ReadyToClose());
  run.coordinator().Close();
  EXPECT_EQ(run.coordinator().phase(), SumPhase::kFailed);
}

}  // namespace
}  // namespace consilium
