// What a site refuses. Each lie is told by a coordinator with its own valid
// key, right before the honest message that it stands for: the site names it,
// writes nothing, gives nothing away, and takes the honest message afterwards
// as if nothing had been said.

#include "client/site_core.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/secure_sum/thresholds.h"
#include "protocols/secure_sum/transcript.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using R = RefusalReason;
constexpr std::uint32_t kVictim = 0;

/// The lie that stands for an honest message, as it goes over the wire.
using Tell = std::function<Bytes(VirtualFederation&, const OpenedMessage&)>;

struct Lie {
  std::string name;
  MessageKind kind;
  R reason;
  Tell tell;
  std::uint32_t round = 1;  ///< The honest message's round at which it is told.
  bool after = false;       ///< Told once the honest message has been taken.
  std::string on_loss = "wait";
};

void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.name; }

Bytes Seal(VirtualFederation& federation, MessageKind kind, const Route& route, const Bytes& body) {
  return SealMessage(kind, route, body, federation.coordinator_identity());
}

/// The honest body, altered.
template <class Body>
Tell With(std::function<void(VirtualFederation&, Body&, Route&)> alter) {
  return [alter](VirtualFederation& federation, const OpenedMessage& honest) {
    Body body = *Decode<Body>(honest.body);
    Route route = honest.route;
    alter(federation, body, route);
    return Seal(federation, honest.kind, route, Encode(body));
  };
}

template <class Body>
Tell With(std::function<void(Body&)> alter) {
  return With<Body>([alter](VirtualFederation&, Body& body, Route&) { alter(body); });
}

/// A prekey that its owner signed: what a site in league with the coordinator
/// can make.
void SignBy(VirtualFederation& federation,
            std::uint32_t site,
            const Route& start,
            Participant& participant) {
  const Route route{start.federation, start.study, {}, {}};
  const Bytes sealed = SealMessage(MessageKind::kPrekey, route, Encode(participant.prekey),
                                   federation.site_identity(site));
  participant.signature = *OpenMessage(sealed)->signature;
}

void DropLast(RoundStart& start) {
  start.participants.pop_back();
  start.thresholds = *ThresholdsFor(static_cast<std::uint32_t>(start.participants.size()),
                                    start.thresholds.minimum);
}

class SiteRefusalTest : public ::testing::TestWithParam<Lie> {
 protected:
  /// A stranger's message is named in the site's own log alone, any other is answered.
  bool IsAnswered() const {
    const R reason = GetParam().reason;
    return reason != R::kOtherFederation && reason != R::kNotSignedByCoordinator;
  }

  void Expect(VirtualFederation& federation, const Bytes& lie) {
    const std::string name(Name(GetParam().reason));
    const SiteEffects effects = federation.site(kVictim).OnMessage(federation.now(), lie);
    ASSERT_EQ(effects.size(), IsAnswered() ? 2U : 1U);
    const Note& note = std::get<Note>(effects[0]);
    EXPECT_THAT(note.fields, ::testing::Contains(::testing::Pair("reason", name)));
    ++told_;
    if (!IsAnswered()) return;
    const OpenedMessage said = *OpenMessage(std::get<SendToCoordinator>(effects[1]).message);
    ASSERT_EQ(said.kind, MessageKind::kRefusal) << Name(said.kind);
    EXPECT_EQ(Name(static_cast<R>(Decode<RefusalMessage>(said.body)->reason)), name);
    EXPECT_FALSE(federation.site(kVictim).Studies().at(0).last_refusal.empty());
  }

  int told_ = 0;
};

TEST_P(SiteRefusalTest, IsNamedWritesNothingAndDoesNoHarm) {
  const Lie& lie = GetParam();
  FederationOptions options;
  options.on_loss = lie.on_loss;
  VirtualFederation honest(options);
  const StudyId expected = honest.RunningStudy();
  ASSERT_TRUE(honest.RunToEnd(expected));
  VirtualFederation federation(options);
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    const bool here = site == kVictim && message.kind == lie.kind && told_ == 0 &&
                      message.route.round == RoundNumber(lie.round);
    if (!here) return true;
    const Bytes told = lie.tell(federation, message);
    if (lie.after) federation.Deliver(kVictim, bytes);
    Expect(federation, told);
    return !lie.after;
  };

  const StudyId study = federation.RunningStudy();

  EXPECT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(federation.ResultOf(study), honest.ResultOf(expected));
}

