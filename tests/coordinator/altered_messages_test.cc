// Every message of an honest run again, damaged: cut, with flipped bits, with each integer field of
// its body at zero. It is refused or harmless: the study ends with the bits of the honest run.

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/wire.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using Damage = std::function<std::vector<Bytes>(const Bytes&, RandomSource&)>;

std::vector<Bytes> Cut(const Bytes& message, RandomSource& random) {
  const auto somewhere = static_cast<std::size_t>(random.Below(message.size()));
  std::vector<Bytes> cut;
  for (const std::size_t size : {std::size_t{0}, somewhere, message.size() - 1}) {
    cut.emplace_back(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
  }
  return cut;
}

std::vector<Bytes> Flip(const Bytes& message, RandomSource& random) {
  std::vector<Bytes> flipped(4, message);
  for (std::size_t i = 0; i < flipped.size(); ++i) {
    // One flip in the header, one in the signature, the others anywhere.
    const std::uint64_t at = i == 0   ? random.Below(kHeaderBytes)
                             : i == 1 ? message.size() - 1 - random.Below(kSignatureBytes)
                                      : random.Below(message.size());
    flipped[i][static_cast<std::size_t>(at)] ^= static_cast<std::byte>(1U << random.Below(8));
  }
  return flipped;
}

/// Delivered right before each honest message of a run, in both directions.
void ExpectHarmless(const Damage& damage, std::uint64_t seed) {
  const FederationOptions options;
  VirtualFederation honest(options);
  const StudyId expected = honest.RunningStudy();
  ASSERT_TRUE(honest.RunToEnd(expected));
  VirtualFederation federation(options);
  SeededRandom random(seed);
  std::uint64_t damaged = 0;
  federation.to_site = [&](std::uint32_t site, Bytes& message) {
    for (const Bytes& bad : damage(message, random)) {
      federation.Deliver(site, bad);
      ++damaged;
    }
    return true;
  };
  federation.to_coordinator = [&](std::uint32_t site, Bytes& message) {
    for (const Bytes& bad : damage(message, random)) {
      federation.DeliverToCoordinator(site, bad);
      ++damaged;
    }
    return true;
  };

  const StudyId study = federation.RunningStudy();

  ASSERT_TRUE(federation.RunToEnd(study))
      << "seed " << seed << ": " << federation.View(study).reason;
  EXPECT_EQ(federation.ResultOf(study), honest.ResultOf(expected)) << "seed " << seed;
  EXPECT_GT(damaged, 500U);
}

TEST(AlteredMessageTest, CutShortIsHarmless) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) ExpectHarmless(Cut, seed);
}

TEST(AlteredMessageTest, WithFlippedBitsIsHarmless) {
  // Chunks and their receipts are not signed: a flip there is what the hash in the signed header is
  // for, and the site is dropped and tried again.
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const auto flip_signed = [](const Bytes& message, RandomSource& random) {
      return IsSigned(OpenMessage(message)->kind) ? Flip(message, random) : std::vector<Bytes>{};
    };
    ExpectHarmless(flip_signed, seed);
  }
}

TEST(AlteredMessageTest, AFlippedBitInAVectorCostsAnAttemptAndNoMore) {
  const FederationOptions options;
  VirtualFederation honest(options);
  const StudyId expected = honest.RunningStudy();
  ASSERT_TRUE(honest.RunToEnd(expected));
  SeededRandom random(4);
  for (int run = 0; run < 20; ++run) {
    VirtualFederation federation(options);
    bool flipped = false;
    federation.to_coordinator = [&](std::uint32_t, Bytes& message) {
      if (flipped || OpenMessage(message)->kind != MessageKind::kUploadChunk) return true;
      flipped = true;
      const auto at = kHeaderBytes + random.Below(message.size() - kHeaderBytes);
      message[static_cast<std::size_t>(at)] ^= static_cast<std::byte>(1U << random.Below(8));
      return true;
    };

    const StudyId study = federation.RunningStudy();

    ASSERT_TRUE(federation.RunToEnd(study)) << run << ": " << federation.View(study).reason;
    ASSERT_TRUE(flipped);
    EXPECT_EQ(federation.ResultOf(study), honest.ResultOf(expected)) << run;
  }
}

