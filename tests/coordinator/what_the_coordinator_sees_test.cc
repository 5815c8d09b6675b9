// All that reaches the coordinator and all that it keeps, over whole studies: no site's own numbers
// are among it, and what stands in their place is uniform.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/records.h"
#include "protocols/analysis_thread.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

/// Whether a word says enough not to turn up by chance or as a constant: counts of patients, sums
/// of squares of standardised values and powers of two do.
bool SaysMuch(std::uint64_t word) {
  if (word == 0) return false;
  const auto number = static_cast<std::int64_t>(word);
  const std::uint64_t size = number < 0 ? ~word + 1 : word;
  return size >> std::countr_zero(size) >= (1U << 24U);
}

/// Numbers of one site, or of a sum of fewer sites than may be opened: ring words, IEEE bits,
/// decimal.
struct Secrets {
  std::set<std::uint64_t> words;
  std::set<std::string> texts;

  void AddWord(std::uint64_t word) {
    if (SaysMuch(word)) words.insert(word);
  }
  void AddNumber(double number) {
    AddWord(std::bit_cast<std::uint64_t>(number));
    for (const int digits : {9, 17}) {
      std::array<char, 64> text{};
      std::snprintf(text.data(), text.size(), "%.*g", digits, number);
      if (std::string_view(text.data()).size() >= 9) texts.insert(text.data());
    }
  }
  /// What everybody may know is no secret even if a site's part of it happens to be zero.
  void Except(const Secrets& known) {
    for (const std::uint64_t word : known.words) words.erase(word);
    for (const std::string& text : known.texts) texts.erase(text);
  }
};

void AddSum(const RingVector& sum,
            const std::vector<Slot>& slots,
            std::uint32_t capacity,
            Secrets& numbers) {
  for (const std::uint64_t word : sum) numbers.AddWord(word);
  const std::vector<double> values = *DecodeFixedPoint(sum, slots, capacity);
  for (const double value : values) numbers.AddNumber(value);
}

/// Every contribution of a study is computed again from the journal.
Secrets SecretsOf(VirtualFederation& federation, const FederationOptions& options) {
  Secrets secrets;
  Secrets known;
  const Plan plan = *ParsePlan(LogisticPlanText(options), "plan.toml");
  AnalysisThread analysis(plan.analysis);
  AnalysisThread::Step step = analysis.Start();
  const std::vector<Record> journal = *federation.coordinator_store().Load("journal");
  for (const Record& record : journal) {
    const auto entry = *Decode<JournalRecord>(record.value);
    const Query query = std::get<Query>(step);
    const std::vector<Slot> slots = SlotsOf(*plan.analysis->Describe(query));
    std::vector<RingVector> encoded;
    for (std::uint32_t i = 0; i < options.sites; ++i) {
      const Contribution answer = *plan.analysis->Answer(query, federation.cohort(i));
      for (const double value : answer.values) secrets.AddNumber(value);
      encoded.push_back(*EncodeFixedPoint(answer.values, slots, entry.capacity));
    }
    for (std::uint32_t mask = 1; mask + 1 < (1U << options.sites); ++mask) {
      RingVector sum(WordsOf(slots), 0);
      for (std::uint32_t i = 0; i < options.sites; ++i) {
        if ((mask >> i) & 1U) AddTo(sum, encoded[i]);
      }
      AddSum(sum, slots, entry.capacity, secrets);
    }
    AddSum(entry.sum, slots, entry.capacity, known);
    step = analysis.Resume(Aggregate{*DecodeFixedPoint(entry.sum, slots, entry.capacity),
                                     static_cast<std::uint32_t>(entry.survivors.size())});
  }
  secrets.Except(known);
  return secrets;
}

/// Everything: messages as they came, rows as they are kept.
std::vector<Bytes> EverythingSeen(VirtualFederation& federation) {
  std::vector<Bytes> seen;
  for (const auto& [site, bytes] : federation.received()) seen.push_back(bytes);
  for (const char* table : {"audit", "roster", "invitation", "study", "journal"}) {
    const std::vector<Record> rows = *federation.coordinator_store().Load(table);
    for (const Record& row : rows) {
      seen.push_back(row.key);
      seen.push_back(row.value);
    }
  }
  return seen;
}

std::uint64_t WordAt(const Bytes& bytes, std::size_t at, bool big_endian) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const std::size_t from = big_endian ? i : 7 - i;
    word = (word << 8) | std::to_integer<std::uint64_t>(bytes[at + from]);
  }
  return word;
}

