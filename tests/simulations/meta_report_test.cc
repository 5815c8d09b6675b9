#include "simulations/meta_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Comparison Of(const std::string& json) {
  Comparison comparison;
  comparison.federated.result.json = json;
  comparison.federated.result.converged = true;
  return comparison;
}

TEST(MetaReportTest, ShowsEffectsAndSpreadOfEachCoefficient) {
  const Comparison comparison = Of(R"({"kind": "meta", "converged": true, "sites": 5, "fits": 4,
      "without_a_fit": 1, "coefficients": [{"name": "age<50",
      "fixed": {"estimate": 0.25, "std_error": 0.125}, "random": {"estimate": 0.5,
      "std_error": 0.375}, "hartung_knapp": null, "heterogeneity": {"q": 6.5, "df": 3,
      "p_value": 0.0897, "i_squared": 0.5385, "h_squared": 2.1667, "tau_squared": 0.0625},
      "prediction_low": -1.5, "prediction_high": 2.5}]})");
  EXPECT_TRUE(IsMetaAnalysis(comparison));
  EXPECT_THAT(BetweenHospitalsSection(comparison),
              AllOf(HasSubstr("4 of 5 hospitals have an estimate"), HasSubstr("age&lt;50"),
                    HasSubstr("0.25 (0.125)"), HasSubstr("0.5 (0.375)"), HasSubstr(">6.5<"),
                    HasSubstr(">54 %<"), HasSubstr(">0.25<"), HasSubstr("-1.5 to 2.5")));
}

TEST(MetaReportTest, WithoutEstimatesThereIsNoSectionAndOthersAreNone) {
  EXPECT_EQ(BetweenHospitalsSection(Of(R"({"converged": false, "without_a_fit": 3})")), "");
  EXPECT_FALSE(
      IsMetaAnalysis(Of(R"({"kind": "logistic", "converged": true, "coefficients": []})")));
}

}  // namespace
}  // namespace consilium
