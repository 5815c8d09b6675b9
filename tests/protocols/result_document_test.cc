#include "protocols/result_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using Json = nlohmann::json;

Plan SomePlan() {
  return *ParsePlan(R"([study]
title = "A \"quoted\" title"
question = "Q"
requested_by = "R"
permit = "P"
expires = 2030-01-01
minimum_sites = 3
[contract]
patient = "id"
[[contract.column]]
name = "y"
type = "boolean"
[[contract.column]]
name = "x"
type = "number"
range = [0, 1]
[analysis]
kind = "logistic"
outcome = "y"
features = ["x"]
[privacy]
minimum_patients = 10
[round]
deadline = "30s"
on_loss = "wait"
)",
                    "plan.toml");
}

AnalysisResult ResultWith(std::string json) {
  AnalysisResult result;
  result.converged = true;
  result.patients = 123;
  result.sites = 4;
  result.json = std::move(json);
  return result;
}

TEST(ResultDocumentTest, HasTheSharedFieldsThenTheAnalysissOwn) {
  const Plan plan = SomePlan();

  const std::string text = ResultDocument(plan, ResultWith(R"({"deviance":0.1,"aic":2})"), 7);

  const Json document = Json::parse(text);
  EXPECT_EQ(document["study"], plan.id.ToHex());
  EXPECT_EQ(document["title"], "A \"quoted\" title");
  EXPECT_EQ(document["kind"], "logistic");
  EXPECT_EQ(document["sites"], 4);
  EXPECT_EQ(document["patients"], 123);
  EXPECT_EQ(document["rounds"], 7);
  EXPECT_EQ(document["converged"], true);
  EXPECT_EQ(document["aic"], 2);
  EXPECT_LT(text.find("\"converged\""), text.find("\"deviance\""));
  EXPECT_EQ(text.back(), '\n');
}

TEST(ResultDocumentTest, KeepsNumbersToTheLastBit) {
  for (const double number : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -123456789.123456789}) {
    const std::string own = Json{{"estimate", number}}.dump();
    const Json document = Json::parse(ResultDocument(SomePlan(), ResultWith(own), 1));
    EXPECT_EQ(document["estimate"].get<double>(), number);
  }
}

TEST(ResultDocumentTest, AnAnalysisCannotOverwriteASharedField) {
  const std::string own = R"({"patients":1,"sites":1,"study":"x","converged":false})";
  const Json document = Json::parse(ResultDocument(SomePlan(), ResultWith(own), 1));

  EXPECT_EQ(document["patients"], 123);
  EXPECT_EQ(document["sites"], 4);
  EXPECT_EQ(document["converged"], true);
  EXPECT_NE(document["study"], "x");
}

}  // namespace
}  // namespace consilium