/// How often one of the words or texts occurs anywhere, at any offset.
std::size_t Occurrences(const std::vector<Bytes>& seen, const Secrets& secrets) {
  std::size_t found = 0;
  for (const Bytes& bytes : seen) {
    for (std::size_t at = 0; at + 8 <= bytes.size(); ++at) {
      found += secrets.words.contains(WordAt(bytes, at, false)) ? 1U : 0U;
      found += secrets.words.contains(WordAt(bytes, at, true)) ? 1U : 0U;
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const std::string& secret : secrets.texts) {
      found += text.find(secret) != std::string_view::npos ? 1U : 0U;
    }
  }
  return found;
}

class WhatTheCoordinatorSeesTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(WhatTheCoordinatorSeesTest, HoldsNoNumberOfOneSiteNorOfFewerThanMayBeOpened) {
  FederationOptions options;
  options.seed = GetParam();
  VirtualFederation federation(options);
  const StudyId study = federation.RunningStudy();
  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;

  const Secrets secrets = SecretsOf(federation, options);
  const std::vector<Bytes> seen = EverythingSeen(federation);

  ASSERT_GT(secrets.words.size(), 500U);
  EXPECT_EQ(Occurrences(seen, secrets), 0U);

  // The search finds what is there: a number slipped into the last message.
  std::vector<Bytes> leaking = seen;
  const ByteArray<8> slip = std::bit_cast<ByteArray<8>>(*secrets.words.rbegin());
  std::copy(slip.begin(), slip.end(), leaking.front().begin() + 13);
  EXPECT_EQ(Occurrences(leaking, secrets), 1U);
  const std::string& text = *secrets.texts.begin();
  leaking.push_back(ToBytes("{\"sum\":" + text + "}"));
  EXPECT_GE(Occurrences(leaking, secrets), 2U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, WhatTheCoordinatorSeesTest, ::testing::Values(1U, 2U, 3U));

TEST(MaskedWordsTest, AreUniformInEachByteAndNeverRepeat) {
  std::array<std::uint64_t, 256> counts{};
  std::uint64_t bytes = 0;
  std::set<std::uint64_t> words;
  std::uint64_t sent = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    FederationOptions options;
    options.seed = seed;
    VirtualFederation federation(options);
    const StudyId study = federation.RunningStudy();
    ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
    for (const auto& [site, message] : federation.received()) {
      const OpenedMessage opened = *OpenMessage(message);
      if (opened.kind != MessageKind::kUploadChunk) continue;
      const auto chunk = *Decode<Chunk>(opened.body);
      for (const std::uint64_t word : chunk.words) {
        words.insert(word);
        ++sent;
        for (int i = 0; i < 8; ++i) ++counts[(word >> (8 * i)) & 0xff];
        bytes += 8;
      }
    }
  }
  ASSERT_GT(bytes, 50'000U);
  double statistic = 0;
  const double expected = static_cast<double>(bytes) / 256;
  for (const std::uint64_t count : counts) {
    const double difference = static_cast<double>(count) - expected;
    statistic += difference * difference / expected;
  }
  // Chi-square with 255 degrees of freedom: above 386 with probability 2e-7, below 148 with 1e-8.
  EXPECT_LT(statistic, 386);
  EXPECT_GT(statistic, 148);
  EXPECT_EQ(words.size(), sent);  // Two equal words of some 10^4: probability 1e-11.
}

TEST(EqualSumsTest, TwoFederationsLookAlikeInEverythingButMasks) {
  // The cohorts of two sites change places: every sum is the same, so the journal is, to the bit.
  const FederationOptions options;
  std::array<std::vector<Record>, 2> journals;
  std::array<std::vector<std::pair<std::uint32_t, std::size_t>>, 2> shapes;
  for (std::size_t world = 0; world < 2; ++world) {
    VirtualFederation federation(options);
    if (world == 1) {
      Cohort first = federation.cohort(1);
      federation.SetCohort(1, federation.cohort(2));
      federation.SetCohort(2, std::move(first));
    }
    const StudyId study = federation.RunningStudy();
    ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
    journals[world] = *federation.coordinator_store().Load("journal");
    for (const auto& [site, message] : federation.received()) {
      shapes[world].emplace_back(site, message.size());
    }
  }
  ASSERT_EQ(journals[0].size(), journals[1].size());
  for (std::size_t i = 0; i < journals[0].size(); ++i) {
    EXPECT_EQ(journals[0][i].value, journals[1][i].value);
  }
  EXPECT_EQ(shapes[0], shapes[1]);  // Nor do sizes or the order of messages tell them apart.
}

}  // namespace
}  // namespace consilium::testing
