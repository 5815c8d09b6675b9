#include "protocols/analyses/train/render.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "protocols/analyses/glm/tables.h"
#include "protocols/analyses/train/floats.h"
#include "protocols/analyses/train/model_file.h"

namespace consilium::train {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

/// What nobody may know is null.
Json RowsJson(double rows) { return rows > 0 ? Json(rows) : Json(); }

Json CurveJson(const Trained& trained, const TrainPlan& plan) {
  Json curve = Json::array();
  for (const CurvePoint& point : trained.curve) {
    curve.push_back({{"round", point.round},
                     {"sites", point.sites},
                     {"rows", RowsJson(point.rows)},
                     {"training_loss", OrNull(point.loss)},
                     {"training_accuracy", OrNull(point.accuracy)},
                     {"validation_loss", OrNull(point.held_out_loss)},
                     {"validation_accuracy", OrNull(point.held_out_accuracy)},
                     {"own_validation_loss", OrNull(point.own_loss)},
                     {"own_validation_accuracy", OrNull(point.own_accuracy)},
                     {"clipped_share", OrNull(point.clipped_share)},
                     {"update_length", OrNull(point.update_length)}});
    if (point.noise_length) curve.back()["noise_length"] = *point.noise_length;
    if (!plan.network.ComparesRows()) continue;
    Json& line = curve.back();
    line["training_concordance"] = OrNull(point.concordance);
    line["validation_concordance"] = OrNull(point.held_out_concordance);
    line["own_validation_concordance"] = OrNull(point.own_concordance);
  }
  return curve;
}

Json InputsJson(const Trained& trained, const TrainPlan& plan) {
  Json inputs = Json::array();
  for (std::size_t j = 0; j < plan.design.terms.size(); ++j) {
    const glm::Term& term = plan.design.terms[j];
    const ContractColumn& column = plan.design.features[term.feature];
    Json input = {{"name", term.name}};
    if (!column.unit.empty()) input["unit"] = column.unit;
    if (term.of_category) {
      input["column"] = column.name;
      input["level"] = column.levels[static_cast<std::size_t>(term.level)];
    }
    if (plan.standardisation != Standardisation::kSite) {
      input["centre"] = trained.scaling.centres[j];
      input["scale"] = trained.scaling.scales[j];
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

/// What the classes are called, in the order of the model's.
std::vector<std::string> ClassesOf(const ContractColumn& outcome) {
  if (outcome.type == ColumnType::kCategory) return outcome.levels;
  if (outcome.type == ColumnType::kBoolean) return {"false", "true"};
  return {"0", "1"};
}

/// Of an external trainer only it knows what its numbers mean.
const char* MeaningOfOutput(const TrainPlan& plan) {
  if (plan.trainer) return "known to the trainer alone";
  switch (plan.network.loss) {
    case Loss::kSquared:
      return "the outcome less centre, divided by scale";
    case Loss::kBinary:
      return "log odds of the second level";
    case Loss::kCategories:
      return "logits, one a level, for a softmax";
    case Loss::kPartialLikelihood:
      return "logarithm of the hazard, up to a constant of the site";
  }
  return "";
}

Json OutputJson(const Trained& trained, const TrainPlan& plan) {
  Json output = {{"name", plan.design.outcome.name}, {"is", MeaningOfOutput(plan)}};
  if (plan.ScalesOutcome()) {
    output["centre"] = trained.scaling.outcome_centre;
    output["scale"] = trained.scaling.outcome_scale;
  }
  if (plan.network.ComparesRows()) output["time"] = plan.design.columns[1];
  if (plan.network.Classifies()) output["levels"] = ClassesOf(plan.design.outcome);
  return output;
}

/// How a CNN looks at its inputs.
Json PictureJson(const Picture& picture) {
  return {{"height", picture.height},
          {"width", picture.width},
          {"channels", picture.channels},
          {"window", picture.window},
          {"filters", picture.filters}};
}

/// A float as the shortest decimal that reads back as it.
Json ShortFloat(float number) {
  char text[32];
  for (int digits = 6; digits <= 9; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, static_cast<double>(number));
    if (std::strtof(text, nullptr) == number) break;
  }
  return Json(std::strtod(text, nullptr));
}

Json ParametersJson(const Trained& trained, const TrainPlan& plan) {
  Json parameters = Json::array();
  for (const Tensor& tensor : TensorsOf(plan)) {
    const std::span<const float> numbers =
        std::span(trained.parameters).subspan(tensor.at, tensor.size);
    Json json = {{"name", tensor.name}, {"shape", tensor.shape}};
    if (plan.network.parameters <= kMostParametersInJson) {
      json["values"] = Json::array();
      for (const float number : numbers) json["values"].push_back(ShortFloat(number));
    } else {
      json["base64"] = ToBase64(BytesOf({numbers.begin(), numbers.end()}));
    }
    parameters.push_back(std::move(json));
  }
  return parameters;
}

/// Layers whose numbers in the result are only where every site began.
std::vector<std::string> PersonalNames(const TrainPlan& plan) {
  std::vector<std::string> names;
  for (const std::size_t layer : plan.personal) {
    names.push_back("layer" + std::to_string(layer + 1));
  }
  return names;
}

Json ResultJson(const Trained& trained, const TrainPlan& plan) {
  Json json;
  const bool compares = plan.network.ComparesRows();
  json[compares ? "event" : "outcome"] = plan.design.outcome.name;
  if (compares) json["time"] = plan.design.columns[1];
  json["model"] = {{"kind", NameOf(plan.model)},          {"hidden", plan.hidden},
                   {"personal", PersonalNames(plan)},     {"parameters", plan.network.parameters},
                   {"inputs", InputsJson(trained, plan)}, {"output", OutputJson(trained, plan)}};
  if (plan.model == ModelKind::kCnn) json["model"]["picture"] = PictureJson(plan.picture);
  if (plan.trainer) json["model"]["trainer"] = plan.trainer->command;
  json["strategy"] = NameOf(plan.strategy);
  json["standardise"] = NameOf(plan.standardisation);
  json["rows"] = trained.rows > 0 ? Json(trained.rows) : Json();
  if (compares) json["events"] = trained.rows > 0 ? Json(trained.events) : Json();
  json["validation_rows"] = trained.held_out_rows;
  json["training_rounds"] = trained.rounds;
  json["best_round"] = trained.best_round;
  json["stopped_early"] = trained.stopped_early;
  json["curve"] = CurveJson(trained, plan);
  json["parameters"] = ParametersJson(trained, plan);
  return json;
}

std::string Cell(const std::optional<double>& number, const char* form) {
  char text[32];
  if (!number) return std::string(12, ' ');
  std::snprintf(text, sizeof text, form, *number);
  return text;
}

std::string CurveLine(const CurvePoint& point) {
  char text[32];
  std::snprintf(text, sizeof text, "%6u%7u", point.round, point.sites);
  const std::optional<double> share =
      point.clipped_share ? std::optional(100 * *point.clipped_share) : std::nullopt;
  const auto either = [](const std::optional<double>& one, const std::optional<double>& other) {
    return Cell(one ? one : other, "%12.4f");
  };
  std::string line = text + Cell(point.loss, "%12.5f") + either(point.accuracy, point.concordance) +
                     Cell(point.held_out_loss, "%12.5f") +
                     either(point.held_out_accuracy, point.held_out_concordance) +
                     Cell(share, "%10.1f %%") + Cell(point.update_length, "%12.4g");
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

/// The first rounds, the last, and some between.
std::string CurveTable(const Trained& trained, const TrainPlan& plan) {
  constexpr std::size_t kLines = 20;
  std::string text =
      plan.network.ComparesRows()
          ? " round  sites       train     C-index   held out     C-index     clipped      update\n"
          : " round  sites       train    accuracy   held out    accuracy     clipped      "
            "update\n";
  text += "                     loss                   loss                   sites      length\n";
  const std::size_t count = trained.curve.size();
  const std::size_t stride = (count + kLines - 1) / kLines;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % stride == 0 || i + 1 == count) text += CurveLine(trained.curve[i]);
  }
  return text;
}

/// Of a linear log hazard: weights, and hazard ratios for one unit of each term.
std::string LogHazards(const Trained& trained, const TrainPlan& plan) {
  if (plan.network.layers.size() > 1) return {};
  const bool known = plan.standardisation != Standardisation::kSite;
  std::string text = "\nWeights, on the scale that the model was trained on";
  text += known ? ", and hazard ratios for one unit of each term\n" : "\n";
  for (std::size_t j = 0; j < plan.design.terms.size(); ++j) {
    std::string name = plan.design.terms[j].name;
    name.resize(24, ' ');
    const auto weight = static_cast<double>(trained.parameters[j]);
    text += "  " + name + Cell(weight, "%12.6g");
    if (known) text += Cell(std::exp(weight / trained.scaling.scales[j]), "%12.5g");
    text += "\n";
  }
  return text;
}

std::string Weights(const Trained& trained, const TrainPlan& plan) {
  if (plan.network.ComparesRows()) return LogHazards(trained, plan);
  if (!plan.network.IsSingle()) return {};
  std::string text = "\nWeights, on the scale that the model was trained on\n";
  for (std::size_t j = 0; j <= plan.design.terms.size(); ++j) {
    std::string name =
        j < plan.design.terms.size() ? plan.design.terms[j].name : std::string("(Intercept)");
    name.resize(24, ' ');
    text += "  " + name + Cell(static_cast<double>(trained.parameters[j]), "%12.6g") + "\n";
  }
  return text;
}

std::string Table(const Trained& trained, const TrainPlan& plan) {
  std::string text = glm::Wrapped(ModelInWords(plan));
  text += std::to_string(trained.rounds) + " rounds, " + std::to_string(trained.sites) + " sites";
  if (trained.rows > 0) text += ", " + std::to_string(trained.rows) + " rows to learn from";
  if (trained.rows > 0 && plan.network.ComparesRows())
    text += " with " + std::to_string(trained.events) + " events";
  if (plan.Validates()) {
    text += ", " + std::to_string(trained.held_out_rows) +
            " held out;\nthe released model is the "
            "one after round " +
            std::to_string(trained.best_round) + ", with the smallest loss on held-out rows" +
            (trained.stopped_early ? "; stopped early" : "");
  }
  return text + "\n\n" + CurveTable(trained, plan) + Weights(trained, plan);
}

}  // namespace

std::string ModelInWords(const TrainPlan& plan) {
  std::string text = (plan.trainer ? "model by the trainer \"" + plan.trainer->command + "\" of "
                                   : std::string(NameOf(plan.model)) + " model of ");
  if (plan.network.ComparesRows()) {
    text += "the hazard of " + plan.design.columns[0] + " by " + plan.design.columns[1] + " on " +
            glm::FeaturesInWords(plan.design) +
            " (each site's patients are compared with each "
            "other only; ";
  } else {
    text += glm::VariablesInWords(plan.design) + " (";
  }
  return text + std::to_string(plan.network.parameters) + " parameters), trained by " +
         std::string(NameOf(plan.strategy));
}

AnalysisResult Render(const Trained& trained, const TrainPlan& plan) {
  AnalysisResult result;
  result.converged = true;
  result.patients = trained.patients;
  result.sites = trained.sites;
  result.json = ResultJson(trained, plan).dump();
  result.table = Table(trained, plan);
  return result;
}

}  // namespace consilium::train
