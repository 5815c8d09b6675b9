#include <algorithm>

#include <nlohmann/json.hpp>

#include "client/cohort_flow.h"
#include "client/ingestion/table_reader.h"
#include "client/quality_report.h"

namespace consilium {
namespace {

constexpr std::size_t kWidth = 80;

// Breaks `text` at spaces; every line after the first is indented like the text below `indent`.
void AppendWrapped(std::string& out, const std::string& indent, std::string_view text) {
  const std::string hanging(indent.size(), ' ');
  std::string line = indent;
  bool empty = true;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (!empty && line.size() + 1 + word.size() > kWidth) {
      out += line + "\n";
      line = hanging;
      empty = true;
    }
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  out += line + "\n";
}

std::string Right(std::uint64_t number, std::size_t width) {
  const std::string text = std::to_string(number);
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string Left(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

// The file's own name: the folder is in the first line already.
std::string BaseName(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? file : file.substr(slash + 1);
}

std::vector<std::string> PlaceNames(const QualityReport& report, const DataProblem& problem) {
  std::vector<std::string> names;
  for (const std::uint64_t place : problem.lines) {
    names.push_back(report.files[FileOfPlace(place)] + ":" + std::to_string(LineOfPlace(place)));
  }
  return names;
}

// "at Patient.ndjson:2, Observation.ndjson:3 and 4 more".
std::string PlacesInFiles(const QualityReport& report, const DataProblem& problem) {
  std::string places;
  for (const std::string& name : PlaceNames(report, problem)) {
    places += (places.empty() ? "at " : ", ") + name;
  }
  if (problem.count > problem.lines.size()) {
    places += " and " + std::to_string(problem.count - problem.lines.size()) + " more";
  }
  return places;
}

// "at patients.csv:2, :3 and 4 more", "at record 2, 3 and 4 more".
std::string Places(const QualityReport& report, const DataProblem& problem) {
  if (!report.files.empty()) return PlacesInFiles(report, problem);
  const bool lines = report.place_unit == "line";
  const std::string first =
      lines ? "at " + BaseName(report.file) + ":" : "at " + report.place_unit + " ";
  const std::string next = lines ? ", :" : ", ";
  std::string places;
  for (std::size_t i = 0; i < problem.lines.size(); ++i) {
    places += (i == 0 ? first : next) + std::to_string(problem.lines[i]);
  }
  if (problem.count > problem.lines.size()) {
    places += " and " + std::to_string(problem.count - problem.lines.size()) + " more";
  }
  return places;
}

std::string CodeList(const ColumnQuality& column) {
  std::string list;
  for (const auto& [code, count] : column.missing_by_code) {
    if (!list.empty()) list += ", ";
    list += (code.empty() ? "empty " : "\"" + code + "\" ") + std::to_string(count);
  }
  return list;
}

void AppendColumns(std::string& out, const QualityReport& report) {
  std::size_t width = 6;
  for (const ColumnQuality& column : report.columns) width = std::max(width, column.name.size());
  width = std::min<std::size_t>(width, 32);
  out += "  " + Left("column", width) + "    values   missing  problems\n";
  for (const ColumnQuality& column : report.columns) {
    if (column.name.size() > width) {
      out += "  " + column.name + "\n  " + std::string(width, ' ');
    } else {
      out += "  " + Left(column.name, width);
    }
    out += Right(column.values, 10) + Right(column.missing, 10) + Right(column.faulty(), 10) + "\n";
    const bool coded = column.missing_by_code.size() > 1 ||
                       (column.missing > 0 && !column.missing_by_code.contains(""));
    if (coded) AppendWrapped(out, "      missing: ", CodeList(column));
  }
}

void AppendProblem(std::string& out,
                   const std::string& sentence,
                   const std::string& places,
                   std::string_view remedy) {
  AppendWrapped(out, "  - ", sentence);
  if (!places.empty()) AppendWrapped(out, "    ", places);
  if (!remedy.empty()) AppendWrapped(out, "    ", remedy);
}

void AppendProblems(std::string& out, const QualityReport& report) {
  if (!report.HasProblems()) {
    out += "\nNo problems: the data meet the contract.\n";
    return;
  }
  out += "\nProblems (the study cannot run on this source until they are solved)\n";
  if (report.patient_missing.count > 0) {
    AppendProblem(out,
                  std::to_string(report.patient_missing.count) + " x no patient in \"" +
                      report.patient_header + "\"",
                  Places(report, report.patient_missing), Remedy(DataFault::kPatientMissing));
  }
  if (report.patient_repeated.count > 0) {
    AppendProblem(out,
                  std::to_string(report.patient_repeated.count) + " x a row " +
                      std::string(Explanation(DataFault::kPatientRepeated)),
                  Places(report, report.patient_repeated), Remedy(DataFault::kPatientRepeated));
  }
  for (const ColumnQuality& column : report.columns) {
    for (const auto& [fault, problem] : column.problems) {
      std::string sentence = column.name + ": " + std::to_string(problem.count) + " x " +
                             std::string(Explanation(fault));
      if (fault == DataFault::kOutOfRange || fault == DataFault::kUnknownLevel) {
        sentence += " (" + column.contract + ")";
      }
      AppendProblem(out, sentence, Places(report, problem), Remedy(fault));
    }
  }
  for (const std::string& problem : report.other_problems) AppendProblem(out, problem, {}, {});
}

void AppendSuspicions(std::string& out, const QualityReport& report) {
  if (report.suspicions.empty()) return;
  out += "\nWorth a look (the study can run all the same)\n";
  for (const Suspicion& suspicion : report.suspicions) {
    AppendProblem(out, suspicion.column + ": " + suspicion.words, {}, suspicion.remedy);
  }
}

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
  nlohmann::json json = {{"column", column},        {"group", Name(GroupOf(fault))},
                         {"fault", Name(fault)},    {"explanation", Explanation(fault)},
                         {"remedy", Remedy(fault)}, {"count", problem.count}};
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

}  // namespace

std::string RenderText(const QualityReport& report) {
  std::string out = "Data quality of " + report.file + "\n";
  std::string summary =
      std::to_string(report.rows) + " rows of " + std::to_string(report.patients) + " patients";
  if (!report.encoding.empty()) summary += "; encoding " + report.encoding;
  AppendWrapped(out, "  ", summary);
  out += "\n";
  AppendColumns(out, report);
  AppendProblems(out, report);
  AppendSuspicions(out, report);
  const std::vector<std::string> notes = report.Notes();
  if (!notes.empty()) out += "\nNotes\n";
  for (const std::string& note : notes) AppendWrapped(out, "  - ", note);
  if (report.flow) out += "\nCohort flow\n" + FlowChart(*report.flow, kWidth);
  return out;
}

std::string RenderJson(const QualityReport& report) {
  nlohmann::json json = {{"file", report.file},
                         {"place_unit", report.place_unit},
                         {"rows", report.rows},
                         {"blank_rows", report.blank_rows},
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
                                  {"rows", suspicion.rows},
                                  {"words", suspicion.words},
                                  {"remedy", suspicion.remedy}});
  }
  if (report.flow) json["cohort"] = FlowJson(*report.flow);
  constexpr int kIndent = 2;
  return json.dump(kIndent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace consilium
