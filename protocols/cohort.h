#pragma once

// From a site's table of contract columns to the numeric matrix that an analysis sees.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <Eigen/Core>

#include "protocols/contract.h"
#include "protocols/patient_list.h"

namespace consilium {

using Vector = Eigen::VectorXd;
/// Row-major, so that a patient's values lie together.
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A site's source after reading: one vector a contract column, one entry a row. Missing is NaN;
/// categories are level indices, booleans 0 or 1, dates days since 1970.
struct DataTable {
  PatientList patients;                      ///< The patient of each row. Never leaves the process.
  std::vector<std::vector<double>> columns;  ///< In the contract's order.
  std::vector<bool> excluded = {};  ///< Rows that the site leaves out of all cohorts; or empty.
};

/// How many rows and patients each step removed; shown to the reviewer, never sent.
struct CohortFlow {
  struct Step {
    std::string reason;  ///< "not eligible: age at least 18", "oldpeak missing"
    std::uint64_t rows = 0;
    std::uint64_t patients = 0;  ///< Those who lost their last row here.
  };
  std::uint64_t rows_read = 0;
  std::vector<Step> removed;  ///< In the order in which they were applied.
  std::uint64_t rows_left = 0;
  std::uint64_t patients_left = 0;
  std::uint64_t patients_read = 0;
};

/// Beside contract columns a cohort can have this one: PatientNumber of each row's patient.
inline constexpr std::string_view kPatientColumn = "(patient)";
/// Below 2^53, of the identifier's BLAKE2b hash: equal for equal patients, whatever the order of
/// rows.
double PatientNumber(std::string_view patient);

/// A site's eligible, complete rows. Has no encoding and never leaves the site.
struct Cohort {
  std::vector<std::string> columns;  ///< In the order asked for.
  RowMatrix values;                  ///< rows x columns; categories as level indices.
  std::uint64_t patients = 0;        ///< Distinct patients: what disclosure rules count.
  std::string site = {};             ///< The site's name in the roster, where it is known.
};

/// A cohort whose rows lie somewhere else, beside other sites' rows perhaps: what an analysis gets.
/// Whoever makes it keeps names and rows alive. Has no encoding either.
struct CohortView {
  using Values = Eigen::Map<const RowMatrix>;

  /// Not explicit: a site has one cohort of its own and passes it as it is.
  CohortView(const Cohort& cohort)
      : columns(cohort.columns),
        values(cohort.values.data(), cohort.values.rows(), cohort.values.cols()),
        patients(cohort.patients),
        site(cohort.site) {}
  CohortView(std::span<const std::string> names, const Values& rows, std::uint64_t count)
      : columns(names), values(rows), patients(count) {}

  std::span<const std::string> columns;
  Values values;
  std::uint64_t patients = 0;
  std::string_view site = {};
};

struct CohortWithFlow {
  Cohort cohort;
  CohortFlow flow;
  std::vector<std::size_t> rows = {};  ///< Of the table, in the cohort's order.
};

/// For each row of the table whether the contract's eligibility rules let it in, the site's own
/// exclusions aside. kInvalidArgument where the table is not the contract's, or a rule names a
/// column that it has not.
Result<std::vector<bool>> EligibleRows(const Contract& contract, const DataTable& table);

/// Applies the eligibility rules, then keeps the rows that have a value in each of `columns` but
/// for those `with_gaps`. `columns` are the contract's, or kPatientColumn.
Result<CohortWithFlow> BuildCohort(const Contract& contract,
                                   const DataTable& table,
                                   const std::vector<std::string>& columns,
                                   const std::vector<std::string>& with_gaps = {});
/// The same from a table that nobody needs any more: its columns are freed while the cohort fills;
/// its patients stay.
Result<CohortWithFlow> BuildCohort(const Contract& contract,
                                   DataTable&& table,
                                   const std::vector<std::string>& columns,
                                   const std::vector<std::string>& with_gaps = {});

}  // namespace consilium
