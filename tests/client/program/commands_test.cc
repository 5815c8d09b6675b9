// What a site's people are told over requests: client/program/commands.h.

#include "client/program/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/program/commands_preview.h"
#include "tests/client/approvals_fixture.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

class SiteCommandsTest : public SiteApprovalsTest {
 protected:
  Json Ask(const Json& request) {
    SiteEffects effects;
    const Result<std::string> reply =
        ExecuteAtSite(request.dump(),
                      {site(), federation_.site_store(kVictim), SiteKey(), "site-0", std::nullopt,
                       federation_.now()},
                      effects);
    EXPECT_TRUE(reply) << Describe(reply.error());
    federation_.Carry(kVictim, effects);
    return Json::parse(*reply);
  }
};

TEST_F(SiteCommandsTest, AnApprovalThatLostASignatureSaysWhatItLacks) {
  RequireSignatures(1);
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  const auto approval = [this] { return Ask({{"command", "studies"}})["studies"][0]["approval"]; };
  EXPECT_EQ(approval()["signatures_counting"], 1);
  EXPECT_TRUE(approval()["lacks"].is_null());

  Ask({{"command", "remove-approver"}, {"name", "Anna"}});

  EXPECT_EQ(approval()["signatures_counting"], 0);
  EXPECT_THAT(approval()["lacks"].get<std::string>(), HasSubstr("0 signatures that count"));
}

TEST(RefusalsTest, SeveralAreNumberedInOneText) {
  EXPECT_EQ(InOneText({"It is night."}), "It is night.");
  EXPECT_EQ(InOneText({"It is night. Wait", "The budget is spent."}),
            "(1) It is night. Wait. (2) The budget is spent.");
}

}  // namespace
}  // namespace consilium::testing