std::string NameOf(const ::testing::TestParamInfo<Lie>& info) { return info.param.name; }

// -- The start of a round

Lie Threshold(std::string name, std::uint32_t Thresholds::*field, std::uint32_t change) {
  return {std::move(name), MessageKind::kRoundStart, R::kThresholdsAltered,
          With<RoundStart>([=](RoundStart& start) { start.thresholds.*field += change; })};
}

std::vector<Lie> KeyLies() {
  constexpr MessageKind kStart = MessageKind::kRoundStart;
  return {
      {"AnotherKeyOfAPeer", kStart, R::kPrekeyForged, With<RoundStart>([](RoundStart& start) {
         start.participants[1].prekey.masking.bytes[0] ^= std::byte{1};
       })},
      {"SwappedKeysOfAPeer", kStart, R::kPrekeyRepeated, With<RoundStart>([](RoundStart& start) {
         start.participants[1].prekey.masking = start.participants[2].prekey.masking;
       })},
      {"SwappedKeysOfItsOwn", kStart, R::kOwnPrekeyAltered, With<RoundStart>([](RoundStart& start) {
         start.participants[0].prekey.encryption.bytes[0] ^= std::byte{1};
       })},
      {"AnotherPrekeyOfItsOwn", kStart, R::kPrekeyUsed, With<RoundStart>([](RoundStart& start) {
         start.participants[0].prekey.id[0] ^= std::byte{1};
       })},
      {"ItselfLeftOut", kStart, R::kOwnPrekeyAltered, With<RoundStart>([](RoundStart& start) {
         start.participants.erase(start.participants.begin());
         start.thresholds = *ThresholdsFor(3, start.thresholds.minimum);
       })},
      {"AnUnknownParticipant", kStart, R::kUnknownParticipant,
       With<RoundStart>([](RoundStart& start) { start.participants[3].site = SiteId(99); })},
      {"AParticipantTwice", kStart, R::kParticipantTwice,
       With<RoundStart>([](RoundStart& start) { start.participants[2] = start.participants[1]; })},
      {"OneKeyForTwoParticipants", kStart, R::kPrekeyRepeated,
       With<RoundStart>([](VirtualFederation& federation, RoundStart& start, Route& route) {
         start.participants[2].prekey.masking = start.participants[1].prekey.masking;
         SignBy(federation, 2, route, start.participants[2]);
       })},
      {"AKeyOfLowOrder", kStart, R::kWeakKey,
       With<RoundStart>([](VirtualFederation& federation, RoundStart& start, Route& route) {
         start.participants[1].prekey.encryption = ExchangeKey{};
         SignBy(federation, 1, route, start.participants[1]);
       })},
  };
}

std::vector<Lie> TermLies() {
  constexpr MessageKind kStart = MessageKind::kRoundStart;
  constexpr std::uint32_t kLess = ~0U;  // Adding it takes one away.
  return {
      Threshold("FewerSitesThanTakePart", &Thresholds::sites, kLess),
      Threshold("FewerNeighbours", &Thresholds::neighbours, kLess),
      Threshold("FewerShares", &Thresholds::shares, kLess),
      Threshold("ASmallerQuorum", &Thresholds::quorum, kLess),
      Threshold("MoreColluding", &Thresholds::colluding, 1),
      {"ALowerMinimum", kStart, R::kMinimumLowered,
       With<RoundStart>([](RoundStart& start) { start.thresholds.minimum = 2; })},
      {"AMinimumAboveTheParticipants", kStart, R::kMinimumLowered,
       With<RoundStart>([](RoundStart& start) { start.thresholds.minimum = 5; })},
      {"TooFewParticipants", kStart, R::kMinimumLowered,
       With<RoundStart>([](RoundStart& start) { start.participants.resize(2); })},
      {"AnOlderRoster", kStart, R::kRosterRolledBack, With<RoundStart>([](RoundStart& start) {
         start.roster_epoch = RosterEpoch(start.roster_epoch.value() - 1);
       })},
  };
}