// -- Chunks that are repeated, or come without their header: neither side may answer for ever

TEST(RepeatedChunkTest, RepeatsOfChunksAndReceiptsAskForNothing) {
  const FederationOptions options;
  VirtualFederation honest(options);
  const StudyId expected = honest.RunningStudy();
  ASSERT_TRUE(honest.RunToEnd(expected));
  VirtualFederation federation(options);
  std::uint64_t chunks = 0;
  federation.to_coordinator = [&](std::uint32_t site, Bytes& message) {
    if (OpenMessage(message)->kind != MessageKind::kUploadChunk) return true;
    ++chunks;
    for (int i = 0; i < 3; ++i) federation.DeliverToCoordinator(site, message);
    return true;
  };
  federation.to_site = [&](std::uint32_t site, Bytes& message) {
    if (OpenMessage(message)->kind != MessageKind::kChunkReceived) return true;
    for (int i = 0; i < 3; ++i) federation.Deliver(site, message);
    return true;
  };

  const StudyId study = federation.RunningStudy();

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_EQ(federation.ResultOf(study), honest.ResultOf(expected));
  EXPECT_EQ(chunks, std::uint64_t{options.sites} * federation.View(study).rounds_done)
      << "one chunk a site and round, sent once";
}

TEST(RepeatedChunkTest, AChunkWithoutItsHeaderIsNotAskedForAgain) {
  VirtualFederation federation{FederationOptions()};
  bool lost = false;
  std::uint64_t receipts = 0;
  federation.to_coordinator = [&](std::uint32_t site, Bytes& message) {
    const bool header = site == 1 && OpenMessage(message)->kind == MessageKind::kUploadHeader;
    if (lost || !header) return true;
    lost = true;
    return false;
  };
  federation.to_site = [&](std::uint32_t site, Bytes& message) {
    if (site == 1 && OpenMessage(message)->kind == MessageKind::kChunkReceived) ++receipts;
    return true;
  };

  const StudyId study = federation.RunningStudy();
  federation.Settle();

  ASSERT_TRUE(lost);
  EXPECT_EQ(receipts, 0U);
  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
}

// -- Fields at zero, by a sender with its own valid key
// ------------------------------------------------

/// Walks a body as the archives do and sets its nth integer to zero.
class Zeroer {
 public:
  explicit Zeroer(std::size_t target) : target_(target) {}
  std::size_t integers() const { return seen_; }

  template <class... Fields>
  void operator()(Fields&&... fields) {
    (Visit(fields), ...);
  }

 private:
  template <class Field>
  void Visit(Field& field) {
    if constexpr (std::is_integral_v<Field>) {
      if (seen_++ == target_) field = 0;
    } else if constexpr (requires { field.serialize(*this); }) {
      field.serialize(*this);
    }
  }
  template <class Field, std::size_t Cap, std::size_t... Inner>
  void Visit(CappedField<std::vector<Field>, Cap, Inner...>& capped) {
    for (Field& element : capped.field) Visit(element);
  }
  template <class Field>
  void Visit(std::optional<Field>& field) {
    if (field) Visit(*field);
  }

  std::size_t target_;
  std::size_t seen_ = 0;
};

/// The message with its body's nth integer at zero, sealed again; nullopt past the last integer.
using ZeroField = std::function<std::optional<Bytes>(const Bytes&, const SigningKey&, std::size_t)>;

struct ZeroCase {
  MessageKind kind;
  bool to_site;
  ZeroField zero;
};

template <class Body>
ZeroCase Case(MessageKind kind, bool to_site) {
  return {kind, to_site,
          [](const Bytes& bytes, const SigningKey& key, std::size_t n) -> std::optional<Bytes> {
            const OpenedMessage message = *OpenMessage(bytes);
            Body body = *Decode<Body>(message.body);
            Zeroer zeroer(n);
            body.serialize(zeroer);
            if (n >= zeroer.integers()) return std::nullopt;
            return IsSigned(message.kind)
                       ? SealMessage(message.kind, message.route, Encode(body), key)
                       : FrameMessage(message.kind, message.route, Encode(body));
          }};
}

