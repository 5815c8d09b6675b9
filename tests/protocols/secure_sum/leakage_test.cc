// What the coordinator sees. Everything it receives in an attempt is written down and looked at.

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "common/crypto/mask_stream.h"
#include "protocols/secure_sum/secret_sharing.h"
#include "tests/support/combine_shares.h"
#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

/// Chi-square of the bytes' frequencies: 255 degrees of freedom. A uniform sample is over 377 with
/// probability 1e-6 and under 162 with probability 1e-6; the seeds are fixed.
double ChiSquare(std::span<const std::uint64_t> words) {
  std::array<double, 256> counts{};
  for (const std::byte byte : std::as_bytes(words)) counts[std::to_integer<std::size_t>(byte)] += 1;
  const double expected = static_cast<double>(words.size_bytes()) / 256;
  double chi_square = 0;
  for (const double count : counts)
    chi_square += (count - expected) * (count - expected) / expected;
  return chi_square;
}

void PlayThrough(SumRun& run, const SumRun::Absent& lost) {
  run.Dealing();
  run.Uploading(lost);
  run.Confirming(lost);
  run.Unmask(lost);
  ASSERT_EQ(run.coordinator().phase(), SumPhase::kFinished) << run.coordinator().failure();
}

TEST(LeakageTest, MaskedVectorsAreUniformWhateverTheContribution) {
  SumFixture fixture(5, 20'000);
  const RingVector contributions[] = {RingVector(20'000, 0), RingVector(20'000, 1),
                                      RingVector(20'000, UINT64_MAX)};
  for (const RingVector& contribution : contributions) {
    EXPECT_GT(ChiSquare(contribution), 377) << "the statistic would notice a vector in the clear";
    SumRun run(fixture);
    run.Dealing();
    RingVector all;
    for (std::size_t i = 0; i < 5; ++i) {
      ASSERT_TRUE(run.Deliver(i).has_value());
      run.contribution(i) = contribution;
      run.Mask(i);
      const RingVector& masked = run.session(i).masked_vector();
      EXPECT_LT(ChiSquare(masked), 377);
      EXPECT_GT(ChiSquare(masked), 162);
      all.insert(all.end(), masked.begin(), masked.end());
    }
    EXPECT_LT(ChiSquare(all), 377);
    EXPECT_GT(ChiSquare(all), 162);
  }
}

bool Contains(ByteSpan haystack, std::uint64_t word) {
  ByteArray<8> needle;
  StoreU64(needle, word);
  return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end()) !=
         haystack.end();
}

// Contributions with words that no chance brings about, counts among them; one site is lost after
// its upload was asked for and one after dealing.
TEST(LeakageTest, NoWordOfAContributionIsInAnyByteReceived) {
  for (const SumRun::Absent& lost : {SumRun::Absent{}, SumRun::Absent{2}}) {
    SumFixture fixture(5, 64);
    SumRun run(fixture);
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = 0; j < 64; ++j) {
        run.contribution(i)[j] = 0x5eed'0000'0000'0000u + 0x1'0001 * (64 * i + j) + (j % 3);
      }
    }
    PlayThrough(run, lost);
    std::size_t words = 0;
    for (const Bytes& received : run.received()) {
      for (std::size_t i = 0; i < 5; ++i) {
        for (const std::uint64_t word : run.contribution(i)) {
          ASSERT_FALSE(Contains(received, word));
          ++words;
        }
      }
    }
    EXPECT_GT(words, 5'000u);
    EXPECT_EQ(run.coordinator().sum(), run.ExpectedSum());
  }
}

/// All that two sites of an attempt add to each other's vectors, as the lower of the two adds it.
RingVector MaskOfPair(SumFixture& fixture, const Digest& context, std::size_t a, std::size_t b) {
  const SecretKey32 shared =
      *ExchangeSecret(fixture.site(a).prekey.masking, fixture.site(b).prekey.prekey.masking);
  RingVector mask(fixture.setup().words, 0);
  ApplyMasks(std::array{MaskTerm{PairwiseMaskKey(shared, context, fixture.id(a), fixture.id(b))}},
             mask);
  return mask;
}

/// b of a survivor, from the shares that were revealed.
Scalar SelfSeed(const SumRun& run, const SumFixture& fixture, std::size_t dealer) {
  std::vector<ShamirShare> shares;
  for (const Bytes& received : run.received()) {
    const Result<OpenedMessage> opened = OpenMessage(received);
    if (!opened || opened->kind != MessageKind::kUnmasking) continue;
    std::size_t revealer = 0;
    while (!VerifySender(*opened, fixture.setup().identities.at(fixture.id(revealer)))) ++revealer;
    const Unmasking unmasking = *Decode<Unmasking>(opened->body);
    shares.push_back(ShamirShare{static_cast<std::uint32_t>(revealer) + 1,
                                 *Scalar::FromCanonical(unmasking.shares[dealer].share)});
  }
  return std::move(*CombineShares(shares));
}

/// The transcript of one attempt taken apart with every secret known: who masked what with what.
struct Explained {
  std::vector<RingVector> masked;  ///< By site; empty for a lost one.
  std::vector<RingVector> self;    ///< Self masks, opened.
  std::map<std::pair<std::size_t, std::size_t>, RingVector> pairs;
};

/// x_i from the masked vector and a set of masks.
RingVector Unmasked(const Explained& view, std::size_t i, std::size_t sites) {
  RingVector x = view.masked[i];
  for (std::size_t k = 0; k < x.size(); ++k) {
    x[k] -= view.self[i][k];
    for (std::size_t j = 0; j < sites; ++j) {
      if (j > i) x[k] -= view.pairs.at({i, j})[k];
      if (j < i) x[k] += view.pairs.at({j, i})[k];
    }
  }
  return x;
}

Explained Explain(SumRun& run,
                  SumFixture& fixture,
                  std::size_t lost,
                  const std::vector<RingVector>& masked) {
  Explained view;
  view.masked = masked;
  const Digest& context = run.coordinator().context();
  for (std::size_t i = 0; i < fixture.size(); ++i) {
    view.self.emplace_back(fixture.setup().words, 0);
    if (i != lost) {
      ApplyMasks(std::array{MaskTerm{SelfMaskKey(SelfSeed(run, fixture, i), context)}},
                 view.self.back());
    }
    for (std::size_t j = i + 1; j < fixture.size(); ++j) {
      view.pairs[{i, j}] = MaskOfPair(fixture, context, i, j);
    }
  }
  return view;
}

// Whoever cannot tell the mask of two honest survivors from a random vector cannot tell inputs with
// one sum apart. Seven sites: 0, 1, 3, 4 honest survivors, 2 lost after dealing, 5 and 6 (T = 2)
// collude. The colluders' view is the masked vectors, the self masks, the pairs with the lost site
// and with a colluder. For other inputs with the same honest sum there are other masks between
// honest survivors, and nothing else changed, under which the very same vectors were sent.
TEST(LeakageTest, InputsOfEqualSumExplainOneTranscriptByMasksThatNobodySees) {
  constexpr std::size_t kLost = 2;
  const std::vector<std::size_t> honest{0, 1, 3, 4};
  SumFixture fixture(7, 50);
  SumRun run(fixture);
  run.Dealing();
  run.MaskAll({kLost});
  std::vector<RingVector> masked(7);
  for (const std::size_t i : run.Members({kLost})) masked[i] = run.session(i).masked_vector();
  for (const std::size_t i : run.Members({kLost}))
    ASSERT_FALSE(run.SendHeader(i) || run.SendVector(i));
  run.coordinator().Close();
  run.Confirming();
  run.Unmask();
  ASSERT_EQ(run.coordinator().phase(), SumPhase::kFinished);
  const Explained real = Explain(run, fixture, kLost, masked);
  for (const std::size_t i : run.Members({})) {
    ASSERT_EQ(Unmasked(real, i, 7), run.contribution(i)) << "the formula of the protocol";
  }

  // Other inputs: all but the last at random, the last what is left of the sum.
  std::vector<RingVector> other(7, RingVector(50, 0));
  RingVector rest(50, 0);
  for (const std::size_t i : honest) AddTo(rest, run.contribution(i));
  for (std::size_t k = 0; k + 1 < honest.size(); ++k) {
    other[honest[k]] = fixture.RandomWords();
    for (std::size_t w = 0; w < 50; ++w) rest[w] -= other[honest[k]][w];
  }
  other[honest.back()] = rest;

  // Along the path of honest survivors each mask takes over the difference so far.
  Explained alternative = real;
  RingVector difference(50, 0);
  for (std::size_t k = 0; k + 1 < honest.size(); ++k) {
    RingVector& mask = alternative.pairs.at({honest[k], honest[k + 1]});
    for (std::size_t w = 0; w < 50; ++w) {
      difference[w] += run.contribution(honest[k])[w] - other[honest[k]][w];
      mask[w] += difference[w];
    }
  }
  for (const std::size_t i : honest) {
    EXPECT_EQ(Unmasked(alternative, i, 7), other[i]);
    EXPECT_NE(other[i], run.contribution(i));
  }
  for (const std::size_t i : {std::size_t{5}, std::size_t{6}}) {
    EXPECT_EQ(Unmasked(alternative, i, 7), run.contribution(i));
  }
  for (const auto& [pair, mask] : real.pairs) {
    const bool seen = pair.first == kLost || pair.second == kLost || pair.second >= 5;
    if (seen) {
      EXPECT_EQ(alternative.pairs.at(pair), mask);
    }
  }
  EXPECT_EQ(alternative.masked, real.masked);
  EXPECT_EQ(alternative.self, real.self);
}

// The argument above leans on two numbers: the colluders' shares do not open a secret (any secret
// remains possible, see SecretSharingTest), and at least two honest sites are in every sum.
TEST(LeakageTest, ColludersHoldTooFewSharesOfEveryHonestSecret) {
  for (std::uint32_t n = 3; n <= kMaxCompleteSites; ++n) {
    const Thresholds thresholds = *ThresholdsFor(n, 3);
    EXPECT_LT(thresholds.colluding, thresholds.shares);
    EXPECT_GE(thresholds.shares - thresholds.colluding, 2u);
  }
}

}  // namespace
}  // namespace consilium
