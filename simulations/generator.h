#pragma once

// Virtual hospitals whose patients are drawn from a model with known coefficients, so that an
// estimate can be held against the truth. Columns, ranges and the kind of outcome are the plan's.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/source.h"
#include "common/random.h"
#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/plan.h"

namespace consilium {

/// How one column of the contract is drawn at a hospital without shift.
struct GeneratedColumn {
  double mean = 0;  ///< Numbers: normal, drawn again until the contract's range is met.
  double deviation = 1;
  std::vector<double> shares;  ///< Booleans (no, yes) and categories.
  double missing = 0;          ///< Share of values that are left out, completely at random.
};

/// Coefficients in the order of the result: the intercept first, where it has one.
struct Truth {
  std::vector<std::string> names;
  std::vector<double> values;

  /// Nothing for what is no coefficient.
  std::optional<double> Of(std::string_view name) const;
};

enum class OutcomeModel { kLogistic, kLinear, kPoisson, kSurvival };

/// What times to an event have beside coefficients. A patient with linear predictor eta at a
/// hospital with intercept a and shape k is without the event at time t with probability
/// exp(-exp(a + eta) t^k) (Weibull), so hazards of one hospital are proportional.
struct SurvivalModel {
  double intercept = 0;         ///< The mean over hospitals; no coefficient of a result.
  double intercept_spread = 0;  ///< Standard deviation between hospitals.
  double shape = 1;
  double shape_spread = 0;  ///< Standard deviation of its logarithm between hospitals.
  double follow_up = 0;     ///< Everybody without the event by then is censored then.
  double drop_out = 0;      ///< Hazard of being censored earlier.
};

/// The plan's outcomes and the terms of its features.
Result<glm::Design> DesignOf(const Plan& plan);

struct Generator {
  OutcomeModel outcome_model = OutcomeModel::kLogistic;
  std::vector<std::size_t> patients;     ///< One entry a hospital.
  std::vector<GeneratedColumn> columns;  ///< In the contract's order.
  Truth truth;                           ///< The mean over hospitals.
  std::vector<double> spread;  ///< Standard deviation of each coefficient between hospitals.
  double noise = 1;            ///< Linear outcomes: standard deviation about the model.
  SurvivalModel survival;      ///< Times to an event.
  double shift =
      0;           ///< How far hospitals' columns lie apart, in standard deviations (or log odds).
  Settings place;  ///< The table, for what turns out to be impossible.
};

/// The [generator] table, for this plan's contract and analysis.
Result<Generator> ParseGenerator(const Settings& table, const Plan& plan);

/// The same seed gives the same patients on every machine. Hospitals are the table's groups.
/// kInvalidArgument at the table's place when an outcome would break the contract's range.
Result<LoadedTable> Generate(const Generator& generator, const Plan& plan, std::uint64_t seed);

/// The same patients, one hospital at a time.
class PatientMaker {
 public:
  /// Both outlive it.
  static Result<PatientMaker> Of(const Generator& generator, const Plan& plan, std::uint64_t seed);

  std::size_t sites() const { return generator_->patients.size(); }
  std::string NameOf(std::size_t site) const;
  /// The rows of the site with this index; may be called by several threads at once.
  Result<DataTable> Make(std::size_t site) const;

 private:
  PatientMaker(const Generator& generator,
               const Plan& plan,
               glm::Design design,
               std::uint64_t seed);

  struct SiteModel;
  struct Streams;
  SiteModel DrawModel(RandomSource& between) const;
  Status AddPatient(const std::vector<GeneratedColumn>& columns,
                    const SiteModel& model,
                    Streams& streams,
                    std::vector<double>& row,
                    DataTable& rows) const;
  double Predictor(const std::vector<double>& row, const SiteModel& model) const;
  Status DrawOutcomes(const SiteModel& model, RandomSource& random, std::vector<double>& row) const;
  Status DrawTime(
      double eta, double shape, RandomSource& random, double& event, double& time) const;
  Result<double> DrawOutcome(double eta, RandomSource& random) const;
  tl::unexpected<Error> OutOfRange(std::string_view key,
                                   const ContractColumn& column,
                                   double value,
                                   std::string remedy) const;

  const Generator* generator_;
  const Plan* plan_;
  glm::Design design_;
  std::uint64_t seed_;
  std::vector<std::size_t> outcomes_;  ///< In the contract.
  std::vector<std::size_t> features_;  ///< Places in the contract, by the design's indices.
  std::vector<bool> is_outcome_;       ///< One a column of the contract.
};

}  // namespace consilium
