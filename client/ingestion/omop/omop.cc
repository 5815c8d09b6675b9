#include "client/ingestion/omop/omop.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "common/time.h"
#include "protocols/units/conversion.h"

namespace consilium {
namespace {

/// A table of events: one row each, of a person, on a day, of a concept.
struct EventTable {
  std::string_view kind;  ///< As the source file calls it.
  std::string_view table;
  std::string_view concept_column;
  std::string_view day_column;
};

constexpr std::array kEventTables = {
    EventTable{"condition", "condition_occurrence", "condition_concept_id", "condition_start_date"},
    EventTable{"drug", "drug_exposure", "drug_concept_id", "drug_exposure_start_date"},
    EventTable{"procedure", "procedure_occurrence", "procedure_concept_id", "procedure_date"},
    EventTable{"visit", "visit_occurrence", "visit_concept_id", "visit_start_date"},
};

const EventTable* FindEventTable(std::string_view kind) {
  for (const EventTable& table : kEventTables) {
    if (table.kind == kind) return &table;
  }
  return nullptr;
}

std::vector<std::string> EventKindsAnd(std::vector<std::string> others) {
  std::vector<std::string> kinds;
  for (const EventTable& table : kEventTables) kinds.emplace_back(table.kind);
  kinds.insert(kinds.end(), others.begin(), others.end());
  return kinds;
}

/// Days from the index date, both ends included; without a first day, ever before.
struct Window {
  std::optional<std::int64_t> first;
  std::int64_t last = 0;
};

constexpr double kMostDays = 73'000;

Result<Window> ParseWindow(const Settings& settings, Window otherwise) {
  if (!settings.Has("window")) return otherwise;
  TRY(const std::vector<double> days, settings.Numbers("window"));
  const bool whole = std::all_of(days.begin(), days.end(), [](double day) {
    return day == std::nearbyint(day) && std::abs(day) <= kMostDays;
  });
  if (days.size() != 2 || !whole || days[0] > days[1]) {
    return settings.FailAt("window",
                           "window must be two whole numbers of days, the first one first",
                           "[-365, 0] is the year before the index date and that day itself; "
                           "[1, 30] the thirty days after it.");
  }
  return Window{static_cast<std::int64_t>(days[0]), static_cast<std::int64_t>(days[1])};
}

Result<std::string> ParseName(const Settings& settings) {
  TRY(const std::string name, settings.Text("name"));
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (!plain || name.empty() || name.size() > 60) {
    return settings.FailAt("name",
                           "a column of the query is named by 1 to 60 letters, digits and _",
                           "A [[column]] with `from` gives it the contract's name.");
  }
  if (name == "person_id" || name == "index_date") {
    return settings.FailAt("name", "the query has a column " + name + " already");
  }
  return name;
}

/// Makes the query's text. Everything in it is a number, a name that was checked, or written here.
class OmopSql {
 public:
  OmopSql(std::string schema, SqlDialect dialect) : schema_(std::move(schema)), dialect_(dialect) {}

  std::string Table(std::string_view name) const {
    return (schema_.empty() ? "" : schema_ + ".") + std::string(name);
  }
  /// A column that holds a day, which SQLite keeps as a text, with a time perhaps.
  std::string Day(const std::string& column) const {
    return dialect_ == SqlDialect::kSqlite ? "date(" + column + ")" : column;
  }
  std::string Literal(const Date& day) const {
    return (dialect_ == SqlDialect::kSqlite ? "'" : "DATE '") + ToText(day) + "'";
  }
  std::string DaysAfter(const std::string& day, std::int64_t days) const {
    if (days == 0) return day;
    const std::string sign = days < 0 ? "-" : "+";
    const std::string count = std::to_string(std::abs(days));
    if (dialect_ == SqlDialect::kSqlite) return "date(" + day + ", '" + sign + count + " days')";
    return "(" + day + " " + sign + " " + count + ")";
  }
  std::string Within(const std::string& day, const Window& window) const {
    std::string condition = day + " <= " + DaysAfter("i.index_date", window.last);
    if (window.first) {
      condition = day + " >= " + DaysAfter("i.index_date", *window.first) + " AND " + condition;
    }
    return condition;
  }
  std::string Year(const std::string& day) const {
    return dialect_ == SqlDialect::kSqlite ? "CAST(strftime('%Y', " + day + ") AS INTEGER)"
                                           : "CAST(to_char(" + day + ", 'YYYY') AS INTEGER)";
  }
  std::string MonthAndDay(const std::string& day) const {
    return dialect_ == SqlDialect::kSqlite ? "CAST(strftime('%m%d', " + day + ") AS INTEGER)"
                                           : "CAST(to_char(" + day + ", 'MMDD') AS INTEGER)";
  }

