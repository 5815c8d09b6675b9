#include "simulations/generator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "protocols/derived_columns.h"
#include "simulations/draws.h"
#include "simulations/partition.h"

namespace consilium {
namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();
/// e^13.8 is about 1e6, the largest mean of a count that is drawn.
constexpr double kLargestLogMean = 13.8;

double Rounded(const ContractColumn& column, double value) {
  return column.type == ColumnType::kInteger ? std::floor(value + 0.5) : value;
}

bool InRange(const ContractColumn& column, double value) {
  return (!column.minimum || value >= *column.minimum) &&
         (!column.maximum || value <= *column.maximum);
}

/// A column as this hospital has it.
GeneratedColumn Shifted(const GeneratedColumn& column, double shift, RandomSource& random) {
  GeneratedColumn here = column;
  here.mean += shift * column.deviation * DrawNormal(random);
  double sum = 0;
  for (double& share : here.shares) {
    share *= PortableExp(shift * DrawNormal(random));
    sum += share;
  }
  for (double& share : here.shares) share /= sum;
  return here;
}

double DrawNumber(const ContractColumn& column, const GeneratedColumn& here, RandomSource& random) {
  constexpr int kMostTries = 1'000;
  for (int i = 0; i < kMostTries; ++i) {
    const double value = Rounded(column, here.mean + here.deviation * DrawNormal(random));
    if (InRange(column, value)) return value;
  }
  // A hospital whose mean was shifted far beyond the range.
  return std::clamp(Rounded(column, here.mean), *column.minimum, *column.maximum);
}

double DrawValue(const ContractColumn& column, const GeneratedColumn& here, RandomSource& random) {
  if (!here.shares.empty()) return static_cast<double>(DrawIndex(random, here.shares));
  if (column.type == ColumnType::kDate) {
    constexpr double kFirstDay = 10'957;  // 2000-01-01, and twenty years from there.
    return kFirstDay + static_cast<double>(random.Below(7'305));
  }
  return DrawNumber(column, here, random);
}

/// Exponential with rate 1, above 0.
double DrawExponential(RandomSource& random) {
  constexpr double kSmallest = 1e-300;
  return std::max(-PortableLog(1 - random.Unit()), kSmallest);
}

void Append(const DataTable& rows, DataTable& to) {
  for (const std::string_view patient : rows.patients) to.patients.push_back(patient);
  for (std::size_t j = 0; j < rows.columns.size(); ++j) {
    to.columns[j].insert(to.columns[j].end(), rows.columns[j].begin(), rows.columns[j].end());
  }
}

}  // namespace

std::optional<double> Truth::Of(std::string_view name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return {};
  return values[static_cast<std::size_t>(found - names.begin())];
}

Result<glm::Design> DesignOf(const Plan& plan) {
  const std::vector<std::string> columns = plan.analysis->columns();
  std::vector<ContractColumn> outcomes;
  for (std::size_t i = 0; i < plan.analysis->outcomes(); ++i) {
    outcomes.push_back(*plan.contract.Find(columns[i]));
  }
  const auto features = columns.begin() + static_cast<std::ptrdiff_t>(outcomes.size());
  return glm::MakeDesign(plan.contract, outcomes, {features, columns.end()});
}

/// The model as it holds at one hospital.
struct PatientMaker::SiteModel {
  double intercept = 0;
  std::vector<double> slopes;  ///< One a term.
  double shape = 1;            ///< Of times to an event.
};

struct PatientMaker::Streams {
  BufferedRandom within;
  BufferedRandom gaps;
};

PatientMaker::PatientMaker(const Generator& generator,
                           const Plan& plan,
                           glm::Design design,
                           std::uint64_t seed)
    : generator_(&generator),
      plan_(&plan),
      design_(std::move(design)),
      seed_(seed),
      is_outcome_(plan.contract.columns.size()) {
  const std::size_t outcomes = plan.analysis->outcomes();
  for (const std::string& name : plan.analysis->columns()) {
    const std::size_t place = *plan.contract.PlaceOf(name);
    if (outcomes_.size() == outcomes) {
      features_.push_back(place);
    } else {
      outcomes_.push_back(place);
      is_outcome_[place] = true;
    }
  }
}

Result<PatientMaker> PatientMaker::Of(const Generator& generator,
                                      const Plan& plan,
                                      std::uint64_t seed) {
  TRY(glm::Design design, DesignOf(plan));
  return PatientMaker(generator, plan, std::move(design), seed);
}

std::string PatientMaker::NameOf(std::size_t site) const { return SiteName(site + 1, sites()); }

PatientMaker::SiteModel PatientMaker::DrawModel(RandomSource& between) const {
  const bool survival = generator_->outcome_model == OutcomeModel::kSurvival;
  std::vector<double> coefficients = generator_->truth.values;
  std::vector<double> spread = generator_->spread;
  if (survival) {
    coefficients.insert(coefficients.begin(), generator_->survival.intercept);
    spread.insert(spread.begin(), generator_->survival.intercept_spread);
  }
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    coefficients[j] += spread[j] * DrawNormal(between);
  }
  SiteModel model{coefficients[0], {coefficients.begin() + 1, coefficients.end()}};
  if (survival) {
    const double factor = PortableExp(generator_->survival.shape_spread * DrawNormal(between));
    model.shape = generator_->survival.shape * factor;
  }
  return model;
}

Result<DataTable> PatientMaker::Make(std::size_t site) const {
  BufferedRandom between(StreamOf(seed_, "generated site", site));
  std::vector<GeneratedColumn> columns;
  columns.reserve(generator_->columns.size());
  for (const GeneratedColumn& column : generator_->columns) {
    columns.push_back(Shifted(column, generator_->shift, between));
  }
  const SiteModel model = DrawModel(between);
  Streams streams{BufferedRandom(StreamOf(seed_, "generated patients", site)),
                  BufferedRandom(StreamOf(seed_, "missing values", site))};
  const std::string name = NameOf(site);
  const std::size_t patients = generator_->patients[site];
  DataTable rows;
  rows.columns.resize(columns.size());
  for (std::vector<double>& column : rows.columns) column.reserve(patients);
  rows.patients.reserve(patients);
  std::vector<double> row(columns.size() + plan_->contract.derived.size());
  for (std::size_t i = 0; i < patients; ++i) {
    TRY_STATUS(AddPatient(columns, model, streams, row, rows));
    rows.patients.push_back(name + "/" + std::to_string(i + 1));
  }
  return rows;
}

Status PatientMaker::AddPatient(const std::vector<GeneratedColumn>& columns,
                                const SiteModel& model,
                                Streams& streams,
                                std::vector<double>& row,
                                DataTable& rows) const {
  for (std::size_t j = 0; j < columns.size(); ++j) {
    if (!is_outcome_[j]) row[j] = DrawValue(plan_->contract.columns[j], columns[j], streams.within);
  }
  for (std::size_t k = 0; k < plan_->contract.derived.size(); ++k) {
    const DerivedColumn& derived = plan_->contract.derived[k];
    row[columns.size() + k] =
        DerivedValue(derived, row[derived.first.place], row[derived.second.place]);
  }
  TRY_STATUS(DrawOutcomes(model, streams.within, row));
  for (std::size_t j = 0; j < columns.size(); ++j) {
    // A draw is made in any case, so that another rate leaves the other gaps where they were.
    const bool missing = streams.gaps.Unit() < columns[j].missing;
    rows.columns[j].push_back(missing ? kNotKnown : row[j]);
  }
  return {};
}

double PatientMaker::Predictor(const std::vector<double>& row, const SiteModel& model) const {
  double eta = model.intercept;
  for (std::size_t j = 0; j < design_.terms.size(); ++j) {
    const glm::Term& term = design_.terms[j];
    eta +=
        model.slopes[j] * glm::TermOf(term.of_category, term.level, row[features_[term.feature]]);
  }
  return eta;
}

Status PatientMaker::DrawOutcomes(const SiteModel& model,
                                  RandomSource& random,
                                  std::vector<double>& row) const {
  const double eta = Predictor(row, model);
  if (generator_->outcome_model != OutcomeModel::kSurvival) {
    TRY(row[outcomes_[0]], DrawOutcome(eta, random));
    return {};
  }
  return DrawTime(eta, model.shape, random, row[outcomes_[0]], row[outcomes_[1]]);
}

tl::unexpected<Error> PatientMaker::OutOfRange(std::string_view key,
                                               const ContractColumn& column,
                                               double value,
                                               std::string remedy) const {
  char text[160];
  std::snprintf(text, sizeof text,
                "the model gives a value of %.6g, outside of the plan's range from %.6g to %.6g",
                value, *column.minimum, *column.maximum);
  return generator_->place.FailAt(key, "\"" + column.name + "\": " + text, std::move(remedy));
}

/// Whole times are rounded up, so that an event comes after the entry.
Status PatientMaker::DrawTime(
    double eta, double shape, RandomSource& random, double& event, double& time) const {
  const SurvivalModel& survival = generator_->survival;
  const ContractColumn& column = plan_->contract.columns[outcomes_[1]];
  const double log_time = (PortableLog(DrawExponential(random)) - eta) / shape;
  time = PortableExp(std::clamp(log_time, -700.0, 700.0));
  // A draw is made in any case, so that another rate moves nobody else's times.
  const double left = DrawExponential(random);
  const double last = survival.drop_out > 0 ? std::min(survival.follow_up, left / survival.drop_out)
                                            : survival.follow_up;
  event = time <= last ? 1 : 0;
  time = std::min(time, last);
  if (column.type == ColumnType::kInteger) time = std::ceil(time);
  if (InRange(column, time)) return {};
  return OutOfRange("intercept", column, time,
                    "Let the range begin at 0, or choose a lower intercept or drop-out.");
}

Result<double> PatientMaker::DrawOutcome(double eta, RandomSource& random) const {
  const ContractColumn& column = plan_->contract.columns[outcomes_[0]];
  if (generator_->outcome_model == OutcomeModel::kLogistic) {
    return random.Unit() < PortableLogistic(std::clamp(eta, -700.0, 700.0)) ? 1.0 : 0.0;
  }
  double value = 0;
  if (generator_->outcome_model == OutcomeModel::kLinear) {
    value = Rounded(column, eta + generator_->noise * DrawNormal(random));
  } else if (eta > kLargestLogMean) {
    return generator_->place.FailAt(
        "coefficients", "the model gives \"" + column.name + "\" counts above a million",
        "Choose smaller coefficients or a lower intercept.");
  } else {
    value = static_cast<double>(DrawPoisson(random, PortableExp(eta)));
  }
  if (InRange(column, value)) return value;
  return OutOfRange("coefficients", column, value,
                    "Widen the range in the contract, or choose another intercept, other "
                    "coefficients or less noise.");
}

Result<LoadedTable> Generate(const Generator& generator, const Plan& plan, std::uint64_t seed) {
  TRY(const PatientMaker maker, PatientMaker::Of(generator, plan, seed));
  LoadedTable all;
  all.table.columns.resize(plan.contract.columns.size());
  for (std::size_t site = 0; site < maker.sites(); ++site) {
    TRY(const DataTable rows, maker.Make(site));
    Append(rows, all.table);
    all.groups.resize(all.table.patients.size(), maker.NameOf(site));
  }
  all.report.file = "the generator";
  all.report.rows = all.report.patients = all.groups.size();
  return all;
}

}  // namespace consilium
