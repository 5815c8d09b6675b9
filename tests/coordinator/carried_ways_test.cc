// How many ways there and back a round takes of a site whose messages are carried: what
// docs/air-gap.md says.

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/secure_sum/chunks.h"
#include "tests/coordinator/wide_study.h"

namespace consilium::testing {
namespace {

constexpr std::uint32_t kCarried = 0;
constexpr std::uint32_t kSites = 3;  ///< Every one is needed for each step.

/// A federation of which one site's messages travel in two bags, one for each direction.
class CarriedFederation {
 public:
  explicit CarriedFederation(std::uint32_t sites) {
    FederationOptions options;
    options.sites = sites;
    federation_.emplace(options);
  }

  VirtualFederation& operator*() { return *federation_; }

  /// From here on site kCarried is reached by bags alone.
  void Start(const std::string& plan) {
    federation_->JoinAll();
    study_ = federation_->Submit(plan);
    federation_->ApproveAll(study_);
    federation_->to_site = [this](std::uint32_t site, Bytes& message) {
      if (site == kCarried) to_site_.push_back(message);
      return site != kCarried;
    };
    federation_->to_coordinator = [this](std::uint32_t site, Bytes& message) {
      if (site == kCarried) to_coordinator_.push_back(message);
      return site != kCarried;
    };
    federation_->Start(study_);
    federation_->Settle();
    EmptyAtSite();
  }

  /// The ways until the site knows this many sums; 0 where it never does.
  int WaysUntil(std::uint32_t sums) {
    for (int ways = 0; ways < 200; ++ways) {
      if (federation_->site(kCarried).View(study_)->sums_known >= sums) return ways;
      for (const Bytes& message : std::exchange(to_coordinator_, {})) {
        federation_->DeliverToCoordinator(kCarried, message);
      }
      federation_->Settle();
      EmptyAtSite();
    }
    return 0;
  }

  /// The longest vector that the site has sent.
  std::uint64_t chunks() const {
    std::uint64_t words = 0;
    for (const auto& [site, bytes] : federation_->received()) {
      const OpenedMessage message = *OpenMessage(bytes);
      if (message.kind != MessageKind::kUploadHeader) continue;
      words = std::max(words, Decode<UploadHeader>(message.body)->words);
    }
    return ChunkCount(words);
  }

 private:
  void EmptyAtSite() {
    for (const Bytes& message : std::exchange(to_site_, {})) {
      federation_->Deliver(kCarried, message);
    }
    federation_->Settle();
  }

  std::optional<VirtualFederation> federation_;
  StudyId study_;
  std::vector<Bytes> to_site_;
  std::vector<Bytes> to_coordinator_;
};

std::uint64_t InThrees(std::uint64_t chunks) { return (chunks + 2) / 3; }

class LongCarriedWaysTest : public ::testing::TestWithParam<int> {};

TEST_P(LongCarriedWaysTest, ARoundTakesFourAndMoreForEachThreeChunks) {
  CarriedFederation federation(kSites);
  GiveWideCohorts(*federation, kSites, GetParam());
  federation.Start(WidePlanText("wait", GetParam()));

  const int first = federation.WaysUntil(1);
  const int second = federation.WaysUntil(2);

  const std::uint64_t chunks = federation.chunks();
  EXPECT_EQ(chunks, static_cast<std::uint64_t>(GetParam() * GetParam()) / kChunkWords + 1);
  const std::uint64_t up = chunks == 1 ? 0 : InThrees(chunks);
  const std::uint64_t down = chunks == 1 ? 0 : InThrees(chunks - 2) + 1;
  EXPECT_EQ(first, 4) << "the moments";
  EXPECT_EQ(static_cast<std::uint64_t>(second), 4 + up + down);
}

TEST(CarriedWaysTest, ARoundThatTheOthersCanOpenTakesThree) {
  constexpr std::uint32_t kOneToSpare = 4;
  CarriedFederation federation(kOneToSpare);
  GiveWideCohorts(*federation, kOneToSpare, 10);
  federation.Start(WidePlanText("wait", 10));
  federation.WaysUntil(1);

  EXPECT_EQ(federation.WaysUntil(2), 3);
}

INSTANTIATE_TEST_SUITE_P(Features,
                         LongCarriedWaysTest,
                         ::testing::Values(10, 200, 270, 330, 370, 420));

TEST(CarriedNormsTest, ARoundWithNormsCheckedTakesTwoMore) {
  CarriedFederation federation(kSites);
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.maximum_parameters_per_patient = std::numeric_limits<double>::infinity();
  policy.norm_checks = 1;
  for (std::uint32_t site = 0; site < kSites; ++site) (*federation).SetPolicy(site, policy);
  std::string text = LogisticPlanText({});
  const std::string exact = "kind = \"logistic\"\n";
  text.replace(text.find(exact), exact.size(),
               "kind = \"train\"\nmodel = \"mlp\"\nhidden = [64, 16]\nrounds = 2\n"
               "standardise = \"range\"\nclip = 0.5\nnorm_check = true\n");
  const std::string patient = "patient = \"id\"\n";
  text.replace(text.find(patient), patient.size(), patient + "maximum_patients = 100\n");
  federation.Start(text);

  EXPECT_EQ(federation.WaysUntil(1), 6);
  EXPECT_EQ(federation.WaysUntil(2), 6);
  EXPECT_EQ(federation.chunks(), 1U);
}

}  // namespace
}  // namespace consilium::testing
