#pragma once

// Cohorts out of a database in the OMOP Common Data Model (versions 5.3 and 5.4): the source file
// says by concepts who is in and what is known about each, and this makes SELECTs of it, which
// people can read before anything runs. docs/source-file.md has the keys.

#include <string>
#include <vector>

#include "client/ingestion/row_groups.h"
#include "common/result.h"
#include "common/settings.h"

namespace consilium {

/// What differs between databases: how days are counted.
enum class SqlDialect { kSqlite, kPostgresql };

/// The measurements that become a feature, each in the unit that its row names: a query with a row
/// for each, with person_id, day, value and what is known of its unit, in the order in which they
/// were recorded.
struct OmopMeasurements {
  RowGroup rows;  ///< Without a source, which is the query's.
  std::string query;
};

struct OmopQueries {
  /// A row for each person of the cohort: person_id, index_date, and a column for each feature and
  /// the outcome.
  std::string cohort;
  std::vector<OmopMeasurements> measurements;  ///< Of features with a unit to convert to.
};

/// The tables [index], [[feature]] and [outcome], and the key `schema`, as queries.
Result<OmopQueries> MakeOmopQueries(const Settings& settings, SqlDialect dialect);

}  // namespace consilium
