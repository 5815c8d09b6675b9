// Words that the report's forms share: text, JSON and page.

#include <algorithm>

#include "client/quality/places.h"
#include "client/quality/quality_report.h"
#include "common/names.h"
#include "common/pages/number_text.h"

namespace consilium {
namespace {

// The file's own name: the folder is in the first line already.
std::string BaseName(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? file : file.substr(slash + 1);
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

}  // namespace

std::vector<std::string> PlaceNames(const QualityReport& report, const DataProblem& problem) {
  std::vector<std::string> names;
  for (const std::uint64_t place : problem.lines) {
    names.push_back(report.files[FileOfPlace(place)] + ":" + std::to_string(LineOfPlace(place)));
  }
  return names;
}

std::string PlacesInWords(const QualityReport& report, const DataProblem& problem) {
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

std::string UsualCodesInWords(const ColumnQuality& column) {
  std::string rows;
  std::string codes;
  for (const auto& [code, count] : column.usual_codes) {
    rows += (rows.empty() ? "" : ", ") + std::to_string(count) + " hold \"" + code + "\"";
    codes += (codes.empty() ? "\"" : ", \"") + code + "\"";
  }
  if (rows.empty()) return {};
  return "Of these rows " + rows +
         ", which often stands for \"not known\". If so, say in the "
         "source file, in the [[column]] of " +
         column.name + ": missing = [" + codes + "].";
}

std::string UnknownUnitsInWords(const ColumnQuality& column) {
  const auto found = column.problems.find(DataFault::kUnknownUnit);
  if (found == column.problems.end()) return {};
  std::uint64_t others = found->second.count;
  std::vector<std::string> words;
  for (const auto& [unit, rows] : column.unknown_units) {
    others -= std::min(others, rows);
    words.push_back(std::to_string(rows) + " name " +
                    (unit.empty() ? "no unit" : "\"" + unit + "\""));
  }
  if (others > 0) words.push_back(std::to_string(others) + " name something else");
  constexpr std::size_t kMostNamed = 22;
  return "Of these rows " + JoinNames(words, kMostNamed) + ".";
}

std::string FederationInWords(const FederationView& federation) {
  return federation.study + ", \"" + federation.title + "\", " + std::to_string(federation.sites) +
         " sites with " + std::to_string(federation.patients) + " patients";
}

std::string PartsInWords(const ValueParts& parts, const std::string& unit) {
  const double end = parts.end(parts.counts.size() - 1);
  return NumberText(parts.from, "%.6g") + " to " + NumberText(end, "%.6g") +
         (unit.empty() ? "" : " " + unit);
}

}  // namespace consilium
