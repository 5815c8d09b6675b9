// More sites than share masks with one another, over real sockets, with one real coordinator.

#include "tests/end_to_end/many_sites.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/plain_federation.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr std::uint32_t kSites = 135;
constexpr std::uint32_t kSilent = 4;

std::string LinearPlan() {
  FederationOptions options;
  options.sites = kSites;
  options.minimum_sites = 5;
  options.on_loss = "continue";
  std::string plan = LogisticPlanText(options);
  const std::string logistic = "\"logistic\"";
  plan.replace(plan.find(logistic), logistic.size(), "\"linear\"");
  const std::string deadline = "\"30s\"";
  plan.replace(plan.find(deadline), deadline.size(), "\"8s\"");
  return plan;
}

TEST(ManySitesTest, AreSummedExactlyThoughEachSharesMasksWithSomeOnly) {
  Deployment deployment({});
  {
    // Fewer descriptors than there will be connections: the coordinator asks for more.
    const ResourceLimit few(RLIMIT_NOFILE, 100);
    deployment.StartCoordinator();
  }
  ManySites sites(deployment, kSites);
  sites.Connect();
  ASSERT_TRUE(sites.Serve([&] { return sites.AllAreWelcome(); }, seconds(60)));
  const std::string text = LinearPlan();
  const std::string number = deployment.Submit(text);
  const Plan plan = *ParsePlan(text, "plan.toml");
  ASSERT_EQ(plan.id.ToHex(), number);
  ASSERT_TRUE(sites.Serve([&] { return sites.AllKnow(plan.id); }, seconds(60)));
  sites.ApproveAll(plan.id);
  for (std::uint32_t site = 0; site < kSilent; ++site) sites.Silence(site * 30);
  const auto approvals = [&] {
    const Json status = Json::parse(deployment.Coordinator({"status", number, "--json"}).out);
    const auto approves = [](const Json& site) { return site["decision"] == "approved"; };
    return std::count_if(status["sites"].begin(), status["sites"].end(), approves);
  };
  ASSERT_TRUE(sites.Serve([&] { return approvals() == kSites; }, seconds(60)));
  Expect(deployment.Coordinator({"start", number}));
  EXPECT_TRUE(sites.Serve([&] { return deployment.StateOf(number) == "finished"; }, seconds(200)))
      << deployment.StateOf(number) << " " << deployment.ReasonOf(number);

  std::vector<const Cohort*> cohorts;
  for (std::uint32_t site = 0; site < kSites; ++site) {
    const bool silent = site % 30 == 0 && site < kSilent * 30;
    if (!silent) cohorts.push_back(&sites.cohort(site));
  }
  const std::string table = RunPlain(*plan.analysis, cohorts).value().result.table;
  EXPECT_NE(Expect(deployment.Coordinator({"result", number})).out.find(table), std::string::npos)
      << deployment.Coordinator({"result", number}).out << table;
  EXPECT_TRUE(sites.refusals().empty()) << sites.refusals().front();
  EXPECT_EQ(deployment.process("coordinator").Stop(), 0);
}

TEST(ManySitesTest, WithTooFewDescriptorsTheCoordinatorSaysWhatToDo) {
  Deployment deployment({});
  const std::string command = "ulimit -n 60 && exec " CONSILIUM_BIN_FOLDER
                              "/consilium-coordinator serve " +
                              deployment.home("coordinator").string();
  const CommandOutcome outcome = RunProgram({"/bin/sh", "-c", command});
  EXPECT_EQ(outcome.exit_code, 12) << outcome.out;
  EXPECT_NE(outcome.err.find("needs 64"), std::string::npos) << outcome.err << outcome.out;
  EXPECT_NE(outcome.err.find("LimitNOFILE=64"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace consilium::testing
