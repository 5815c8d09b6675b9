#include "simulations/generator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "protocols/analyses/glm/design.h"
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
      : generator_(generator), plan_(plan), design_(design), seed_(seed) {
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
    std::vector<double> coefficients = generator_.truth.values;
    for (std::size_t j = 0; j < coefficients.size(); ++j) {
      coefficients[j] += generator_.spread[j] * DrawNormal(between);
    }
    SeededRandom within = StreamOf(seed_, "generated patients", site);
    SeededRandom gaps = StreamOf(seed_, "missing values", site);
    DataTable rows;
    rows.columns.resize(plan_.contract.columns.size());
    for (std::size_t i = 0; i < generator_.patients[site]; ++i) {
      TRY_STATUS(AddPatient(columns, coefficients, within, gaps, rows));
      rows.patients.push_back(name + "/" + std::to_string(i + 1));
    }
    return rows;
  }

 private:
  Status AddPatient(const std::vector<GeneratedColumn>& columns,
                    const std::vector<double>& coefficients,
                    RandomSource& within,
                    RandomSource& gaps,
                    DataTable& rows) const {
    std::vector<double> row(columns.size());
    const std::size_t outcome = analysed_.front();
    for (std::size_t j = 0; j < columns.size(); ++j) {
      if (j != outcome) row[j] = DrawValue(plan_.contract.columns[j], columns[j], within);
    }
    TRY(row[outcome], DrawOutcome(Predictor(row, coefficients), within));
    for (std::size_t j = 0; j < columns.size(); ++j) {
      // A draw is made in any case, so that another rate leaves the other gaps where they were.
      const bool missing = gaps.Unit() < columns[j].missing;
      rows.columns[j].push_back(missing ? kNotKnown : row[j]);
    }
    return {};
  }

  double Predictor(const std::vector<double>& row, const std::vector<double>& coefficients) const {
    double eta = coefficients[0];
    for (std::size_t j = 0; j < design_.terms.size(); ++j) {
      const glm::Term& term = design_.terms[j];
      eta += coefficients[j + 1] *
             glm::TermOf(term.of_category, term.level, row[analysed_[term.feature + 1]]);
    }
    return eta;
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
    char text[160];
    std::snprintf(text, sizeof text,
                  "the model gives a value of %.6g, outside of the plan's range from %.6g to %.6g",
                  value, *column.minimum, *column.maximum);
    return generator_.place.FailAt(
        "coefficients", "\"" + column.name + "\": " + text,
        "Widen the range in the contract, or choose another intercept, other coefficients or less "
        "noise.");
  }

  const Generator& generator_;
  const Plan& plan_;
  const glm::Design& design_;
  const std::uint64_t seed_;
  std::vector<std::size_t> analysed_;  ///< In the contract: outcome, then features.
};

}  // namespace

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
  const std::vector<std::string> columns = plan.analysis->columns();
  TRY(const glm::Design design, glm::MakeDesign(plan.contract, *plan.contract.Find(columns.front()),
                                                {columns.begin() + 1, columns.end()}));
  const PatientMaker maker(generator, plan, design, seed);
  for (std::size_t site = 0; site < generator.patients.size(); ++site) {
    const std::string name = SiteName(site + 1, generator.patients.size());
    TRY(const DataTable rows, maker.MakeSite(site, name));
    TRY_STATUS(take(name, rows));
  }
  return {};
}

}  // namespace consilium
