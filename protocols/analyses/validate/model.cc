#include "protocols/analyses/validate/model.h"

#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "protocols/analyses/validate/cox_model.h"
#include "protocols/analyses/validate/glm_model.h"

namespace consilium::validate {

Result<Asked> Model::Read(Phase phase,
                          const std::vector<double>& coefficients,
                          const Query& query) const {
  if (phase != Phase::kFit) return ReadJudging(phase, coefficients, query);
  Asked asked;
  TRY(asked.slices, regression_->Describe(query));
  TRY(asked.site, regression_->Prepare(query));
  return asked;
}

void Model::AddCurves(const Judged&, nlohmann::ordered_json&) const {}

Judged Model::Nothing() const {
  Judged judged;
  judged.measures.resize(layout_.measures.size());
  return judged;
}

Result<std::vector<double>> Model::Ask(Federation& federation,
                                       const Query& query,
                                       std::size_t numbers) {
  Aggregate aggregate = federation.Sum(query);
  if (aggregate.values.size() != numbers) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  if (!(aggregate.values[0] >= 0)) {
    return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
  }
  if (aggregate.values[0] > 0) return std::move(aggregate.values);
  return Fail(ErrorCode::kNotEstimable, "there is no complete case",
              "widen the eligibility rules, or leave features out that are often missing");
}

tl::unexpected<Error> Model::NoQuestion(const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument, "no query of this analysis: " + why);
}

std::string Model::ExpectedAndHappened(double expected, double happened) {
  char text[96];
  std::snprintf(text, sizeof text, "%.1f events were expected and %.0f happened", expected,
                happened);
  return text;
}

Result<std::unique_ptr<Model>> MakeModel(const Settings& settings, const Contract& contract) {
  TRY(const std::string name, settings.Choice("model", {"cox", "linear", "logistic", "poisson"}));
  if (name == "cox") return MakeCoxModel(settings, contract);
  if (name == "linear") return MakeLinearModel(settings, contract);
  if (name == "poisson") return MakePoissonModel(settings, contract);
  return MakeLogisticModel(settings, contract);
}

}  // namespace consilium::validate
