#include "protocols/analyses/cox/render.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocols/analyses/distributions.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::cox {
namespace {

using Json = nlohmann::ordered_json;

std::vector<glm::Coefficient> LinesOf(const CoxFit& fit, const CoxPlan& plan) {
  std::vector<glm::Coefficient> lines;
  for (std::size_t j = 0; j < fit.coefficients.size(); ++j) {
    lines.push_back(glm::WaldLine(plan.design.terms[j].name, fit.coefficients[j],
                                  std::sqrt(fit.covariance(j, j)), plan.confidence));
  }
  return lines;
}

std::vector<std::string> SeparatedTerms(const CoxFit& fit, const CoxPlan& plan) {
  std::vector<std::string> names;
  for (const std::size_t term : fit.separated) names.push_back(plan.design.terms[term].name);
  return names;
}

std::string SeparationMessage(const CoxFit& fit, const CoxPlan& plan) {
  const bool one = fit.separated.size() == 1;
  return "There is no estimate for " + glm::Quoted(SeparatedTerms(fit, plan)) +
         ": at every event " + (one ? "it was" : "together with the other features they were") +
         " highest, or lowest, in the patient who had it (separation: the likelihood is monotone), "
         "so the coefficient" +
         (one ? " grows" : "s grow") +
         " without end. Add a ridge penalty to the plan (for instance ridge = 1), leave the term" +
         (one ? "" : "s") + " out, or merge a rare level with another.";
}

/// A test that all coefficients are zero.
struct Test {
  const char* field;
  const char* name;
  double statistic;
};

std::vector<Test> TestsOf(const CoxFit& fit) {
  std::vector<Test> tests = {{"wald_test", "Wald", fit.wald_statistic}};
  if (!fit.null) return tests;
  tests.push_back({"likelihood_ratio_test", "likelihood ratio",
                   2 * (fit.log_likelihood - fit.null->log_likelihood)});
  tests.push_back({"score_test", "score", fit.null->score_statistic});
  return tests;
}

double PValueOf(const Test& test, const CoxFit& fit) {
  return ChiSquaredUpper(test.statistic, static_cast<double>(fit.coefficients.size()));
}

Json UnfinishedCoefficients(const CoxFit& fit, const CoxPlan& plan) {
  std::vector<std::string> names;
  for (const glm::Term& term : plan.design.terms) names.push_back(term.name);
  return glm::UnfinishedJson(names, fit.coefficients, fit.separated);
}

void AddConcordance(const CoxFit& fit, Json& json) {
  if (!fit.pairs) return;
  const Concordance concordance = ConcordanceOf(*fit.pairs);
  json["concordance"] = concordance.estimate;
  json["concordance_std_error"] = concordance.std_error;
  json["concordance_pairs"] = {{"concordant", fit.pairs->concordant},
                               {"discordant", fit.pairs->discordant},
                               {"tied", fit.pairs->tied}};
}

void AddRidge(const CoxFit& fit, const CoxPlan& plan, Json& json) {
  json["ridge"] = plan.fit.ridge;
  Json list = Json::array();
  for (std::size_t j = 0; j < fit.standardised.size(); ++j) {
    list.push_back({{"name", plan.design.terms[j].name},
                    {"estimate", fit.standardised[j]},
                    {"mean", fit.means[j]},
                    {"sd", fit.deviations[j]}});
  }
  json["standardised_coefficients"] = std::move(list);
}

void AddTests(const CoxFit& fit, Json& json) {
  json["aic"] = -2 * fit.log_likelihood + 2 * static_cast<double>(fit.coefficients.size());
  for (const Test& test : TestsOf(fit)) {
    json[test.field] = {{"statistic", test.statistic},
                        {"df", fit.coefficients.size()},
                        {"p_value", PValueOf(test, fit)}};
  }
}

Json ResultJson(const CoxFit& fit,
                const CoxPlan& plan,
                const std::vector<glm::Coefficient>& lines) {
  Json json;
  json["kind"] = "cox";
  json["event"] = plan.event();
  json["time"] = plan.time();
  json["converged"] = fit.converged;
  json["iterations"] = fit.iterations;
  json["sites"] = fit.sites;
  json["patients"] = fit.patients;
  json["rows"] = fit.rows;
  json["events"] = fit.events;
  json["ties"] = std::string(NameOf(plan.ties));
  json["baseline"] = "site";
  json["confidence"] = plan.confidence;
  if (fit.converged) {
    json["coefficients"] = glm::CoefficientsJson(lines, kHazardRatio);
    json["covariance"] = glm::CovarianceJson(fit.covariance);
  } else {
    json["coefficients"] = UnfinishedCoefficients(fit, plan);
  }
  json["log_likelihood"] = fit.log_likelihood;
  if (fit.null) json["null_log_likelihood"] = fit.null->log_likelihood;
  // A shrunken fit has fewer effective parameters than coefficients: these would mislead.
  if (fit.converged && plan.fit.ridge == 0) AddTests(fit, json);
  AddConcordance(fit, json);
  if (plan.fit.ridge > 0) AddRidge(fit, plan, json);
  if (!fit.separated.empty()) {
    json["separation"] = {{"terms", SeparatedTerms(fit, plan)}, {"message", TroubleOf(fit, plan)}};
  } else if (!fit.converged) {
    json["message"] = TroubleOf(fit, plan);
  }
  return json;
}

std::string Footer(const CoxFit& fit, const CoxPlan& plan) {
  char text[200];
  std::snprintf(text, sizeof text, "log-likelihood %.7g", fit.log_likelihood);
  std::string result = text;
  if (fit.null) {
    std::snprintf(text, sizeof text, " (without features %.7g)", fit.null->log_likelihood);
    result += text;
  }
  result += "\n";
  if (plan.fit.ridge > 0) {
    std::snprintf(text, sizeof text, "ridge penalty %.4g: ", plan.fit.ridge);
    result += glm::Wrapped(text + std::string("estimates are drawn towards zero, and p values and "
                                              "intervals are those of the penalised likelihood"));
  } else {
    for (const Test& test : TestsOf(fit)) {
      std::snprintf(text, sizeof text, "%s test %.6g on %zu df, p ", test.name, test.statistic,
                    fit.coefficients.size());
      result += text + glm::PValue(PValueOf(test, fit), 1) + "\n";
    }
  }
  if (!fit.pairs) return result;
  const Concordance concordance = ConcordanceOf(*fit.pairs);
  std::snprintf(text, sizeof text,
                "concordance %.5g (standard error %.3g), of pairs of patients of one site\n",
                concordance.estimate, concordance.std_error);
  return result + text;
}

std::string Table(const CoxFit& fit,
                  const CoxPlan& plan,
                  const std::vector<glm::Coefficient>& lines) {
  std::string text = glm::Wrapped(
      "Cox regression of " + plan.event() + " by " + plan.time() +
      ", each site with its own "
      "baseline hazard: " +
      glm::Counted(fit.patients, "patient", "patients") +
      (fit.rows == fit.patients ? "" : " (" + glm::Counted(fit.rows, "row", "rows") + ")") +
      " with " + glm::Counted(fit.events, "event", "events") + " from " +
      glm::Counted(fit.sites, "site", "sites") + ", " +
      glm::Counted(fit.iterations, "Newton round", "Newton rounds"));
  if (!fit.converged) return text + glm::Wrapped(TroubleOf(fit, plan));
  return text + "\n" + glm::CoefficientTable(lines, kHazardRatio, "z", plan.confidence) + "\n" +
         Footer(fit, plan);
}

}  // namespace

std::string TroubleOf(const CoxFit& fit, const CoxPlan& plan) {
  if (fit.converged) return {};
  return fit.separated.empty() ? glm::NotConvergedMessage(fit.iterations)
                               : SeparationMessage(fit, plan);
}

AnalysisResult Render(const CoxFit& fit, const CoxPlan& plan) {
  std::vector<glm::Coefficient> lines;
  if (fit.converged) lines = LinesOf(fit, plan);
  AnalysisResult result;
  result.converged = fit.converged;
  result.patients = fit.patients;
  result.sites = fit.sites;
  result.json = ResultJson(fit, plan, lines).dump(2);
  result.table = Table(fit, plan, lines);
  return result;
}

}  // namespace consilium::cox
