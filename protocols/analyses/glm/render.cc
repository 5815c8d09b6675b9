#include "protocols/analyses/glm/render.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocols/analyses/glm/inference.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::glm {
namespace {

using Json = nlohmann::ordered_json;

Ratio RatioOf(const Family& family) { return {family.ratio_name(), family.ratio_field()}; }

std::string TermName(const Design& design, std::size_t coefficient) {
  return coefficient == 0 ? "(Intercept)" : design.terms[coefficient - 1].name;
}

std::string SeparationMessage(const Fit& fit, const Design& design, const Family& family) {
  std::vector<std::string> terms;
  for (const std::size_t term : fit.separated) terms.push_back(design.terms[term].name);
  const std::string names = Quoted(terms);
  const bool one = fit.separated.size() == 1;
  const std::string what =
      family.kind() == "poisson"
          ? "for some of its values the count is zero in every patient"
          : "it predicts the outcome without error in part or all of the cohort";
  return "There is no estimate for " + names + ": " +
         (one ? what : "together with the other features, " + what) +
         " (separation), so the coefficient" + (one ? " grows" : "s grow") +
         " without end. Add a ridge penalty to the plan (for instance ridge = 1), leave the term" +
         (one ? "" : "s") + " out, or merge a rare level with another.";
}

const char* const kExactMessage =
    "The outcome is determined by the features without error: what they leave of it is no more "
    "than rounding, so there are no standard errors, tests or intervals. Look whether a feature "
    "was computed from the outcome, or the outcome from the features.";

/// Null for what a fit has none of.
Json Finite(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json UnfinishedCoefficients(const Fit& fit, const Design& design) {
  std::vector<std::string> names;
  for (std::size_t j = 0; j < fit.coefficients.size(); ++j) names.push_back(TermName(design, j));
  std::vector<std::size_t> lost;
  // The intercept follows the terms that run off.
  if (!fit.separated.empty()) lost.push_back(0);
  for (const std::size_t term : fit.separated) lost.push_back(term + 1);
  return UnfinishedJson(names, fit.coefficients, lost);
}

Json StandardisedJson(const Fit& fit, const Design& design) {
  Json list = Json::array();
  for (std::size_t j = 0; j < fit.standardised.size(); ++j) {
    Json json = {{"name", TermName(design, j)}, {"estimate", fit.standardised[j]}};
    if (j > 0) {
      json["mean"] = fit.means[j - 1];
      json["sd"] = fit.deviations[j - 1];
    }
    list.push_back(std::move(json));
  }
  return list;
}

void AddStatistics(const Fit& fit, const Family& family, const RenderOptions& options, Json& json) {
  json["log_likelihood"] = Finite(fit.log_likelihood);
  json["deviance"] = fit.deviance;
  json["null_deviance"] = fit.null_deviance;
  json["df_residual"] = ResidualDegrees(fit);
  // A shrunken fit has fewer effective parameters than coefficients: these would mislead.
  if (options.ridge > 0 || !fit.converged) return;
  json["aic"] = Finite(Aic(fit, family.gaussian()));
  if (!family.gaussian()) return;
  const LeastSquares summary = SummariseLeastSquares(fit);
  json["sigma"] = summary.sigma;
  json["rss"] = fit.deviance;
  json["r_squared"] = summary.r_squared;
  json["adj_r_squared"] = summary.adjusted_r_squared;
  json["f_statistic"] = Finite(summary.f_statistic);
  json["f_df1"] = fit.coefficients.size() - 1;
  json["f_df2"] = ResidualDegrees(fit);
  json["f_p_value"] = Finite(summary.f_p_value);
}

Json ResultJson(const Fit& fit,
                const Design& design,
                const Family& family,
                const RenderOptions& options,
                const std::vector<Coefficient>& lines) {
  Json json;
  json["kind"] = std::string(family.kind());
  json["outcome"] = design.outcome.name;
  json["converged"] = fit.converged;
  json["iterations"] = fit.iterations;
  json["sites"] = fit.sites;
  json["patients"] = fit.patients;
  json["rows"] = fit.rows;
  json["confidence"] = options.confidence;
  if (fit.converged) {
    json["coefficients"] = CoefficientsJson(lines, RatioOf(family));
    json["covariance"] = fit.exact ? Json() : CovarianceJson(fit.covariance);
  } else {
    json["coefficients"] = UnfinishedCoefficients(fit, design);
  }
  AddStatistics(fit, family, options, json);
  if (options.ridge > 0) {
    json["ridge"] = options.ridge;
    json["standardised_coefficients"] = StandardisedJson(fit, design);
  }
  if (!fit.separated.empty()) {
    Json terms = Json::array();
    for (const std::size_t term : fit.separated) terms.push_back(design.terms[term].name);
    json["separation"] = {{"terms", terms}, {"message", TroubleOf(fit, design, family)}};
  } else if (!fit.converged) {
    json["message"] = TroubleOf(fit, design, family);
  } else if (fit.exact) {
    json["message"] = kExactMessage;
  }
  return json;
}

std::string Footer(const Fit& fit, const Family& family, const RenderOptions& options) {
  char text[400];
  if (fit.exact) {
    std::snprintf(text, sizeof text,
                  "log-likelihood -, deviance 0 (without features %.7g), AIC -\n"
                  "residual standard error 0, R squared 1 (adjusted 1), F -, p -\n",
                  fit.null_deviance);
    return Wrapped(kExactMessage) + text;
  }
  std::snprintf(text, sizeof text, "log-likelihood %.7g, deviance %.7g (without features %.7g)",
                fit.log_likelihood, fit.deviance, fit.null_deviance);
  std::string result = text;
  if (options.ridge > 0) {
    std::snprintf(text, sizeof text,
                  "\nridge penalty %.4g: estimates are drawn towards zero, and p values and "
                  "intervals\nare those of the penalised likelihood",
                  options.ridge);
    return result + text + "\n";
  }
  std::snprintf(text, sizeof text, ", AIC %.7g\n", Aic(fit, family.gaussian()));
  result += text;
  if (family.gaussian()) {
    const LeastSquares s = SummariseLeastSquares(fit);
    std::snprintf(text, sizeof text,
                  "residual standard error %.5g, R squared %.5g (adjusted %.5g), F %.5g, p %.3g\n",
                  s.sigma, s.r_squared, s.adjusted_r_squared, s.f_statistic, s.f_p_value);
    result += text;
  }
  return result;
}

std::string Table(const Fit& fit,
                  const Design& design,
                  const Family& family,
                  const RenderOptions& options,
                  const std::vector<Coefficient>& lines) {
  std::string text =
      Wrapped(std::string(family.title()) + " of " + design.outcome.name + ": " +
              Counted(fit.patients, "patient", "patients") +
              (fit.rows == fit.patients ? "" : " (" + Counted(fit.rows, "row", "rows") + ")") +
              " from " + Counted(fit.sites, "site", "sites") + ", " +
              Counted(fit.iterations, "Newton round", "Newton rounds"));
  if (!fit.converged) return text + Wrapped(TroubleOf(fit, design, family));
  text += "\n" + CoefficientTable(lines, RatioOf(family), family.gaussian() ? "t" : "z",
                                  options.confidence);
  return text + "\n" + Footer(fit, family, options);
}

}  // namespace

std::string TroubleOf(const Fit& fit, const Design& design, const Family& family) {
  if (fit.converged) return {};
  return fit.separated.empty() ? NotConvergedMessage(fit.iterations)
                               : SeparationMessage(fit, design, family);
}

AnalysisResult Render(const Fit& fit,
                      const Design& design,
                      const Family& family,
                      const RenderOptions& options) {
  std::vector<Coefficient> lines;
  if (fit.converged) lines = Infer(fit, design, family.gaussian(), options.confidence);
  AnalysisResult result;
  result.converged = fit.converged;
  result.patients = fit.patients;
  result.sites = fit.sites;
  result.json = ResultJson(fit, design, family, options, lines).dump(2);
  result.table = Table(fit, design, family, options, lines);
  return result;
}

}  // namespace consilium::glm
