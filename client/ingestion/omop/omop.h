#pragma once

// Cohorts out of a database in the OMOP Common Data Model (versions 5.3 and 5.4): the source file
// says by concepts who is in and what is known about each, and this makes one SELECT of it, which
// people can read before anything runs. docs/source-file.md has the keys.

#include <string>

#include "common/result.h"
#include "common/settings.h"

namespace consilium {

/// What differs between databases: how days are counted.
enum class SqlDialect { kSqlite, kPostgresql };

/// The tables [index], [[feature]] and [outcome], and the key `schema`, as one query with a row for
/// each person of the cohort: person_id, index_date, and a column for each feature and the outcome.
Result<std::string> OmopQuery(const Settings& settings, SqlDialect dialect);

}  // namespace consilium
