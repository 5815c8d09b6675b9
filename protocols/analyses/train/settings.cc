#include "protocols/analyses/train/settings.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "common/crypto/hash.h"
#include "common/random.h"
#include "protocols/analyses/train/cox_settings.h"
#include "protocols/external_trainer.h"
#include "protocols/secure_sum/sketch.h"

namespace consilium::train {
namespace {

template <class Enum>
struct Named {
  std::string_view name;
  Enum value;
};

constexpr Named<ModelKind> kModels[] = {{"linear", ModelKind::kLinear},
                                        {"logistic", ModelKind::kLogistic},
                                        {"mlp", ModelKind::kMlp},
                                        {"cnn", ModelKind::kCnn},
                                        {"cox", ModelKind::kCox}};
constexpr Named<Strategy> kStrategies[] = {
    {"fedavg", Strategy::kFedAvg},     {"fedprox", Strategy::kFedProx},
    {"fedavgm", Strategy::kFedAvgM},   {"fedadam", Strategy::kFedAdam},
    {"fedyogi", Strategy::kFedYogi},   {"fedadagrad", Strategy::kFedAdagrad},
    {"scaffold", Strategy::kScaffold}, {"fednova", Strategy::kFedNova},
    {"rfa", Strategy::kRfa},           {"ditto", Strategy::kDitto}};
constexpr Named<Optimiser> kOptimisers[] = {{"sgd", Optimiser::kSgd}, {"adam", Optimiser::kAdam}};
constexpr Named<Standardisation> kStandardisations[] = {
    {"federation", Standardisation::kFederation},
    {"site", Standardisation::kSite},
    {"range", Standardisation::kRange},
    {"none", Standardisation::kNone}};

template <class Enum, std::size_t N>
Result<Enum> OneOf(const Settings& settings,
                   std::string_view key,
                   const Named<Enum> (&names)[N],
                   std::string_view otherwise) {
  std::vector<std::string> choices;
  for (const Named<Enum>& name : names) choices.emplace_back(name.name);
  std::string chosen(otherwise);
  if (otherwise.empty() || settings.Has(key)) {
    TRY(chosen, settings.Choice(key, choices));
  } else {
    TRY_STATUS(settings.TextOr(key, chosen));
  }
  for (const Named<Enum>& name : names) {
    if (name.name == chosen) return name.value;
  }
  return settings.FailAt(key, "unknown");
}

template <class Enum, std::size_t N>
std::string_view NameIn(const Named<Enum> (&names)[N], Enum value) {
  for (const Named<Enum>& name : names) {
    if (name.value == value) return name.name;
  }
  return "";
}

std::string Text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

Result<double> NumberIn(const Settings& settings,
                        std::string_view key,
                        double otherwise,
                        double lowest,
                        double highest) {
  TRY(const double number, settings.NumberOr(key, otherwise));
  if (!(number >= lowest) || !(number <= highest)) {
    return settings.FailValueAt(key,
                                "it must be between " + Text(lowest) + " and " + Text(highest));
  }
  return number;
}

Result<std::uint32_t> CountIn(const Settings& settings,
                              std::string_view key,
                              std::int64_t otherwise,
                              std::int64_t lowest,
                              std::int64_t highest) {
  TRY(const std::int64_t number, settings.IntegerBetween(key, lowest, highest, otherwise));
  return static_cast<std::uint32_t>(number);
}

bool IsNumeric(const ContractColumn& column) {
  return column.type == ColumnType::kNumber || column.type == ColumnType::kInteger ||
         column.type == ColumnType::kDuration;
}

/// A number that is 0 or 1 by its contract.
bool IsZeroOrOne(const ContractColumn& column) {
  return IsNumeric(column) && column.minimum == 0.0 && column.maximum == 1.0;
}

/// What the loss is of; of an external trainer, whose own matter it is, the kind of outcome.
Result<Loss> LossOf(const Settings& settings, ModelKind model, const ContractColumn& outcome) {
  const bool yes_no = outcome.type == ColumnType::kBoolean ||
                      (outcome.type == ColumnType::kCategory && outcome.levels.size() == 2);
  const bool is_class = yes_no || outcome.type == ColumnType::kCategory;
  if (!is_class && !IsNumeric(outcome)) {
    return settings.FailAt("outcome", "the date \"" + outcome.name + "\" cannot be an outcome");
  }
  if (model == ModelKind::kLinear) {
    if (IsNumeric(outcome) || outcome.type == ColumnType::kBoolean) return Loss::kSquared;
    return settings.FailAt("outcome", "a linear model needs a number, not a category",
                           "use model = \"logistic\" or \"mlp\"");
  }
  if (model == ModelKind::kLogistic && !is_class && !IsZeroOrOne(outcome)) {
    return settings.FailAt("outcome", "\"" + outcome.name + "\" has no classes",
                           "use a boolean, a category, a number with range = [0, 1] that is 0 or "
                           "1, or model = \"linear\"");
  }
  if (is_class) return yes_no ? Loss::kBinary : Loss::kCategories;
  return model == ModelKind::kLogistic ? Loss::kBinary : Loss::kSquared;
}

/// A list of whole numbers from 1 to 100000.
Result<std::vector<std::size_t>> ParseWidths(const Settings& settings,
                                             std::string_view key,
                                             std::size_t fewest,
                                             std::size_t most) {
  TRY(const std::vector<double> widths, settings.Numbers(key));
  if (widths.size() < fewest || widths.size() > most) {
    return settings.FailValueAt(key, "it needs " + std::to_string(fewest) + " to " +
                                         std::to_string(most) + " layers' widths");
  }
  std::vector<std::size_t> whole;
  for (const double width : widths) {
    if (width != std::floor(width) || width < 1 || width > 100'000) {
      return settings.FailValueAt(key, "each must be a whole number from 1 to 100000");
    }
    whole.push_back(static_cast<std::size_t>(width));
  }
  return whole;
}

/// The keys of a CNN; its features are the pixels.
Result<Picture> ParsePicture(const Settings& settings, std::size_t terms) {
  TRY(const std::vector<std::size_t> image, ParseWidths(settings, "image", 2, 3));
  Picture picture;
  picture.height = image[0];
  picture.width = image[1];
  picture.channels = image.size() > 2 ? image[2] : 1;
  TRY(picture.filters, ParseWidths(settings, "filters", 1, 5));
  TRY(picture.window, CountIn(settings, "window", 5, 1, 31));
  if (picture.height * picture.width * picture.channels != terms) {
    return settings.FailAt("image",
                           "a picture of " +
                               std::to_string(picture.height * picture.width * picture.channels) +
                               " numbers, and the features are " + std::to_string(terms));
  }
  if (IsTooSmall(picture)) {
    return settings.FailAt("filters", "nothing is left of the picture behind the last of them",
                           "use fewer, or a smaller window");
  }
  return picture;
}

Result<Network> ParseNetwork(const Settings& settings, Loss loss, TrainPlan& plan) {
  const std::size_t terms = plan.design.terms.size();
  const std::size_t outputs = loss == Loss::kCategories ? plan.design.outcome.levels.size() : 1;
  if (plan.model == ModelKind::kCnn) {
    TRY(plan.picture, ParsePicture(settings, terms));
    if (settings.Has("hidden")) {
      TRY(plan.hidden, ParseWidths(settings, "hidden", 0, 4));
    }
    return MakePictureNetwork(plan.picture, plan.hidden, outputs, loss);
  }
  if (plan.model == ModelKind::kMlp) {
    TRY(plan.hidden, ParseWidths(settings, "hidden", 1, kMaxLayers - 1));
  }
  return MakeDenseNetwork(terms, plan.hidden, outputs, loss);
}

/// "head" is the last layer; others are called as in the result: "layer1".
Status ParsePersonal(const Settings& settings, TrainPlan& plan) {
  TRY(const std::vector<std::string> names, settings.TextsOr("personal", {}));
  const std::vector<Layer>& layers = plan.network.layers;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::string name = "layer" + std::to_string(l + 1);
    const bool is_last = l + 1 == layers.size();
    for (const std::string& wanted : names) {
      if (layers[l].parameters() > 0 && (wanted == name || (is_last && wanted == "head"))) {
        plan.personal.push_back(l);
      }
    }
  }
  if (plan.personal.size() != names.size()) {
    return settings.FailAt("personal", "names a layer that has no parameters or is not there",
                           "use \"head\" for the last one, or \"layer1\", \"layer2\", ...");
  }
  std::size_t trained = 0;
  for (const Layer& layer : layers) trained += layer.parameters() > 0 ? 1U : 0U;
  if (!names.empty() && plan.personal.size() >= trained) {
    return settings.FailAt("personal", "no layer would be left to share");
  }
  if (!names.empty() && (plan.Controls() || plan.IsRobust() || plan.HasOwnModels())) {
    return settings.FailAt("personal", "cannot be combined with strategy = \"" +
                                           std::string(NameOf(plan.strategy)) + "\"");
  }
  return {};
}

/// A name, and nothing that would reach a command line: arguments are each site's own.
Result<std::string> ParseCommand(const Settings& table) {
  TRY(const std::vector<std::string> command, table.Texts("command"));
  if (command.size() != 1) {
    return table.FailAt("command", "must be a list with the trainer's name alone",
                        "which program that is, with which arguments, each site's policy says");
  }
  if (!IsTrainerName(command.front())) {
    return table.FailAt("command", "is no name for a trainer",
                        "use 1 to 64 letters, digits, '_', '-' or '.'; where the program lies, "
                        "each site's policy says");
  }
  return command.front();
}

Status ParseTrainer(const Settings& settings, TrainPlan& plan) {
  TRY(const std::optional<Settings> table, settings.TableIfAny("trainer"));
  if (!table) return {};
  for (const char* key : {"model", "hidden", "image", "filters", "window", "personal"}) {
    if (settings.Has(key)) {
      return settings.FailAt(key, "is of the built-in models, and trainer names a program instead",
                             "remove one of them");
    }
  }
  Trainer trainer;
  TRY(trainer.command, ParseCommand(*table));
  TRY_STATUS(table->Integer("parameters"));
  TRY(plan.network.parameters, CountIn(*table, "parameters", 1, 1, kMaxParameters));
  TRY(const std::string start, table->ChoiceOr("start", {"zeros", "uniform"}, "zeros"));
  if (start == "uniform") {
    TRY(trainer.start_bound, NumberIn(*table, "start_bound", 0.1, 1e-6, 1e3));
  }
  TRY_STATUS(table->RequireNoOtherKeys());
  plan.trainer = std::move(trainer);
  return {};
}

/// Strategies that reach into the steps of training, which are the program's own.
Status CheckTrainersStrategy(const Settings& settings, const TrainPlan& plan) {
  const Strategy strategy = plan.strategy;
  const bool inside =
      strategy == Strategy::kFedProx || plan.Controls() || plan.Normalises() || plan.HasOwnModels();
  if (!plan.trainer || !inside) return {};
  return settings.FailAt("strategy",
                         std::string(NameOf(strategy)) +
                             " changes the steps of training, and these are the trainer's own",
                         "use \"fedavg\", \"fedavgm\", \"fedadam\", \"fedyogi\", "
                         "\"fedadagrad\" or \"rfa\"");
}

Status ParseModel(const Settings& settings, const Contract& contract, TrainPlan& plan) {
  TRY_STATUS(ParseTrainer(settings, plan));
  if (plan.trainer) {
    plan.model = ModelKind::kExternal;
  } else {
    TRY(plan.model, OneOf(settings, "model", kModels, ""));
  }
  TRY(const std::vector<ContractColumn> outcomes, ParseOutcomes(settings, contract, plan.model));
  std::vector<std::string> names;
  for (const ContractColumn& column : outcomes) names.push_back(column.name);
  Loss loss = Loss::kPartialLikelihood;
  if (outcomes.size() == 1) {
    TRY(loss, LossOf(settings, plan.model, outcomes[0]));
  }
  TRY(const std::vector<std::string> features, glm::ParseFeatures(settings, contract, names));
  Result<glm::Design> design = glm::MakeDesign(contract, outcomes, features);
  if (!design) return settings.FailAt("features", design.error().message, design.error().remedy);
  plan.design = std::move(*design);
  // An event that happened to a fraction would be neither an event nor none.
  if (loss == Loss::kPartialLikelihood) plan.design.rules[0].whole = true;
  if (plan.trainer) {
    plan.network.loss = loss;
    plan.network.inputs = plan.design.terms.size();
    return {};
  }
  TRY(plan.network, ParseNetwork(settings, loss, plan));
  if (plan.network.parameters > kMaxParameters) {
    return settings.FailAt(settings.Has("hidden") ? "hidden" : "features",
                           "the model has " + std::to_string(plan.network.parameters) +
                               " parameters; at most " + std::to_string(kMaxParameters) +
                               " are summed",
                           "make it smaller");
  }
  return {};
}

Status ParseLocal(const Settings& settings, Strategy strategy, LocalSettings& local) {
  TRY(local.optimiser, OneOf(settings, "optimiser", kOptimisers, "sgd"));
  if (settings.Has("local_steps") && settings.Has("local_epochs")) {
    return settings.FailAt("local_steps", "local_steps and local_epochs both say how long to learn",
                           "remove one of them");
  }
  TRY(local.epochs, CountIn(settings, "local_epochs", 1, 1, 10'000));
  if (settings.Has("local_steps")) {
    TRY(local.steps, CountIn(settings, "local_steps", 1, 1, 1'000'000));
  }
  TRY(local.batch, CountIn(settings, "batch_size", 32, 1, 100'000));
  const bool adam = local.optimiser == Optimiser::kAdam;
  TRY(local.learning_rate, NumberIn(settings, "learning_rate", adam ? 0.001 : 0.1, 1e-9, 1e6));
  if (adam) {
    if (settings.Has("momentum")) {
      return settings.FailAt("momentum", "is a setting of optimiser = \"sgd\"");
    }
  } else {
    TRY(local.momentum, NumberIn(settings, "momentum", 0, 0, 0.9999));
  }
  if (adam && (strategy == Strategy::kScaffold || strategy == Strategy::kFedNova)) {
    return settings.FailAt(
        "optimiser", std::string(NameOf(strategy)) + " is defined for optimiser = \"sgd\" alone");
  }
  if (local.momentum > 0 && strategy == Strategy::kScaffold) {
    return settings.FailAt("momentum", "scaffold is defined without momentum");
  }
  TRY(local.l2, NumberIn(settings, "l2", 0, 0, 1e6));
  if (strategy == Strategy::kFedProx) {
    TRY(local.mu, NumberIn(settings, "mu", 0.01, 0, 1e6));
  }
  return {};
}

/// Each key is known only where the strategy has a use for it.
Status ParseServer(const Settings& settings, Strategy strategy, ServerSettings& server) {
  if (strategy == Strategy::kRfa) {
    TRY(server.iterations, CountIn(settings, "rfa_iterations", 3, 1, 100));
    TRY(server.smoothing, NumberIn(settings, "rfa_smoothing", 1e-6, 1e-9, 1e3));
  }
  const bool adaptive = strategy == Strategy::kFedAdam || strategy == Strategy::kFedYogi ||
                        strategy == Strategy::kFedAdagrad;
  const double rate = adaptive ? (strategy == Strategy::kFedAdagrad ? 0.1 : 0.01) : 1;
  TRY(server.learning_rate, NumberIn(settings, "server_learning_rate", rate, 1e-9, 1e6));
  if (strategy == Strategy::kFedAvgM) {
    TRY(server.momentum, NumberIn(settings, "server_momentum", 0.9, 0, 0.9999));
  }
  if (adaptive) {
    const double beta1 = strategy == Strategy::kFedAdagrad ? 0 : 0.9;
    TRY(server.beta1, NumberIn(settings, "server_beta1", beta1, 0, 0.9999));
    TRY(server.tau, NumberIn(settings, "server_tau", 1e-3, 1e-12, 1e3));
  }
  if (adaptive && strategy != Strategy::kFedAdagrad) {
    TRY(server.beta2, NumberIn(settings, "server_beta2", 0.99, 0, 0.99999));
  }
  return {};
}

Status ParseCourse(const Settings& settings, TrainPlan& plan) {
  if (!settings.Has("rounds")) TRY_STATUS(settings.Integer("rounds"));
  TRY(plan.rounds, CountIn(settings, "rounds", 1, 1, 100'000));
  TRY(const std::int64_t seed, settings.IntegerOr("seed", 1));
  if (seed < 0) return settings.FailValueAt("seed", "it must be at least 0");
  plan.seed = static_cast<std::uint64_t>(seed);
  TRY(plan.standardisation, OneOf(settings, "standardise", kStandardisations, "federation"));
  TRY(plan.clip, NumberIn(settings, "clip", 10, 1e-6, 1e9));
  TRY(plan.validation, NumberIn(settings, "validation", 0, 0, 0.9));
  if (settings.Has("patience") && !plan.Validates()) {
    return settings.FailAt("patience", "needs held-out rows to look at",
                           "set validation = 0.2 or the like");
  }
  if (settings.Has("patience")) {
    TRY(plan.patience, CountIn(settings, "patience", 1, 1, 100'000));
  }
  return {};
}

/// Sketches hold the update alone to its length, and must tell little of it.
Status ParseNormCheck(const Settings& settings, const Contract& contract, TrainPlan& plan) {
  TRY(plan.norm_check, settings.BooleanOr("norm_check", false));
  if (!plan.norm_check) return {};
  if (plan.IsRobust() || plan.Controls() || plan.Normalises()) {
    return settings.FailAt(
        "norm_check",
        "norm_check = true holds a site's update to clip, and with strategy = \"" +
            std::string(NameOf(plan.strategy)) + "\" other numbers of a site move the model, too",
        "Use \"fedavg\" or another strategy whose sums are updates alone, or leave norm_check "
        "out.");
  }
  if (contract.maximum_patients >= 1'000'000) {
    return settings.FailAt(
        "norm_check",
        "norm_check = true holds a site's update, times its rows, to clip times the contract's "
        "maximum_patients, and with a million nobody would be held to anything",
        "Say in [contract] how many the largest site has at most: maximum_patients = 5000.");
  }
  if (plan.shared_parameters < kFewestSketchedNumbers) {
    return settings.FailAt(
        "norm_check",
        "a check tells " + std::to_string(kSketchRows) +
            " combinations of a site's numbers, and of a model that shares only " +
            std::to_string(plan.shared_parameters) + " parameters that is too much",
        "Leave norm_check out, or train a model that shares " +
            std::to_string(kFewestSketchedNumbers) + " parameters or more.");
  }
  return {};
}

/// All layers but those that stay.
void FindShared(TrainPlan& plan) {
  if (plan.trainer) {
    plan.shared = {{0, plan.network.parameters}};
    plan.shared_parameters = plan.network.parameters;
    return;
  }
  for (std::size_t l = 0; l < plan.network.layers.size(); ++l) {
    const Layer& layer = plan.network.layers[l];
    const bool stays =
        std::find(plan.personal.begin(), plan.personal.end(), l) != plan.personal.end();
    if (stays || layer.parameters() == 0) continue;
    plan.shared.push_back({layer.at, layer.parameters()});
    plan.shared_parameters += layer.parameters();
  }
}

}  // namespace

Result<TrainPlan> ParseTrainPlan(const Settings& settings, const Contract& contract) {
  TrainPlan plan;
  TRY_STATUS(ParseModel(settings, contract, plan));
  TRY(plan.strategy, OneOf(settings, "strategy", kStrategies, "fedavg"));
  TRY_STATUS(CheckTrainersStrategy(settings, plan));
  TRY_STATUS(ParseLocal(settings, plan.strategy, plan.local));
  TRY_STATUS(ParseServer(settings, plan.strategy, plan.server));
  TRY_STATUS(ParseCourse(settings, plan));
  TRY_STATUS(ParsePersonal(settings, plan));
  FindShared(plan);
  TRY_STATUS(ParseNormCheck(settings, contract, plan));
  if (plan.HasOwnModels()) {
    TRY(plan.lambda, NumberIn(settings, "lambda", 0.1, 0, 1e6));
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return plan;
}

std::vector<float> FirstParameters(const TrainPlan& plan) {
  if (!plan.trainer) return InitialParameters(plan.network, plan.seed);
  std::vector<float> parameters(plan.network.parameters, 0.0F);
  if (plan.trainer->start_bound > 0) {
    SeededRandom random(Hasher("consilium/train/start/v1").Add(plan.seed).Finish().bytes);
    DrawUniform(plan.trainer->start_bound, random, parameters);
  }
  return parameters;
}

std::vector<Tensor> TensorsOf(const TrainPlan& plan) {
  if (!plan.trainer) return TensorsOf(plan.network);
  return {{"parameters", {plan.network.parameters}, 0, plan.network.parameters}};
}

std::string_view NameOf(ModelKind model) {
  return model == ModelKind::kExternal ? "trainer" : NameIn(kModels, model);
}
std::string_view NameOf(Strategy strategy) { return NameIn(kStrategies, strategy); }
std::string_view NameOf(Optimiser optimiser) { return NameIn(kOptimisers, optimiser); }
std::string_view NameOf(Standardisation standardisation) {
  return NameIn(kStandardisations, standardisation);
}

}  // namespace consilium::train
