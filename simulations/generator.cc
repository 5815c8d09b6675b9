#include "simulations/generator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

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

/// The model as it holds at one hospital.
struct SiteModel {
  double intercept = 0;
  std::vector<double> slopes;  ///< One a term.
  double shape = 1;            ///< Of times to an event.
};

SiteModel DrawModel(const Generator& generator, RandomSource& between) {
  const bool survival = generator.outcome_model == OutcomeModel::kSurvival;
  std::vector<double> coefficients = generator.truth.values;
  std::vector<double> spread = generator.spread;
  if (survival) {
    coefficients.insert(coefficients.begin(), generator.survival.intercept);
    spread.insert(spread.begin(), generator.survival.intercept_spread);
  }
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    coefficients[j] += spread[j] * DrawNormal(between);
  }
  SiteModel model{coefficients[0], {coefficients.begin() + 1, coefficients.end()}};
  if (survival) {
    const double factor = PortableExp(generator.survival.shape_spread * DrawNormal(between));
    model.shape = generator.survival.shape * factor;
  }
  return model;
}

/// Exponential with rate 1, above 0.
double DrawExponential(RandomSource& random) {
  constexpr double kSmallest = 1e-300;
  return std::max(-PortableLog(1 - random.Unit()), kSmallest);
}

void Append(const DataTable& rows, DataTable& to) {
  to.patients.insert(to.patients.end(), rows.patients.begin(), rows.patients.end());
  for (std::size_t j = 0; j < rows.columns.size(); ++j) {
    to.columns[j].insert(to.columns[j].end(), rows.columns[j].begin(), rows.columns[j].end());
  }
}

/// The patients of one hospital after the other.
class PatientMaker {
 public:
  PatientMaker(const Generator& generator,
               const Plan& plan,
               const glm::Design& design,
               std::uint64_t seed)
      : generator_(generator),
        plan_(plan),
        design_(design),
        seed_(seed),
        outcomes_(plan.analysis->outcomes()) {
    for (const std::string& name : plan.analysis->columns()) {
      analysed_.push_back(*plan.contract.IndexOf(name));
    }
  }

  Result<DataTable> MakeSite(std::size_t site, const std::string& name) const {
    SeededRandom between = StreamOf(seed_, "generated site", site);
    std::vector<GeneratedColumn> columns;
    for (const GeneratedColumn& column : generator_.columns) {
      columns.push_back(Shifted(column, generator_.shift, between));
    }
    const SiteModel model = DrawModel(generator_, between);
    SeededRandom within = StreamOf(seed_, "generated patients", site);
    SeededRandom gaps = StreamOf(seed_, "missing values", site);
    DataTable rows;
    rows.columns.resize(plan_.contract.columns.size());
    for (std::size_t i = 0; i < generator_.patients[site]; ++i) {
      TRY_STATUS(AddPatient(columns, model, within, gaps, rows));
      rows.patients.push_back(name + "/" + std::to_string(i + 1));
    }
    return rows;
  }

 private:
  Status AddPatient(const std::vector<GeneratedColumn>& columns,
                    const SiteModel& model,
                    RandomSource& within,
                    RandomSource& gaps,
                    DataTable& rows) const {
    std::vector<double> row(columns.size());
    const auto outcomes_end = analysed_.begin() + static_cast<std::ptrdiff_t>(outcomes_);
    for (std::size_t j = 0; j < columns.size(); ++j) {
      if (std::find(analysed_.begin(), outcomes_end, j) == outcomes_end) {
        row[j] = DrawValue(plan_.contract.columns[j], columns[j], within);
      }
    }
    TRY_STATUS(DrawOutcomes(model, within, row));
    for (std::size_t j = 0; j < columns.size(); ++j) {
      // A draw is made in any case, so that another rate leaves the other gaps where they were.
      const bool missing = gaps.Unit() < columns[j].missing;
      rows.columns[j].push_back(missing ? kNotKnown : row[j]);
    }
    return {};
  }

  double Predictor(const std::vector<double>& row, const SiteModel& model) const {
    double eta = model.intercept;
    for (std::size_t j = 0; j < design_.terms.size(); ++j) {
      const glm::Term& term = design_.terms[j];
      eta += model.slopes[j] *
             glm::TermOf(term.of_category, term.level, row[analysed_[outcomes_ + term.feature]]);
    }
    return eta;
  }