  /// "column IN (...)" for the concepts under `concepts`, with all below them if `descendants`.
  Result<std::string> OfConcepts(const Settings& settings, const std::string& column) const {
    TRY(const std::vector<double> concepts, settings.Numbers("concepts"));
    TRY(const bool descendants, settings.BooleanOr("descendants", false));
    std::string list;
    for (const double number : concepts) {
      if (number != std::nearbyint(number) || number < 0 || number > 4e9) {
        return settings.FailAt("concepts", "concepts are whole numbers, as in the table concept");
      }
      list += (list.empty() ? "" : ", ") + std::to_string(static_cast<std::int64_t>(number));
    }
    if (list.empty()) return settings.FailAt("concepts", "the list is empty");
    if (!descendants) return column + " IN (" + list + ")";
    return column + " IN (SELECT a.descendant_concept_id FROM " + Table("concept_ancestor") +
           " a WHERE a.ancestor_concept_id IN (" + list + "))";
  }

  /// Whether the person has such an event in the window.
  Result<std::string> HasEvent(const Settings& settings,
                               const std::string& kind,
                               const Window& window) const {
    if (kind == "death") {
      return "EXISTS (SELECT 1 FROM " + Table("death") + " e WHERE e.person_id = i.person_id AND " +
             Within(Day("e.death_date"), window) + ")";
    }
    const EventTable& table = *FindEventTable(kind);
    TRY(const std::string concepts, OfConcepts(settings, "e." + std::string(table.concept_column)));
    return "EXISTS (SELECT 1 FROM " + Table(table.table) +
           " e WHERE e.person_id = i.person_id AND " + concepts + " AND " +
           Within(Day("e." + std::string(table.day_column)), window) + ")";
  }

  /// In completed years; a birthday that is not known is the first of what is.
  std::string Age() const {
    return Year("i.index_date") + " - p.year_of_birth - CASE WHEN " + MonthAndDay("i.index_date") +
           " < 100 * COALESCE(p.month_of_birth, 1) + COALESCE(p.day_of_birth, 1) THEN 1 ELSE 0 END";
  }