void PrintTo(const ZeroCase& one, std::ostream* out) { *out << Name(one.kind); }

class ZeroedFieldTest : public ::testing::TestWithParam<ZeroCase> {
 protected:
  static constexpr std::uint32_t kSite = 1;

  /// Tells the lie right before the first honest message of the kind; whatever the site says to it,
  /// the liar does not heed.
  static void Arm(VirtualFederation& federation, std::size_t field, bool& past_last) {
    const ZeroCase& one = GetParam();
    const auto told = std::make_shared<bool>(false);
    const auto tell = [&federation, &past_last, field, told, one](std::uint32_t site,
                                                                  const Bytes& bytes) {
      if (*told || site != kSite || OpenMessage(bytes)->kind != one.kind) return;
      *told = true;
      const SigningKey& key =
          one.to_site ? federation.coordinator_identity() : federation.site_identity(kSite);
      const std::optional<Bytes> lie = one.zero(bytes, key, field);
      past_last = !lie;
      if (!lie || *lie == bytes) return;
      if (one.to_site) {
        federation.Deliver(site, *lie);
      } else {
        federation.DeliverToCoordinator(site, *lie);
      }
    };
    if (one.to_site) {
      federation.to_site = [tell](std::uint32_t site, Bytes& bytes) {
        tell(site, bytes);
        return true;
      };
      federation.to_coordinator = [](std::uint32_t, Bytes& bytes) {
        return OpenMessage(bytes)->kind != MessageKind::kRefusal;
      };
    } else {
      federation.to_coordinator = [tell](std::uint32_t site, Bytes& bytes) {
        tell(site, bytes);
        return true;
      };
    }
  }
};

TEST_P(ZeroedFieldTest, IsRefusedOrHarmless) {
  const FederationOptions options;
  VirtualFederation honest(options);
  const StudyId expected = honest.RunningStudy();
  ASSERT_TRUE(honest.RunToEnd(expected));
  std::size_t field = 0;
  for (bool past_last = false; !past_last; ++field) {
    ASSERT_LT(field, 500U);
    VirtualFederation federation(options);
    Arm(federation, field, past_last);

    const StudyId study = federation.RunningStudy();
    const bool finished = federation.RunToEnd(study);

    if (finished) {
      EXPECT_EQ(federation.ResultOf(study), honest.ResultOf(expected)) << "field " << field;
      continue;
    }
    // One site was told another sum than the rest: it will not go on from there, and says why.
    EXPECT_EQ(GetParam().kind, MessageKind::kRoundClosed)
        << "field " << field << ": " << federation.View(study).reason;
    EXPECT_FALSE(federation.refusals().empty()) << "field " << field;
  }
  EXPECT_GT(field, 1U) << "no integer was set to zero";
}

INSTANTIATE_TEST_SUITE_P(Message,
                         ZeroedFieldTest,
                         ::testing::Values(Case<Hello>(MessageKind::kHello, false),
                                           Case<Decision>(MessageKind::kDecision, false),
                                           Case<Prekey>(MessageKind::kPrekey, false),
                                           Case<Shares>(MessageKind::kShares, false),
                                           Case<UploadHeader>(MessageKind::kUploadHeader, false),
                                           Case<Chunk>(MessageKind::kUploadChunk, false),
                                           Case<Unmasking>(MessageKind::kUnmasking, false),
                                           Case<Welcome>(MessageKind::kWelcome, true),
                                           Case<RoundStart>(MessageKind::kRoundStart, true),
                                           Case<Delivery>(MessageKind::kDelivery, true),
                                           Case<ChunkReceived>(MessageKind::kChunkReceived, true),
                                           Case<Survivors>(MessageKind::kSurvivors, true),
                                           Case<Quorum>(MessageKind::kQuorum, true),
                                           Case<RoundClosed>(MessageKind::kRoundClosed, true)),
                         [](const auto& one) {
                           std::string name(Name(one.param.kind));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace consilium::testing
