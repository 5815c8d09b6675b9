#include <algorithm>

#include "client/quality/cohort_flow.h"
#include "client/quality/quality_report.h"
#include "common/names.h"
#include "common/pages/number_text.h"
#include "common/terminal.h"

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

std::string Padded(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string Right(std::uint64_t number, std::size_t width) {
  return Padded(std::to_string(number), width);
}

std::string Left(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string PatientsInWords(std::uint64_t patients) {
  return std::to_string(patients) + (patients == 1 ? " patient" : " patients");
}

// "49 rows of 49 patients"; nothing where a finding is about no row.
std::string ConcernedInWords(const Suspicion& suspicion) {
  if (suspicion.rows == 0) return {};
  const std::string rows =
      std::to_string(suspicion.rows) + (suspicion.rows == 1 ? " row" : " rows");
  // Not every finding says whose rows they are.
  return suspicion.patients == 0 ? rows : rows + " of " + PatientsInWords(suspicion.patients);
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
                  PlacesInWords(report, report.patient_missing),
                  Remedy(DataFault::kPatientMissing));
  }
  if (report.patient_repeated.count > 0) {
    AppendProblem(out,
                  std::to_string(report.patient_repeated.count) + " x a row " +
                      std::string(Explanation(DataFault::kPatientRepeated)) + ", of " +
                      PatientsInWords(report.patient_repeated.patients),
                  PlacesInWords(report, report.patient_repeated),
                  Remedy(DataFault::kPatientRepeated));
  }
  for (const ColumnQuality& column : report.columns) {
    for (const auto& [fault, problem] : column.problems) {
      std::string sentence = column.name + ": " + std::to_string(problem.count) + " x " +
                             std::string(Explanation(fault));
      if (fault == DataFault::kOutOfRange || fault == DataFault::kUnknownLevel) {
        sentence += " (" + column.contract + ")";
      }
      if (problem.patients > 0) sentence += ", of " + PatientsInWords(problem.patients);
      AppendProblem(out, sentence, PlacesInWords(report, problem), Remedy(fault));
    }
    for (const std::string& more : {UnknownUnitsInWords(column), UsualCodesInWords(column)}) {
      if (!more.empty()) AppendWrapped(out, "    ", more);
    }
  }
  for (const std::string& problem : report.other_problems) AppendProblem(out, problem, {}, {});
}

void AppendSuspicions(std::string& out, const QualityReport& report) {
  bool any = false;
  for (const Suspicion& suspicion : report.suspicions) {
    if (suspicion.severity != Severity::kLook) continue;
    if (!any) out += "\nWorth a look (the study can run all the same)\n";
    any = true;
    AppendProblem(out, suspicion.Sentence(), ConcernedInWords(suspicion), suspicion.remedy);
  }
}

void AppendNotes(std::string& out, const QualityReport& report) {
  const std::vector<std::string> notes = report.Notes();
  bool any = !notes.empty();
  for (const Suspicion& suspicion : report.suspicions) {
    any = any || suspicion.severity == Severity::kNote;
  }
  if (any) out += "\nNotes\n";
  for (const std::string& note : notes) AppendWrapped(out, "  - ", note);
  for (const Suspicion& suspicion : report.suspicions) {
    if (suspicion.severity != Severity::kNote) continue;
    AppendProblem(out, suspicion.Sentence(), ConcernedInWords(suspicion), suspicion.remedy);
  }
}

// One character a part: the more values, the darker. A part with any value has a dot at least.
std::string Darkness(const ValueParts& parts) {
  constexpr std::string_view kMarks = ".:-=+*#";
  const std::uint64_t most = *std::max_element(parts.counts.begin(), parts.counts.end());
  std::string marks;
  for (const std::uint64_t count : parts.counts) {
    if (count == 0) {
      marks += ' ';
      continue;
    }
    const double share = static_cast<double>(count) / static_cast<double>(most);
    const auto place = static_cast<std::size_t>(share * static_cast<double>(kMarks.size()));
    marks += kMarks[std::min(place, kMarks.size() - 1)];
  }
  return marks;
}

std::string LevelCounts(const ColumnProfile& column) {
  constexpr std::size_t kMostShown = 12;
  std::vector<std::string> words;
  for (const LevelCount& level : column.levels) {
    words.push_back(level.level + ": " + std::to_string(level.rows));
  }
  return JoinNames(words, kMostShown);
}