 private:
  std::string schema_;
  SqlDialect dialect_;
};

Result<std::string> IndexQuery(const Settings& index, const OmopSql& sql) {
  TRY(const std::string event, index.Choice("event", EventKindsAnd({"person"})));
  if (event == "person") {
    TRY(const Date day, index.Day("date"));
    return "SELECT person_id, " + sql.Literal(day) + " AS index_date FROM " + sql.Table("person");
  }
  const EventTable& table = *FindEventTable(event);
  TRY(const std::string concepts, sql.OfConcepts(index, std::string(table.concept_column)));
  return "SELECT person_id, MIN(" + sql.Day(std::string(table.day_column)) +
         ") AS index_date\n  FROM " + sql.Table(table.table) + " WHERE " + concepts +
         "\n  GROUP BY person_id";
}

/// An observation period that holds the days from `before` days before the index date to `after`
/// days after it.
std::string Observed(const OmopSql& sql, std::int64_t before, std::int64_t after) {
  return "EXISTS (SELECT 1 FROM " + sql.Table("observation_period") +
         " o WHERE o.person_id = i.person_id AND " + sql.Day("o.observation_period_start_date") +
         " <= " + sql.DaysAfter("i.index_date", -before) + " AND " +
         sql.Day("o.observation_period_end_date") + " >= " + sql.DaysAfter("i.index_date", after) +
         ")";
}

Result<std::string> SexColumn(const Settings& feature) {
  TRY(const std::optional<Settings> levels, feature.TableIfAny("levels"));
  std::string cases;
  if (!levels) {
    cases = " WHEN 8507 THEN 'male' WHEN 8532 THEN 'female'";
  } else {
    for (const std::string& level : levels->Keys()) {
      TRY(const std::int64_t number, levels->Integer(level));
      if (level.find('\'') != std::string::npos) {
        return levels->FailAt(level, "a level cannot have an apostrophe here");
      }
      cases += " WHEN " + std::to_string(number) + " THEN '" + level + "'";
    }
    if (cases.empty()) return feature.FailAt("levels", "the table is empty");
  }
  return "CASE p.gender_concept_id" + cases + " END";
}

constexpr std::array kMeasurementUses = {TakeUse::kLast, TakeUse::kFirst, TakeUse::kMean,
                                         TakeUse::kMin, TakeUse::kMax};

/// The key `value`.
Result<TakeUse> ParseMeasurementUse(const Settings& feature) {
  std::vector<std::string> names;
  for (const TakeUse use : kMeasurementUses) names.emplace_back(Name(use));
  TRY(const std::string which, feature.ChoiceOr("value", names, names[0]));
  const auto* const found = std::find_if(kMeasurementUses.begin(), kMeasurementUses.end(),
                                         [&](TakeUse use) { return Name(use) == which; });
  return *found;
}

/// The measurements with a number that a feature is about, joined to a row i of the cohort.
Result<std::string> MeasurementsOf(const Settings& feature, const OmopSql& sql) {
  TRY(const Window window, ParseWindow(feature, {}));
  TRY(const std::string concepts, sql.OfConcepts(feature, "m.measurement_concept_id"));
  return "m.person_id = i.person_id AND " + concepts + " AND m.value_as_number IS NOT NULL AND " +
         sql.Within(sql.Day("m.measurement_date"), window);
}

/// Whatever unit they are in, or those with one unit concept only.
Result<std::string> MeasurementColumn(const Settings& feature, const OmopSql& sql) {
  TRY(const TakeUse use, ParseMeasurementUse(feature));
  TRY(const std::string wanted, MeasurementsOf(feature, sql));
  std::string rows = " FROM " + sql.Table("measurement") + " m WHERE " + wanted;
  if (feature.Has("unit")) {
    TRY(const std::int64_t unit, feature.Integer("unit"));
    rows += " AND m.unit_concept_id = " + std::to_string(unit);
  }
  if (use == TakeUse::kMean) return "(SELECT AVG(m.value_as_number)" + rows + ")";
  if (use == TakeUse::kMin) return "(SELECT MIN(m.value_as_number)" + rows + ")";
  if (use == TakeUse::kMax) return "(SELECT MAX(m.value_as_number)" + rows + ")";
  // Of several on one day the one that was recorded last, or first.
  const std::string order = use == TakeUse::kLast ? " DESC" : "";
  return "(SELECT m.value_as_number" + rows + " ORDER BY " + sql.Day("m.measurement_date") + order +
         ", m.measurement_id" + order + " LIMIT 1)";
}

/// A unit to convert to is a text; a number is the concept of the unit that measurements must have.
bool IsConverted(const Settings& feature) { return feature.Text("unit").has_value(); }

Result<SourceUnit> ParseMeasurementUnit(const Settings& feature) {
  SourceUnit unit;
  TRY(unit.unit, feature.Text("unit"));
  TRY(unit.analyte, feature.TextOr("analyte", ""));
  TRY(unit.unit_map, ParseUnitMap(feature));
  // The vocabulary's code is UCUM; a concept of no such code can be named in `unit_map`.
  unit.unit_from = {"unit_code", "unit_source_value", "unit_concept"};
  if (const Status fits = CheckMeasure({unit.unit, unit.analyte}); !fits) {
    return feature.FailAt("unit", fits.error());
  }
  if (const auto units = UnitConverter::OfTaken(unit); !units) {
    return feature.FailAt("unit_map", units.error());
  }
  return unit;
}

Result<OmopMeasurements> ConvertedMeasurements(const Settings& feature,
                                               const OmopSql& sql,
                                               const std::string& index_query) {
  OmopMeasurements measurements;
  RowTake take;
  TRY(take.name, ParseName(feature));
  TRY(take.use, ParseMeasurementUse(feature));
  TRY(take.unit, ParseMeasurementUnit(feature));
  take.from = "value";
  TRY(const std::string kind, feature.Choice("kind", EventKindsAnd({"measurement", "age", "sex"})));
  if (kind != "measurement") {
    return feature.FailAt("unit", "only a measurement has a unit", "Leave it out.");
  }
  TRY(const std::string wanted, MeasurementsOf(feature, sql));
  measurements.rows.patient = measurements.rows.same_as = "person_id";
  measurements.rows.date = "day";
  measurements.rows.takes.push_back(std::move(take));
  measurements.query =
      "WITH index_events AS (\n  " + index_query + "\n)\nSELECT i.person_id AS person_id,\n  " +
      sql.Day("m.measurement_date") + " AS day,\n  m.value_as_number AS value,\n" +
      "  CASE WHEN u.vocabulary_id = 'UCUM' THEN u.concept_code END AS unit_code,\n" +
      "  m.unit_source_value AS unit_source_value,\n" +
      "  CASE WHEN m.unit_concept_id > 0 THEN 'concept ' || m.unit_concept_id END" +
      " AS unit_concept\nFROM index_events i JOIN " + sql.Table("measurement") + " m ON " + wanted +
      "\n  LEFT JOIN " + sql.Table("concept") + " u ON u.concept_id = m.unit_concept_id\n" +
      "ORDER BY i.person_id, m.measurement_id\n";
  return measurements;
}

Result<std::string> FeatureColumn(const Settings& feature, const OmopSql& sql) {
  TRY(const std::string kind, feature.Choice("kind", EventKindsAnd({"measurement", "age", "sex"})));
  if (kind == "age") return sql.Age();
  if (kind == "sex") return SexColumn(feature);
  if (kind == "measurement") return MeasurementColumn(feature, sql);
  TRY(const Window window, ParseWindow(feature, {}));
  TRY(const std::string has, sql.HasEvent(feature, kind, window));
  return "CASE WHEN " + has + " THEN 'true' ELSE 'false' END";
}

/// Somebody without the event who was not observed to the window's end has no known outcome.
Result<std::string> OutcomeColumn(const Settings& outcome, const OmopSql& sql) {
  TRY(const std::string kind, outcome.Choice("kind", EventKindsAnd({"death"})));
  if (!outcome.Has("window")) {
    return outcome.FailHere("[outcome] needs a window",
                            "window = [1, 365] is the year after the index date.");
  }
  TRY(const Window window, ParseWindow(outcome, {}));
  if (*window.first < 0) {
    return outcome.FailAt("window", "an outcome's window begins before the index date",
                          "What was before the index date is a feature.");
  }
  TRY(const std::string has, sql.HasEvent(outcome, kind, window));
  TRY(const std::string without,
      outcome.ChoiceOr("not_observed", {"missing", "no_event"}, "missing"));
  if (without == "no_event") return "CASE WHEN " + has + " THEN 'true' ELSE 'false' END";
  return "CASE WHEN " + has + " THEN 'true'\n    WHEN " + Observed(sql, 0, window.last) +
         " THEN 'false' END";
}

Result<std::string> ParseSchema(const Settings& settings) {
  TRY(const std::string schema, settings.TextOr("schema", ""));
  const bool plain = std::all_of(schema.begin(), schema.end(), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  });
  if (plain) return schema;
  return settings.FailAt("schema", "a schema's name is small letters, digits and _ here",
                         "Make a schema of such a name with views of the tables.");
}

}  // namespace

