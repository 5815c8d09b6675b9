// Covers tests/end_to_end/relay.cc and tests/end_to_end/sockets.cc by use.

// Long vectors over lines that break: 500 connections between real processes are cut after random
// numbers of bytes, and the studies end with the simulator's bytes all the same.

#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <regex>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/ingestion/study_data.h"
#include "common/random.h"
#include "protocols/result_document.h"
#include "simulations/plain_federation.h"
#include "tests/end_to_end/relay.h"
#include "tests/end_to_end/small_study.h"
#include "tests/support/wide_plan.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr int kFeatures = 480;  ///< Sums of 232,000 words: eight chunks.
constexpr int kPatients = 400;
constexpr std::uint64_t kCuts = 500;
/// A chunk on the wire: words, header, CURVE.
constexpr std::uint64_t kChunkOnWire = 262'144 + 400;
/// Between 1 byte and not quite two chunks: about every second connection carries a whole chunk.
constexpr std::uint64_t kLongest = 500'000;
/// What a site says anew on each connection before its vector goes on.
constexpr std::uint64_t kGreeting = 8'192;

std::string PlanOf(int study) {
  WidePlan plan;
  plan.title = "Wide " + std::to_string(study);
  plan.features = kFeatures;
  return TextOf(plan);
}

std::map<std::string, SiteData> Sites() {
  std::map<std::string, SiteData> sites = WideSites(kFeatures, kPatients, 2);
  for (auto& [name, data] : sites) {
    data.policy = "preset = \"standard\"\nmaximum_parameters_per_patient = 2\nminimum_class = 1\n";
  }
  return sites;
}

/// The document that plain sums give: the simulator's, byte for byte.
std::string PlainDocument(const std::string& plan_text) {
  const TemporaryFolder folder;
  const Plan plan = *ParsePlan(plan_text, "plan.toml");
  static const std::vector<Cohort> cohorts = [&] {
    std::vector<Cohort> loaded;
    for (const auto& [name, data] : Sites()) {
      WriteText(folder / "data.csv", data.csv);
      WriteText(folder / "source.toml", data.source);
      loaded.push_back(LoadCohort(*ReadSource(folder / "source.toml"), plan)->cohort);
    }
    return loaded;
  }();
  std::vector<const Cohort*> views;
  for (const Cohort& cohort : cohorts) views.push_back(&cohort);
  const PlainRun run = *RunPlain(*plan.analysis, views);
  return ResultDocument(plan, run.result, run.rounds);
}

class CutConnectionsTest : public ::testing::Test {
 protected:
  /// All sites reach the coordinator through the relay, and come back quickly.
  CutConnectionsTest() : federation_(Sites()), relay_(federation_.port(), kSeed) {
    const std::string direct = "127.0.0.1:" + std::to_string(federation_.port());
    for (const char* site : {"alpha", "beta", "gamma"}) {
      const std::filesystem::path file = federation_.home(site) / "settings.toml";
      std::string settings = ReadText(file);
      settings.replace(settings.find(direct), direct.size(),
                       "127.0.0.1:" + std::to_string(relay_.port()));
      WriteText(file, settings + "reconnect_after = \"10ms\"\n");
    }
    federation_.StartAll();
  }

  /// Runs a study to its end with so many cuts; bytes that went up.
  std::uint64_t RunStudy(int number, std::uint64_t cuts) {
    const std::string study = federation_.ApprovedStudy(PlanOf(number));
    const std::uint64_t before = relay_.bytes_up();
    relay_.CutFromNowOn(cuts, kLongest);
    Expect(federation_.Coordinator({"start", study}));
    EXPECT_TRUE(Eventually(seconds(120),
                           [&] {
                             LookAtProgress(study);
                             return federation_.StateOf(study) == "finished";
                           }))
        << federation_.ReasonOf(study) << federation_.WordsOf("coordinator");
    relay_.CutFromNowOn(0, kLongest);
    const std::string released = federation_.folder() / (study + ".json");
    Expect(federation_.Coordinator({"result", study, "--out", released}));
    EXPECT_EQ(ReadText(released), PlainDocument(PlanOf(number)));
    return relay_.bytes_up() - before;
  }

  void LookAtProgress(const std::string& study) {
    const Json here = Json::parse(federation_.Coordinator({"status", study, "--json"}).out, nullptr,
                                  /*allow_exceptions=*/false);
    if (!here.is_object() || !here.contains("sites")) return;
    for (const Json& site : here["sites"]) {
      if (site.value("sending", false) && site.value("chunks_in_all", 0) >= 7) seen_here_ = true;
    }
    const CommandOutcome status = federation_.Site("alpha", {"status"});
    if (status.out.find("is being sent: ") != std::string::npos) seen_there_ = true;
  }

  /// What the coordinator noted about vectors: how many came, and chunks that came in vain.
  std::pair<std::uint64_t, std::uint64_t> VectorsAndRepeats() const {
    std::pair<std::uint64_t, std::uint64_t> found;
    const std::string words = ReadText(federation_.home("coordinator") / "logs/coordinator.log");
    const std::regex note("vector-received .*repeated=([0-9]+)");
    for (std::sregex_iterator at(words.begin(), words.end(), note), end; at != end; ++at) {
      ++found.first;
      found.second += std::stoull((*at)[1]);
    }
    return found;
  }

  static constexpr std::uint64_t kSeed = 500;
  Deployment federation_;
  CuttingRelay relay_;
  bool seen_here_ = false;   ///< Progress of an upload in the coordinator's status.
  bool seen_there_ = false;  ///< And in a site's.
};

TEST_F(CutConnectionsTest, FiveHundredCutsCostAtMostAChunkEachAndNotABitOfTheSum) {
  const std::uint64_t uncut = RunStudy(0, 0);
  const auto [vectors, none] = VectorsAndRepeats();
  ASSERT_GT(vectors, 0U);
  ASSERT_EQ(none, 0U);
  int studies = 0;
  while (relay_.cuts_of_uploads() < kCuts && !HasFailure() && studies < 20) {
    ++studies;
    const std::uint64_t before = relay_.cuts();
    const std::uint64_t bytes = RunStudy(studies, kCuts);
    const std::uint64_t cuts = relay_.cuts() - before;
    EXPECT_GT(cuts, 0U);
    EXPECT_LE(bytes, uncut + cuts * (kChunkOnWire + kGreeting));
    std::cout << "study " << studies << ": " << cuts << " cuts, " << bytes << " bytes up, " << uncut
              << " without cuts\n";
  }
  const auto [all_vectors, repeats] = VectorsAndRepeats();
  EXPECT_GE(relay_.cuts_of_uploads(), kCuts);
  EXPECT_EQ(all_vectors, vectors * static_cast<std::uint64_t>(studies + 1)) << "one attempt each";
  EXPECT_EQ(repeats, 0U) << "a chunk that had come went up again";
  EXPECT_TRUE(seen_here_);
  EXPECT_TRUE(seen_there_);
  std::cout << "seed " << kSeed << ": " << relay_.cuts() << " cuts, " << relay_.cuts_of_uploads()
            << " of them in an upload, " << all_vectors << " vectors, " << repeats
            << " chunks in vain\n";
}

}  // namespace
}  // namespace consilium::testing