  Status DrawOutcomes(const SiteModel& model,
                      RandomSource& random,
                      std::vector<double>& row) const {
    const double eta = Predictor(row, model);
    if (generator_.outcome_model != OutcomeModel::kSurvival) {
      TRY(row[analysed_[0]], DrawOutcome(eta, random));
      return {};
    }
    return DrawTime(eta, model.shape, random, row[analysed_[0]], row[analysed_[1]]);
  }

  tl::unexpected<Error> OutOfRange(std::string_view key,
                                   const ContractColumn& column,
                                   double value,
                                   std::string remedy) const {
    char text[160];
    std::snprintf(text, sizeof text,
                  "the model gives a value of %.6g, outside of the plan's range from %.6g to %.6g",
                  value, *column.minimum, *column.maximum);
    return generator_.place.FailAt(key, "\"" + column.name + "\": " + text, std::move(remedy));
  }

  /// Whole times are rounded up, so that an event comes after the entry.
  Status DrawTime(
      double eta, double shape, RandomSource& random, double& event, double& time) const {
    const SurvivalModel& survival = generator_.survival;
    const ContractColumn& column = plan_.contract.columns[analysed_[1]];
    const double log_time = (PortableLog(DrawExponential(random)) - eta) / shape;
    time = PortableExp(std::clamp(log_time, -700.0, 700.0));
    // A draw is made in any case, so that another rate moves nobody else's times.
    const double left = DrawExponential(random);
    const double last = survival.drop_out > 0
                            ? std::min(survival.follow_up, left / survival.drop_out)
                            : survival.follow_up;
    event = time <= last ? 1 : 0;
    time = std::min(time, last);
    if (column.type == ColumnType::kInteger) time = std::ceil(time);
    if (InRange(column, time)) return {};
    return OutOfRange("intercept", column, time,
                      "Let the range begin at 0, or choose a lower intercept or drop-out.");
  }

  Result<double> DrawOutcome(double eta, RandomSource& random) const {
    const ContractColumn& column = plan_.contract.columns[analysed_.front()];
    if (generator_.outcome_model == OutcomeModel::kLogistic) {
      return random.Unit() < PortableLogistic(std::clamp(eta, -700.0, 700.0)) ? 1.0 : 0.0;
    }
    double value = 0;
    if (generator_.outcome_model == OutcomeModel::kLinear) {
      value = Rounded(column, eta + generator_.noise * DrawNormal(random));
    } else if (eta > kLargestLogMean) {
      return generator_.place.FailAt(
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

  const Generator& generator_;
  const Plan& plan_;
  const glm::Design& design_;
  const std::uint64_t seed_;
  const std::size_t outcomes_;
  std::vector<std::size_t> analysed_;  ///< In the contract: outcomes, then features.
};

}  // namespace

Result<glm::Design> DesignOf(const Plan& plan) {
  const std::vector<std::string> columns = plan.analysis->columns();
  std::vector<ContractColumn> outcomes;
  for (std::size_t i = 0; i < plan.analysis->outcomes(); ++i) {
    outcomes.push_back(*plan.contract.Find(columns[i]));
  }
  const auto features = columns.begin() + static_cast<std::ptrdiff_t>(outcomes.size());
  return glm::MakeDesign(plan.contract, outcomes, {features, columns.end()});
}

Result<LoadedTable> Generate(const Generator& generator, const Plan& plan, std::uint64_t seed) {
  LoadedTable all;
  all.table.columns.resize(plan.contract.columns.size());
  TRY_STATUS(GenerateSites(generator, plan, seed,
                           [&all](const std::string& name, const DataTable& rows) -> Status {
                             Append(rows, all.table);
                             all.groups.resize(all.table.patients.size(), name);
                             return {};
                           }));
  all.report.file = "the generator";
  all.report.rows = all.report.patients = all.groups.size();
  return all;
}

Status GenerateSites(
    const Generator& generator,
    const Plan& plan,
    std::uint64_t seed,
    const std::function<Status(const std::string& name, const DataTable& rows)>& take) {
  TRY(const glm::Design design, DesignOf(plan));
  const PatientMaker maker(generator, plan, design, seed);
  for (std::size_t site = 0; site < generator.patients.size(); ++site) {
    const std::string name = SiteName(site + 1, generator.patients.size());
    TRY(const DataTable rows, maker.MakeSite(site, name));
    TRY_STATUS(take(name, rows));
  }
  return {};
}

}  // namespace consilium