Result<OmopQueries> MakeOmopQueries(const Settings& settings, SqlDialect dialect) {
  TRY(std::string schema, ParseSchema(settings));
  const OmopSql sql(std::move(schema), dialect);
  TRY(const Settings index, settings.Table("index"));
  TRY(const std::string index_query, IndexQuery(index, sql));
  TRY(const std::int64_t before,
      index.IntegerBetween("observed_before", 0, static_cast<std::int64_t>(kMostDays), 0));
  TRY_STATUS(index.RequireNoOtherKeys());

  OmopQueries queries;
  std::string columns;
  std::set<std::string> names;
  const auto add = [&](const Settings& table, Result<std::string> column) -> Status {
    TRY(const std::string text, std::move(column));
    TRY(const std::string name, ParseName(table));
    if (!names.insert(name).second) {
      return table.FailAt("name", "two columns are called " + name);
    }
    if (!text.empty()) columns += ",\n  " + text + " AS \"" + name + "\"";
    return table.RequireNoOtherKeys();
  };
  TRY(const std::vector<Settings> features, settings.TablesIfAny("feature"));
  for (const Settings& feature : features) {
    if (!IsConverted(feature)) {
      TRY_STATUS(add(feature, FeatureColumn(feature, sql)));
      continue;
    }
    TRY(OmopMeasurements measurements, ConvertedMeasurements(feature, sql, index_query));
    TRY_STATUS(add(feature, std::string()));
    queries.measurements.push_back(std::move(measurements));
  }
  TRY(const std::optional<Settings> outcome, settings.TableIfAny("outcome"));
  if (outcome) TRY_STATUS(add(*outcome, OutcomeColumn(*outcome, sql)));

  queries.cohort = "WITH index_events AS (\n  " + index_query + "\n)\nSELECT i.person_id AS " +
                   "person_id,\n  i.index_date AS index_date" + columns +
                   "\nFROM index_events i JOIN " + sql.Table("person") +
                   " p ON p.person_id = i.person_id\n";
  if (index.Has("observed_before")) queries.cohort += "WHERE " + Observed(sql, before, 0) + "\n";
  queries.cohort += "ORDER BY i.person_id\n";
  return queries;
}

}  // namespace consilium
