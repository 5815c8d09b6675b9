#include "protocols/analyses/glm/render.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocols/analyses/glm/inference.h"

namespace consilium::glm {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kNameWidth = 22;

std::string Text(double value, int width, const char* form) {
  char text[64];
  std::snprintf(text, sizeof text, form, width, value);
  return text;
}

std::string Cell(double value, int width) { return Text(value, width, "%*.5g"); }

std::string PValue(double p, int width) {
  return p < 1e-300 ? Text(0, width, "%*.1g") : Text(p, width, p < 1e-3 ? "%*.2e" : "%*.4f");
}

std::string NameCell(std::string name) {
  if (name.size() > kNameWidth) name = name.substr(0, kNameWidth - 2) + "..";
  name.resize(kNameWidth, ' ');
  return name;
}

std::string Right(const std::string& text, std::size_t width) {
  return std::string(text.size() < width ? width - text.size() : 1, ' ') + text;
}

std::string Percent(double confidence) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g %%", 100 * confidence);
  return text;
}

std::string TermName(const Design& design, std::size_t coefficient) {
  return coefficient == 0 ? "(Intercept)" : design.terms[coefficient - 1].name;
}

std::string SeparationMessage(const Fit& fit, const Design& design, const Family& family) {
  std::string names;
  for (const std::size_t term : fit.separated) {
    names += (names.empty() ? "\"" : ", \"") + design.terms[term].name + "\"";
  }
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

std::string NotConvergedMessage(const Fit& fit) {
  return "Newton's method did not converge in " + std::to_string(fit.iterations) +
         " rounds. Raise maximum_iterations, or check the features for extreme values.";
}

void AddRatio(const Coefficient& line, const Family& family, Json& json) {
  const std::string field(family.ratio_field());
  if (field.empty() || line.name == "(Intercept)") return;
  json[field] = std::exp(line.estimate);
  json[field + "_low"] = std::exp(line.low);
  json[field + "_high"] = std::exp(line.high);
}

Json CoefficientsJson(const std::vector<Coefficient>& lines, const Family& family) {
  Json list = Json::array();
  for (const Coefficient& line : lines) {
    Json json = {{"name", line.name},           {"estimate", line.estimate},
                 {"std_error", line.std_error}, {"statistic", line.statistic},
                 {"p_value", line.p_value},     {"conf_low", line.low},
                 {"conf_high", line.high}};
    AddRatio(line, family, json);
    list.push_back(std::move(json));
  }
  return list;
}

/// Without a solution: the numbers where the search ended, none for coefficients that run off.
Json UnfinishedCoefficients(const Fit& fit, const Design& design) {
  Json list = Json::array();
  for (std::size_t j = 0; j < fit.coefficients.size(); ++j) {
    const bool lost = !fit.separated.empty() &&
                      (j == 0 || std::find(fit.separated.begin(), fit.separated.end(), j - 1) !=
                                     fit.separated.end());
    Json json = {{"name", TermName(design, j)}};
    json["estimate"] = lost ? Json(nullptr) : Json(fit.coefficients[j]);
    list.push_back(std::move(json));
  }
  return list;
}

Json CovarianceJson(const Symmetric& covariance) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < covariance.order(); ++i) {
    Json row = Json::array();
    for (std::size_t j = 0; j < covariance.order(); ++j) row.push_back(covariance(i, j));
    rows.push_back(std::move(row));
  }
  return rows;
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
  json["log_likelihood"] = fit.log_likelihood;
  json["deviance"] = fit.deviance;
  json["null_deviance"] = fit.null_deviance;
  json["df_residual"] = ResidualDegrees(fit);
  // A shrunken fit has fewer effective parameters than coefficients: these would mislead.
  if (options.ridge > 0 || !fit.converged) return;
  json["aic"] = Aic(fit, family.gaussian());
  if (!family.gaussian()) return;
  const LeastSquares summary = SummariseLeastSquares(fit);
  json["sigma"] = summary.sigma;
  json["rss"] = fit.deviance;
  json["r_squared"] = summary.r_squared;
  json["adj_r_squared"] = summary.adjusted_r_squared;
  json["f_statistic"] = summary.f_statistic;
  json["f_df1"] = fit.coefficients.size() - 1;
  json["f_df2"] = ResidualDegrees(fit);
  json["f_p_value"] = summary.f_p_value;
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
    json["coefficients"] = CoefficientsJson(lines, family);
    json["covariance"] = CovarianceJson(fit.covariance);
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
    json["separation"] = {{"terms", terms}, {"message", SeparationMessage(fit, design, family)}};
  } else if (!fit.converged) {
    json["message"] = NotConvergedMessage(fit);
  }
  return json;
}

std::string Header(const Family& family, double confidence) {
  std::string text = NameCell("term") + Right("estimate", 12) + Right("std. error", 12) +
                     Right(family.gaussian() ? "t" : "z", 9) + Right("p", 10) +
                     Right(Percent(confidence) + " CI", 24);
  if (!family.ratio_name().empty()) text += Right(std::string(family.ratio_name()), 11);
  return text + "\n";
}

std::string Interval(double low, double high) {
  return Right(Cell(low, 1) + " to " + Cell(high, 1), 24);
}

std::string Line(const Coefficient& line, const Family& family) {
  std::string text = NameCell(line.name) + Cell(line.estimate, 12) + Cell(line.std_error, 12) +
                     Text(line.statistic, 9, "%*.3f") + PValue(line.p_value, 10) +
                     Interval(line.low, line.high);
  if (!family.ratio_name().empty() && line.name != "(Intercept)") {
    text += Cell(std::exp(line.estimate), 11);
  }
  return text + "\n";
}

std::string Footer(const Fit& fit, const Family& family, const RenderOptions& options) {
  char text[400];
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

/// Breaks a sentence into lines of at most 96 columns.
std::string Wrapped(const std::string& sentence) {
  std::string result;
  std::size_t column = 0;
  std::size_t at = 0;
  while (at < sentence.size()) {
    const std::size_t end = std::min(sentence.find(' ', at), sentence.size());
    if (column > 0 && column + 1 + (end - at) > 96) {
      result += '\n';
      column = 0;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result.append(sentence, at, end - at);
    column += end - at;
    at = end + 1;
  }
  return result + "\n";
}

std::string Counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
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
  if (!fit.converged) {
    return text + Wrapped(fit.separated.empty() ? NotConvergedMessage(fit)
                                                : SeparationMessage(fit, design, family));
  }
  text += "\n" + Header(family, options.confidence);
  for (const Coefficient& line : lines) text += Line(line, family);
  return text + "\n" + Footer(fit, family, options);
}

}  // namespace

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