void AppendDistributions(std::string& out, const DataProfile& profile) {
  std::size_t width = 6;
  bool any = false;
  for (const ColumnProfile& column : profile.columns) {
    any = any || column.parts || (!column.levels.empty() && column.values > 0);
    width = std::max(width, std::min<std::size_t>(column.name.size(), 20));
  }
  if (!any) return;
  out += "\nDistributions (rows in parts of a range, from \".\", few, to \"#\", most)\n";
  for (const ColumnProfile& column : profile.columns) {
    std::string text;
    if (column.parts) {
      text = "|" + Darkness(*column.parts) + "| " + PartsInWords(*column.parts, column.unit);
      if (column.parts->below > 0) text += ", " + std::to_string(column.parts->below) + " below";
      if (column.parts->above > 0) text += ", " + std::to_string(column.parts->above) + " above";
    } else if (column.values > 0 && !column.levels.empty()) {
      text = LevelCounts(column);
    }
    if (text.empty()) continue;
    const bool fits = 2 + width + 2 + ColumnsOf(text) <= kWidth;
    if (column.name.size() > width) out += "  " + column.name + "\n";
    const std::string name = column.name.size() > width ? "" : column.name;
    if (fits) {
      out += "  " + Left(name, width) + "  " + text + "\n";
    } else {
      AppendWrapped(out, "  " + Left(name, width) + "  ", text);
    }
  }
}

void AppendPatterns(std::string& out, const DataProfile& profile) {
  const bool any = std::any_of(profile.patterns.begin(), profile.patterns.end(),
                               [](const MissingPattern& p) { return !p.columns.empty(); });
  if (!any) return;
  constexpr std::size_t kMostNamed = 12;
  out += "\nMissing together\n      rows  patients  columns without a usable value\n";
  for (const MissingPattern& pattern : profile.patterns) {
    std::vector<std::string> names;
    for (const std::size_t column : pattern.columns) names.push_back(profile.columns[column].name);
    AppendWrapped(out, Right(pattern.rows, 10) + Right(pattern.patients, 10) + "  ",
                  names.empty() ? "none: complete" : JoinNames(names, kMostNamed));
  }
  if (profile.other_pattern_rows > 0) {
    AppendWrapped(out, Right(profile.other_pattern_rows, 10) + "            ",
                  "in other combinations");
  }
}

void AppendFederation(std::string& out, const QualityReport& report) {
  const FederationView& federation = *report.federation;
  out += "\nBeside the federation\n";
  AppendWrapped(out, "  ", "Study " + FederationInWords(federation) + ", yours among them.");
  std::size_t width = 6;
  for (const ComparedColumn& column : federation.columns) {
    width = std::max(width, std::min<std::size_t>(report.columns[column.column].name.size(), 32));
  }
  out += "  " + Left("column", width) + "  missing here  there  means apart (sd)\n";
  for (const ComparedColumn& column : federation.columns) {
    const std::string& name = report.columns[column.column].name;
    if (name.size() > width) out += "  " + name + "\n";
    const std::string difference =
        column.difference ? NumberText(*column.difference, "%+.2f") : std::string("-");
    out += "  " + Left(name.size() > width ? std::string() : name, width) +
           Padded(PercentText(column.missing_here), 14) +
           Padded(PercentText(column.missing_there), 7) + Padded(difference, 18) + "\n";
  }
}

void AppendCalendar(std::string& out, const CalendarView& calendar) {
  out += "\nRows over time, by " + calendar.date_column + "\n";
  std::vector<std::string> words;
  for (const CalendarPeriod& period : calendar.periods) {
    words.push_back(period.name + " " + std::to_string(period.rows));
  }
  AppendWrapped(out, "  ", JoinNames(words, calendar.periods.size()));
  if (calendar.without_date > 0) {
    AppendWrapped(out, "  ", std::to_string(calendar.without_date) + " rows have no date.");
  }
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
  AppendNotes(out, report);
  if (report.profile) {
    AppendPatterns(out, *report.profile);
    AppendDistributions(out, *report.profile);
  }
  if (report.federation) AppendFederation(out, report);
  if (report.calendar) AppendCalendar(out, *report.calendar);
  if (report.flow) out += "\nCohort flow\n" + FlowChart(*report.flow, kWidth);
  return out;
}

}  // namespace consilium
