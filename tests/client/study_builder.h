#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/contract.h"
#include "protocols/plan.h"

namespace consilium {

/// An analysis that has shape but computes nothing: what data checks and policies look at.
class ShapeOnlyAnalysis final : public Analysis {
 public:
  std::string name = "logistic";
  std::vector<std::string> names;
  std::size_t free_parameters = 2;
  std::uint32_t rounds = 27;
  bool single_sites = false;
  std::string trainer_name;

  std::string_view kind() const override { return name; }
  std::vector<std::string> columns() const override { return names; }
  std::size_t parameters() const override { return free_parameters; }
  std::uint32_t maximum_rounds() const override { return rounds; }
  bool ShowsSingleSites() const override { return single_sites; }
  std::string_view trainer() const override { return trainer_name; }
  std::vector<Slice> DescribeForReview() const override { return {}; }
  Result<std::vector<Slice>> Describe(const Query& /*query*/) const override { return Nothing(); }
  Result<AnalysisResult> Run(Federation& /*federation*/) const override { return Nothing(); }
  std::string InWords() const override { return "nothing"; }
  std::string ReleasedInWords() const override { return "nothing"; }
  using Analysis::Answer;
  Result<Contribution> Answer(const Query& /*query*/, const CohortView& /*cohort*/) const override {
    return Nothing();
  }

 private:
  static tl::unexpected<Error> Nothing() {
    return Fail(ErrorCode::kInvalidArgument, "this analysis computes nothing");
  }
};

inline Contract MakeContract(std::string_view toml) {
  auto settings = Settings::Parse(toml, "contract.toml");
  EXPECT_TRUE(settings.has_value()) << Describe(settings.error());
  auto contract = ParseContract(*settings);
  EXPECT_TRUE(contract.has_value()) << Describe(contract.error());
  return std::move(*contract);
}

inline Plan MakePlan(Contract contract, ShapeOnlyAnalysis analysis) {
  Plan plan;
  plan.title = "A study";
  plan.requested_by = "Cardiology consortium";
  plan.contract = std::move(contract);
  plan.minimum_sites = 3;
  plan.minimum_patients = 5;
  plan.analysis = std::make_shared<const ShapeOnlyAnalysis>(std::move(analysis));
  return plan;
}

}  // namespace consilium