std::vector<Lie> QuestionLies() {
  constexpr MessageKind kStart = MessageKind::kRoundStart;
  return {
      {"AnotherFirstQuestion", kStart, R::kQueryNotDerived,
       With<RoundStart>([](RoundStart& start) { start.query_hash.bytes[0] ^= std::byte{1}; })},
      {"AnotherModel", kStart, R::kQueryNotDerived,
       With<RoundStart>([](RoundStart& start) { start.query_hash.bytes[31] ^= std::byte{1}; }), 2},
      {"AFrozenSiteLeftOut", kStart, R::kFrozenSetChanged, With<RoundStart>(DropLast), 2},
      {"ARoundThatIsClosed", kStart, R::kRoundReplayed,
       With<RoundStart>([](VirtualFederation&, RoundStart&, Route& route) {
         route.round = RoundNumber(1);
         route.attempt = AttemptNumber(9);
       }),
       2},
      {"ARoundAheadOfItsTime", kStart, R::kUnexpected,
       With<RoundStart>([](VirtualFederation&, RoundStart&, Route& route) {
         route.round = RoundNumber(route.round.value() + 1);
       })},
      {"TheSameAttemptWithOtherTerms", kStart, R::kRoundReplayed, With<RoundStart>(DropLast), 1,
       true},
      {"AnEarlierAttempt", kStart, R::kRoundReplayed,
       With<RoundStart>(
           [](VirtualFederation&, RoundStart&, Route& route) { route.attempt = AttemptNumber(0); }),
       1, true},
      {"MoreRoundsThanTheAnalysisHas", kStart, R::kTooManyRounds,
       With<RoundStart>([](VirtualFederation&, RoundStart&, Route& route) {
         route.round = RoundNumber(10'000);
       })},
      {"AnotherFederation", kStart, R::kOtherFederation,
       With<RoundStart>([](VirtualFederation&, RoundStart&, Route& route) {
         route.federation.bytes[3] ^= std::byte{1};
       })},
      {"ABodyCutShort", kStart, R::kMalformed,
       [](VirtualFederation& federation, const OpenedMessage& honest) {
         return Seal(federation, honest.kind, honest.route,
                     ToBytes(honest.body.first(honest.body.size() - 1)));
       }},
      {"NotSignedByTheCoordinator", kStart, R::kNotSignedByCoordinator,
       [](VirtualFederation& federation, const OpenedMessage& honest) {
         return SealMessage(honest.kind, honest.route, honest.body, federation.site_identity(1));
       }},
  };
}

INSTANTIATE_TEST_SUITE_P(Keys, SiteRefusalTest, ::testing::ValuesIn(KeyLies()), NameOf);
INSTANTIATE_TEST_SUITE_P(Terms, SiteRefusalTest, ::testing::ValuesIn(TermLies()), NameOf);
INSTANTIATE_TEST_SUITE_P(Question, SiteRefusalTest, ::testing::ValuesIn(QuestionLies()), NameOf);

// -- Messages that only sites send

std::vector<Lie> KindLies() {
  std::vector<Lie> lies;
  for (const auto& [name, kind] : std::vector<std::pair<std::string, MessageKind>>{
           {"AHello", MessageKind::kHello},
           {"ADecision", MessageKind::kDecision},
           {"APrekey", MessageKind::kPrekey},
           {"Shares", MessageKind::kShares},
           {"AnUploadHeader", MessageKind::kUploadHeader},
           {"AConfirmation", MessageKind::kConfirmation},
           {"AnUnmasking", MessageKind::kUnmasking},
           {"ARefusal", MessageKind::kRefusal}}) {
    lies.push_back({name, MessageKind::kDelivery, R::kUnexpected,
                    [kind = kind](VirtualFederation& federation, const OpenedMessage& honest) {
                      return Seal(federation, kind, honest.route, Encode(AttemptEnded{"x"}));
                    }});
  }
  return lies;
}

INSTANTIATE_TEST_SUITE_P(SiteOnlyKind, SiteRefusalTest, ::testing::ValuesIn(KindLies()), NameOf);

// -- Delivery

std::vector<Lie> DeliveryLies() {
  constexpr MessageKind kDelivery = MessageKind::kDelivery;
  return {
      {"TooFewDealers", kDelivery, R::kDeliveryTooSmall,
       With<Delivery>([](Delivery& delivery) { delivery.shares.resize(2); })},
      {"AStrangeDealer", kDelivery, R::kDeliveryNotWithinStart,
       With<Delivery>([](Delivery& delivery) { delivery.shares[3].dealer = SiteId(77); })},
      {"ADealerTwice", kDelivery, R::kDeliveryNotWithinStart,
       With<Delivery>([](Delivery& delivery) { delivery.shares[3] = delivery.shares[2]; })},
      {"ItsOwnSharesAltered", kDelivery, R::kOwnSharesAltered,
       With<Delivery>(
           [](Delivery& delivery) { delivery.shares[0].shares_digest.bytes[5] ^= std::byte{1}; })},
      {"ItsOwnSharesLeftOut", kDelivery, R::kOwnSharesAltered,
       With<Delivery>([](Delivery& delivery) { delivery.shares.erase(delivery.shares.begin()); })},
      {"AShareOfAnotherDealer", kDelivery, R::kShareDoesNotOpen,
       With<Delivery>([](Delivery& delivery) {
         std::swap(delivery.shares[1].sealed, delivery.shares[2].sealed);
       })},
      {"AnEmptyShare", kDelivery, R::kShareDoesNotOpen,
       With<Delivery>([](Delivery& delivery) { delivery.shares[1].sealed.clear(); })},
      {"AnotherHashOfAShare", kDelivery, R::kShareHashDiffers,
       With<Delivery>([](Delivery& delivery) {
         std::swap(delivery.shares[1].self_hash, delivery.shares[1].masking_hash);
       })},
      {"ASecondDelivery", kDelivery, R::kSecondDelivery,
       With<Delivery>([](Delivery& delivery) { delivery.shares.pop_back(); }), 1, true},
      {"AnAttemptThatNeverBegan", kDelivery, R::kNoSuchSession,
       With<Delivery>(
           [](VirtualFederation&, Delivery&, Route& route) { route.attempt = AttemptNumber(7); })},
      {"SurvivorsBeforeTheVector", kDelivery, R::kUnexpected,
       [](VirtualFederation& federation, const OpenedMessage& honest) {
         Survivors survivors;
         for (std::uint32_t i = 1; i <= 4; ++i) {
           survivors.headers.push_back(SurvivorHeader{SiteId(i), {}, {}});
         }
         return Seal(federation, MessageKind::kSurvivors, honest.route, Encode(survivors));
       }},
      {"AQuorumBeforeTheSurvivors", kDelivery, R::kUnexpected,
       [](VirtualFederation& federation, const OpenedMessage& honest) {
         return Seal(federation, MessageKind::kQuorum, honest.route, Encode(Quorum{}));
       }},
  };
}

INSTANTIATE_TEST_SUITE_P(Delivery, SiteRefusalTest, ::testing::ValuesIn(DeliveryLies()), NameOf);

// -- Survivors and quorum

std::vector<Lie> SurvivorLies() {
  constexpr MessageKind kSurvivors = MessageKind::kSurvivors;
  const Tell three = With<Survivors>([](Survivors& list) { list.headers.pop_back(); });
  return {
      {"TooFewSurvivors", kSurvivors, R::kSurvivorsTooFew,
       With<Survivors>([](Survivors& list) { list.headers.resize(2); }), 1, false, "continue"},
      {"AFrozenSiteMissing", kSurvivors, R::kFrozenSetChanged, three},
      {"AStrangeSurvivor", kSurvivors, R::kSurvivorsNotWithinDelivery,
       With<Survivors>([](Survivors& list) { list.headers[3].site = SiteId(55); }), 1, false,
       "continue"},
      {"ASurvivorTwice", kSurvivors, R::kSurvivorsNotWithinDelivery,
       With<Survivors>([](Survivors& list) { list.headers[3] = list.headers[2]; }), 1, false,
       "continue"},
      {"ItselfNotAmongThem", kSurvivors, R::kLeftOut,
       With<Survivors>([](Survivors& list) { list.headers.erase(list.headers.begin()); }), 1, false,
       "continue"},
      {"AnotherVectorOfAPeer", kSurvivors, R::kHeaderForged, With<Survivors>([](Survivors& list) {
         list.headers[2].header.vector_hash.bytes[0] ^= std::byte{1};
       })},
      {"AnotherVectorOfItsOwn", kSurvivors, R::kHeaderForged,
       With<Survivors>([](VirtualFederation& federation, Survivors& list, Route& route) {
         // Even with its own valid signature, as after a restored snapshot.
         list.headers[0].header.vector_hash.bytes[0] ^= std::byte{1};
         const Bytes sealed =
             SealMessage(MessageKind::kUploadHeader, route, Encode(list.headers[0].header),
                         federation.site_identity(kVictim));
         list.headers[0].signature = *OpenMessage(sealed)->signature;
       })},
      {"APeerWithAnotherView", kSurvivors, R::kViewsDiffer,
       With<Survivors>([](VirtualFederation& federation, Survivors& list, Route& route) {
         list.headers[1].header.delivery_root.bytes[0] ^= std::byte{1};
         const Bytes sealed =
             SealMessage(MessageKind::kUploadHeader, route, Encode(list.headers[1].header),
                         federation.site_identity(1));
         list.headers[1].signature = *OpenMessage(sealed)->signature;
       })},
      {"ASecondSetOfSurvivors", kSurvivors, R::kSecondSurvivorSet, three, 1, true, "continue"},
      {"NoSurvivorsAfterwards", kSurvivors, R::kSurvivorsTooFew,
       With<Survivors>([](Survivors& list) { list.headers.clear(); }), 1, true, "continue"},
  };
}

std::vector<Lie> QuorumLies() {
  constexpr MessageKind kQuorum = MessageKind::kQuorum;
  return {
      {"TooSmallAQuorum", kQuorum, R::kQuorumTooSmall,
       With<Quorum>([](Quorum& quorum) { quorum.signatures.pop_back(); })},
      {"OneSignatureForTwo", kQuorum, R::kQuorumForged,
       With<Quorum>([](Quorum& quorum) { quorum.signatures[1] = quorum.signatures[0]; })},
      {"AForgedSignature", kQuorum, R::kQuorumForged, With<Quorum>([](Quorum& quorum) {
         quorum.signatures[1].signature.bytes[9] ^= std::byte{1};
       })},
      {"AQuorumOnAnotherTranscript", kQuorum, R::kQuorumForged,
       With<Quorum>([](VirtualFederation& federation, Quorum& quorum, Route& route) {
         for (std::uint32_t i = 0; i < quorum.signatures.size(); ++i) {
           const auto site = quorum.signatures[i].site.value() - 1;
           const Bytes sealed =
               SealMessage(MessageKind::kConfirmation, route, Encode(Confirmation{Digest{}}),
                           federation.site_identity(site));
           quorum.signatures[i].signature = *OpenMessage(sealed)->signature;
         }
       })},
      {"BothSharesOfOnePeer", kQuorum, R::kAlreadyReleased,
       [](VirtualFederation& federation, const OpenedMessage& honest) {
         // After the release: the set without the last site, whose masking
         // share would then be due.
         Survivors list;
         for (const auto& [site, bytes] : federation.received()) {
           const OpenedMessage message = *OpenMessage(bytes);
           if (message.kind != MessageKind::kUploadHeader || site == 3) continue;
           list.headers.push_back(SurvivorHeader{
               SiteId(site + 1), *Decode<UploadHeader>(message.body), *message.signature});
         }
         std::sort(list.headers.begin(), list.headers.end(),
                   [](const auto& a, const auto& b) { return a.site < b.site; });
         return Seal(federation, MessageKind::kSurvivors, honest.route, Encode(list));
       },
       1, true, "continue"},
  };
}

INSTANTIATE_TEST_SUITE_P(Survivors, SiteRefusalTest, ::testing::ValuesIn(SurvivorLies()), NameOf);
INSTANTIATE_TEST_SUITE_P(Quorum, SiteRefusalTest, ::testing::ValuesIn(QuorumLies()), NameOf);

// -- The sums made known

std::vector<Lie> HistoryLies() {
  constexpr MessageKind kClosed = MessageKind::kRoundClosed;
  return {
      {"AnotherSumAfterwards", kClosed, R::kHistoryAltered,
       With<RoundClosed>([](RoundClosed& closed) { ++closed.sum[0]; }), 1, true},
      {"OtherSurvivorsThanConfirmed", kClosed, R::kHistoryAltered,
       With<RoundClosed>([](RoundClosed& closed) { closed.survivors.pop_back(); })},
      {"ASumOfARoundAhead", kClosed, R::kUnexpected,
       With<RoundClosed>(
           [](VirtualFederation&, RoundClosed&, Route& route) { route.round = RoundNumber(3); })},
      {"ASumOfAnotherLength", kClosed, R::kMalformed,
       With<RoundClosed>([](RoundClosed& closed) { closed.sum.pop_back(); })},
      {"ASumOfRoundNone", kClosed, R::kUnexpected,
       With<RoundClosed>(
           [](VirtualFederation&, RoundClosed&, Route& route) { route.round = RoundNumber(0); })},
  };
}

INSTANTIATE_TEST_SUITE_P(History, SiteRefusalTest, ::testing::ValuesIn(HistoryLies()), NameOf);

}  // namespace
}  // namespace consilium::testing
