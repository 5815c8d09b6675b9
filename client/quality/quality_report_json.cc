// RenderJson of client/quality/quality_report.h.

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/quality/quality_report.h"

namespace consilium {
namespace {

std::string_view TypeName(ColumnType type) {
  switch (type) {
    case ColumnType::kNumber:
      return "number";
    case ColumnType::kInteger:
      return "integer";
    case ColumnType::kCategory:
      return "category";
    case ColumnType::kBoolean:
      return "boolean";
    case ColumnType::kDate:
      return "date";
    case ColumnType::kDuration:
      return "duration";
  }
  return "";
}

nlohmann::json ProblemJson(const QualityReport& report,
                           std::string_view column,
                           DataFault fault,
                           const DataProblem& problem) {
  nlohmann::json json = {{"column", column},
                         {"group", Name(GroupOf(fault))},
                         {"fault", Name(fault)},
                         {"explanation", Explanation(fault)},
                         {"remedy", Remedy(fault)},
                         {"count", problem.count},
                         {"patients", problem.patients}};
  if (report.files.empty()) {
    json["lines"] = problem.lines;
  } else {
    json["places"] = PlaceNames(report, problem);
  }
  return json;
}

nlohmann::json ColumnJson(const ColumnQuality& column) {
  nlohmann::json by_group = nlohmann::json::object();
  for (const auto& [fault, problem] : column.problems) {
    const std::string group(Name(GroupOf(fault)));
    by_group[group] = by_group.value(group, std::uint64_t{0}) + problem.count;
  }
  return {{"name", column.name},
          {"header", column.header},
          {"type", TypeName(column.type)},
          {"contract", column.contract},
          {"values", column.values},
          {"missing", column.missing},
          {"missing_by_code", column.missing_by_code},
          {"lacking", column.lacking},
          {"usual_codes", column.usual_codes},
          {"unknown_units", column.unknown_units},
          {"problems", by_group}};
}

nlohmann::json FlowJson(const CohortFlow& flow) {
  nlohmann::json removed = nlohmann::json::array();
  for (const CohortFlow::Step& step : flow.removed) {
    removed.push_back({{"reason", step.reason}, {"rows", step.rows}, {"patients", step.patients}});
  }
  return {{"rows_read", flow.rows_read},
          {"patients_read", flow.patients_read},
          {"removed", removed},
          {"rows_left", flow.rows_left},
          {"patients_left", flow.patients_left}};
}

nlohmann::json ProfileJson(const DataProfile& profile) {
  nlohmann::json json = {{"columns", nlohmann::json::array()},
                         {"missing_patterns", nlohmann::json::array()},
                         {"other_patterns", profile.other_patterns},
                         {"other_pattern_rows", profile.other_pattern_rows}};
  for (const ColumnProfile& column : profile.columns) {
    nlohmann::json one = {{"name", column.name}, {"values", column.values}};
    if (column.parts) {
      one["histogram"] = {{"from", column.parts->from},
                          {"width", column.parts->width},
                          {"counts", column.parts->counts},
                          {"below", column.parts->below},
                          {"above", column.parts->above}};
    }
    for (const LevelCount& level : column.levels) {
      one["levels"].push_back({{"level", level.level}, {"rows", level.rows}});
    }
    json["columns"].push_back(std::move(one));
  }
  for (const MissingPattern& pattern : profile.patterns) {
    nlohmann::json names = nlohmann::json::array();
    for (const std::size_t column : pattern.columns) names.push_back(profile.columns[column].name);
    json["missing_patterns"].push_back(
        {{"columns", names}, {"rows", pattern.rows}, {"patients", pattern.patients}});
  }
  return json;
}

nlohmann::json FederationJson(const QualityReport& report, const FederationView& federation) {
  nlohmann::json json = {{"study", federation.study},
                         {"sites", federation.sites},
                         {"patients", federation.patients},
                         {"columns", nlohmann::json::array()}};
  for (const ComparedColumn& column : federation.columns) {
    nlohmann::json one = {{"name", report.columns[column.column].name},
                          {"missing_here", column.missing_here},
                          {"missing_in_the_federation", column.missing_there}};
    if (column.difference) one["standardised_difference"] = *column.difference;
    json["columns"].push_back(std::move(one));
  }
  return json;
}

nlohmann::json CalendarJson(const QualityReport& report, const CalendarView& calendar) {
  nlohmann::json json = {{"date", calendar.date_column},
                         {"without_date", calendar.without_date},
                         {"outside", calendar.outside},
                         {"periods", nlohmann::json::array()},
                         {"columns", nlohmann::json::array()}};
  for (const CalendarPeriod& period : calendar.periods) {
    json["periods"].push_back(
        {{"name", period.name}, {"rows", period.rows}, {"patients", period.patients}});
  }
  for (const CalendarColumn& column : calendar.columns) {
    nlohmann::json means = nlohmann::json::array();
    for (const auto& mean : column.means) {
      means.push_back(mean ? nlohmann::json(*mean) : nlohmann::json(nullptr));
    }
    json["columns"].push_back({{"name", report.columns[column.column].name},
                               {"missing", column.missing},
                               {"means", means}});
  }
  return json;
}

}  // namespace

std::string RenderJson(const QualityReport& report) {
  nlohmann::json json = {{"file", report.file},
                         {"place_unit", report.place_unit},
                         {"rows", report.rows},
                         {"blank_rows", report.blank_rows},
                         {"rows_drawn", report.rows_drawn},
                         {"patients", report.patients},
                         {"repeated_patients", report.repeated_patients},
                         {"patients_excluded", report.patients_excluded},
                         {"excluded_patients_found", report.excluded_patients_found},
                         {"meets_contract", !report.HasProblems()},
                         {"columns", nlohmann::json::array()},
                         {"problems", nlohmann::json::array()},
                         {"other_problems", report.other_problems},
                         {"notes", report.Notes()}};
  if (report.delimiter) {
    json["delimiter"] = std::string(1, *report.delimiter);
    json["delimiter_detected"] = report.delimiter_detected;
  }
  if (!report.encoding.empty()) json["encoding"] = report.encoding;
  if (report.patient_missing.count > 0) {
    json["problems"].push_back(ProblemJson(report, report.patient_header,
                                           DataFault::kPatientMissing, report.patient_missing));
  }
  if (report.patient_repeated.count > 0) {
    json["problems"].push_back(ProblemJson(report, report.patient_header,
                                           DataFault::kPatientRepeated, report.patient_repeated));
  }
  for (const ColumnQuality& column : report.columns) {
    json["columns"].push_back(ColumnJson(column));
    for (const auto& [fault, problem] : column.problems) {
      json["problems"].push_back(ProblemJson(report, column.name, fault, problem));
    }
  }
  json["suspicions"] = nlohmann::json::array();
  for (const Suspicion& suspicion : report.suspicions) {
    json["suspicions"].push_back({{"column", suspicion.column},
                                  {"kind", suspicion.kind},
                                  {"severity", Name(suspicion.severity)},
                                  {"rows", suspicion.rows},
                                  {"patients", suspicion.patients},
                                  {"words", suspicion.words},
                                  {"remedy", suspicion.remedy}});
  }
  if (report.profile) json["profile"] = ProfileJson(*report.profile);
  if (report.federation) json["federation"] = FederationJson(report, *report.federation);
  if (report.calendar) json["calendar"] = CalendarJson(report, *report.calendar);
  if (report.flow) json["cohort"] = FlowJson(*report.flow);
  constexpr int kIndent = 2;
  return json.dump(kIndent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace consilium
