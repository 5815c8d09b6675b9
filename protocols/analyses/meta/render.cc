#include "protocols/analyses/meta/render.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocols/analyses/glm/tables.h"

namespace consilium::meta {
namespace {

using Json = nlohmann::ordered_json;

std::vector<glm::Coefficient> LinesOf(const MetaResult& result, const MetaPlan& plan) {
  std::vector<glm::Coefficient> lines;
  for (const PooledCoefficient& pooled : result.coefficients) {
    lines.push_back(LineOf(pooled, plan.effects));
  }
  return lines;
}

std::string TooFewMessage(const MetaResult& result, const MetaPlan& plan) {
  return "Of " + glm::Counted(result.sites, "site", "sites") + " only " +
         std::to_string(result.fits) + (result.fits == 1 ? " has" : " have") +
         " an estimate from the own rows alone, and the plan asks for " +
         std::to_string(plan.minimum_fits) +
         ", so no estimate was asked for. Use fewer features, merge rare levels, or run the "
         "regression of all sites' rows together: it needs no estimate at any single site.";
}

/// A line without its name.
Json LineJson(const glm::Coefficient& line, const glm::Ratio& ratio) {
  Json json = glm::CoefficientsJson({line}, ratio)[0];
  json.erase("name");
  return json;
}

Json CoefficientsJson(const MetaResult& result, const MetaPlan& plan) {
  const glm::Ratio ratio = plan.model->ratio();
  Json list = glm::CoefficientsJson(LinesOf(result, plan), ratio);
  for (std::size_t j = 0; j < list.size(); ++j) {
    const PooledCoefficient& pooled = result.coefficients[j];
    Json& json = list[j];
    json["fixed"] = LineJson(pooled.fixed, ratio);
    json["random"] = LineJson(pooled.random, ratio);
    json["hartung_knapp"] = pooled.hartung_knapp ? LineJson(*pooled.hartung_knapp, ratio) : Json();
    json["heterogeneity"] = {{"q", pooled.q},
                             {"df", pooled.q_df},
                             {"p_value", pooled.q_p_value},
                             {"i_squared", pooled.i_squared},
                             {"h_squared", pooled.h_squared},
                             {"tau_squared", pooled.tau_squared}};
    json["prediction_low"] = pooled.prediction_low;
    json["prediction_high"] = pooled.prediction_high;
  }
  return list;
}

Json WithoutEstimates(const MetaPlan& plan) {
  Json list = Json::array();
  for (const std::string& name : plan.model->names()) {
    list.push_back({{"name", name}, {"estimate", Json()}});
  }
  return list;
}

Json ResultJson(const MetaResult& result, const MetaPlan& plan) {
  const bool found = !result.coefficients.empty();
  Json json;
  json["kind"] = "meta";
  json["model"] = std::string(plan.model->analysis().kind());
  json["outcome"] = plan.model->design().outcome.name;
  json["converged"] = found;
  json["sites"] = result.sites;
  json["fits"] = result.fits;
  json["without_a_fit"] = result.sites - result.fits;
  json["patients"] = result.patients;
  json["rows"] = result.rows;
  json["patients_in_fits"] = result.fitted_patients;
  json["effects"] = std::string(NameOf(plan.effects));
  json["confidence"] = plan.confidence;
  json["coefficients"] = found ? CoefficientsJson(result, plan) : WithoutEstimates(plan);
  if (!found) json["message"] = TooFewMessage(result, plan);
  return json;
}

std::string Cell(double value, std::size_t width, const char* form = "%.4g") {
  char text[40];
  std::snprintf(text, sizeof text, form, value);
  return glm::Right(text, width);
}

std::string SpreadTable(const MetaResult& result) {
  std::string text = "between sites       " + glm::Right("fixed", 10) + glm::Right("s.e.", 10) +
                     glm::Right("Q", 8) + glm::Right("p", 10) + glm::Right("I^2", 7) +
                     glm::Right("tau", 9) + "  another site\n";
  for (const PooledCoefficient& pooled : result.coefficients) {
    std::string name = pooled.fixed.name;
    if (name.size() > 20) name = name.substr(0, 18) + "..";
    name.resize(20, ' ');
    text += name + Cell(pooled.fixed.estimate, 10) + Cell(pooled.fixed.std_error, 10, "%.3g") +
            Cell(pooled.q, 8, "%.3f") + glm::PValue(pooled.q_p_value, 10) +
            Cell(100 * pooled.i_squared, 5, "%.0f") + " %" +
            Cell(std::sqrt(pooled.tau_squared), 9, "%.3g") +
            Cell(pooled.prediction_low, 10, "%.3g") + " to" +
            Cell(pooled.prediction_high, 1, "%.3g") + "\n";
  }
  return text;
}

std::string Heading(Effects effects) {
  switch (effects) {
    case Effects::kHartungKnapp:
      return "random effects (DerSimonian and Laird) with Hartung and Knapp's standard errors";
    case Effects::kRandom:
      return "random effects (DerSimonian and Laird)";
    case Effects::kFixed:
      break;
  }
  return "a fixed effect (inverse variances)";
}

std::string Table(const MetaResult& result, const MetaPlan& plan) {
  const std::string counts = glm::Counted(result.fitted_patients, "patient", "patients") +
                             " at the " + std::to_string(result.fits) + " of " +
                             glm::Counted(result.sites, "site", "sites") +
                             " that have an estimate of their own";
  std::string text =
      glm::Wrapped("Meta-analysis of the sites' own " + std::string(plan.model->analysis().kind()) +
                   " regressions of " + plan.model->design().outcome.name + ": " +
                   Heading(plan.effects) + "; " + counts);
  if (result.coefficients.empty()) return text + glm::Wrapped(TooFewMessage(result, plan));
  const bool student = plan.effects == Effects::kHartungKnapp;
  text += "\n" + glm::CoefficientTable(LinesOf(result, plan), plan.model->ratio(),
                                       student ? "t" : "z", plan.confidence);
  return text + "\n" + SpreadTable(result);
}

}  // namespace

const glm::Coefficient& LineOf(const PooledCoefficient& pooled, Effects effects) {
  if (effects == Effects::kFixed) return pooled.fixed;
  if (effects == Effects::kHartungKnapp && pooled.hartung_knapp) return *pooled.hartung_knapp;
  return pooled.random;
}

AnalysisResult Render(const MetaResult& result, const MetaPlan& plan) {
  AnalysisResult rendered;
  rendered.converged = !result.coefficients.empty();
  rendered.patients = result.patients;
  rendered.sites = result.sites;
  rendered.json = ResultJson(result, plan).dump(2);
  rendered.table = Table(result, plan);
  return rendered;
}

}  // namespace consilium::meta
