#include "client/quality/quality_page.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "client/quality/quality_plots.h"
#include "common/names.h"
#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_plot.h"

namespace consilium {
namespace {

constexpr std::string_view kTitle = "Data quality: ";

std::string Counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

// -- Findings ----------------------------------------------------------------------------------

struct Card {
  std::string_view style;  ///< "must", "look", "note"
  std::string column;
  std::string words;
  std::string concerned;  ///< Rows, patients and places.
  std::string remedy;
};

std::string_view BadgeOf(std::string_view style) {
  return style == "must" ? "must be solved" : style == "look" ? "worth a look" : "note";
}

std::string Html(const Card& card) {
  std::string html = "<article class=\"finding " + std::string(card.style) +
                     "\"><p><span class=" + "\"badge\">" + std::string(BadgeOf(card.style)) +
                     "</span>";
  if (!card.column.empty()) html += "<b>" + Escaped(card.column) + "</b>: ";
  html += Escaped(card.words) + "</p>\n";
  if (!card.concerned.empty()) html += Paragraph(card.concerned, "muted");
  if (!card.remedy.empty()) html += Paragraph(card.remedy);
  return html + "</article>\n";
}

std::string Concerned(std::uint64_t rows, std::uint64_t patients) {
  if (rows == 0) return {};
  const std::string words = Counted(rows, "row", "rows");
  // Not every finding says whose rows they are.
  return patients == 0 ? words : words + " of " + Counted(patients, "patient", "patients");
}

Card CardOf(const QualityReport& report,
            const ColumnQuality& column,
            DataFault fault,
            const DataProblem& problem) {
  Card card{"must", column.name, std::string(Explanation(fault)), {}, std::string(Remedy(fault))};
  if (fault == DataFault::kOutOfRange || fault == DataFault::kUnknownLevel) {
    card.words += " (" + column.contract + ")";
  }
  card.concerned =
      Concerned(problem.count, problem.patients) + ", " + PlacesInWords(report, problem);
  return card;
}

std::vector<Card> ProblemCards(const QualityReport& report) {
  std::vector<Card> cards;
  if (report.patient_missing.count > 0) {
    cards.push_back({"must", report.patient_header, "no patient in this field",
                     Counted(report.patient_missing.count, "row", "rows") + ", " +
                         PlacesInWords(report, report.patient_missing),
                     std::string(Remedy(DataFault::kPatientMissing))});
  }
  if (report.patient_repeated.count > 0) {
    cards.push_back({"must", report.patient_header,
                     std::string(Explanation(DataFault::kPatientRepeated)),
                     Concerned(report.patient_repeated.count, report.patient_repeated.patients) +
                         ", " + PlacesInWords(report, report.patient_repeated),
                     std::string(Remedy(DataFault::kPatientRepeated))});
  }
  for (const ColumnQuality& column : report.columns) {
    for (const auto& [fault, problem] : column.problems) {
      cards.push_back(CardOf(report, column, fault, problem));
    }
    for (const std::string& more : {UnknownUnitsInWords(column), UsualCodesInWords(column)}) {
      if (!more.empty()) cards.back().remedy += " " + more;
    }
  }
  for (const std::string& problem : report.other_problems) {
    cards.push_back({"must", {}, problem, {}, {}});
  }
  return cards;
}

std::string Findings(const QualityReport& report) {
  std::vector<Card> cards = ProblemCards(report);
  for (const Suspicion& one : report.suspicions) {
    cards.push_back(
        {Name(one.severity), one.column, one.words, Concerned(one.rows, one.patients), one.remedy});
  }
  for (const std::string& note : report.Notes()) cards.push_back({"note", {}, note, {}, {}});
  std::string body;
  if (!report.HasProblems()) body += Paragraph("No problems: the data meet the contract.");
  for (const Card& card : cards) body += Html(card);
  return Section("Findings", body);
}

// -- Missing values ----------------------------------------------------------------------------

std::string CodesOf(const ColumnQuality& column) {
  std::vector<std::string> words;
  for (const auto& [code, count] : column.missing_by_code) {
    words.push_back((code.empty() ? "empty" : "\"" + code + "\"") + " " + std::to_string(count));
  }
  return JoinNames(words, 6);
}

std::string PatternTable(const DataProfile& profile) {
  constexpr std::size_t kMostNamed = 10;
  HtmlTable table("Columns that rows lack together, and how many rows",
                  {{"Without a usable value in", CellKind::kText},
                   {"Rows", CellKind::kNumber},
                   {"Patients", CellKind::kNumber}});
  for (const MissingPattern& pattern : profile.patterns) {
    std::vector<std::string> names;
    for (const std::size_t column : pattern.columns) names.push_back(profile.columns[column].name);
    table.Add({names.empty() ? "no column: the row is complete" : JoinNames(names, kMostNamed),
               std::to_string(pattern.rows), std::to_string(pattern.patients)});
  }
  if (profile.other_pattern_rows > 0) {
    table.Add({"other combinations", std::to_string(profile.other_pattern_rows), "-"});
  }
  return table.Html();
}

std::string MissingValues(const QualityReport& report) {
  constexpr std::size_t kMostListed = 60;
  std::vector<const ColumnQuality*> columns;
  for (const ColumnQuality& column : report.columns) columns.push_back(&column);
  std::stable_sort(
      columns.begin(), columns.end(),
      [](const ColumnQuality* a, const ColumnQuality* b) { return a->lacking > b->lacking; });
  const bool of_all = report.rows_drawn == report.rows;
  BarTable bars("Rows without a usable value, by column", "Column", report.rows_drawn);
  for (std::size_t i = 0; i < std::min(columns.size(), kMostListed); ++i) {
    const ColumnQuality& column = *columns[i];
    std::string detail = column.missing > 0 ? CodesOf(column) : std::string();
    if (!of_all && !detail.empty()) detail = "in all rows: " + detail;
    if (column.header != column.name) {
      detail = "from \"" + column.header + "\"" + (detail.empty() ? "" : "; ") + detail;
    }
    bars.Add(column.name, detail, column.lacking);
  }
  std::string body = bars.Html();
  if (columns.size() > kMostListed) {
    body += Paragraph("And " + std::to_string(columns.size() - kMostListed) +
                      " columns with no more than the last of these.");
  }
  if (report.profile) body += PatternTable(*report.profile);
  return Section("Missing values", body);
}

// -- The page's other parts --------------------------------------------------------------------

std::string Head(const QualityPageHead& head, const QualityReport& report) {
  std::string html = "<h1>" + Escaped(std::string(kTitle) + head.study) + "</h1>\n";
  html += Paragraph("Study " + head.number + ". Data: " + report.file, "muted");
  html += head.problem.empty()
              ? Paragraph("The study could be answered here.", "lead")
              : Paragraph("The study could not be answered here: " + head.problem, "lead bad");
  html += Paragraph(
      "For this hospital's own eyes. It holds counts and places, never a patient's value, and was "
      "sent nowhere.",
      "muted");
  std::uint64_t complete = 0;
  if (report.profile) {
    for (const MissingPattern& pattern : report.profile->patterns) {
      if (pattern.columns.empty()) complete = pattern.rows;
    }
  }
  const auto looks =
      std::count_if(report.suspicions.begin(), report.suspicions.end(),
                    [](const Suspicion& one) { return one.severity == Severity::kLook; });
  return html + Tiles({{std::to_string(report.rows), "rows"},
                       {std::to_string(report.patients), "patients"},
                       {std::to_string(report.columns.size()), "columns of the contract"},
                       {std::to_string(complete), "rows with all columns"},
                       {std::to_string(report.Problems().size()), "problems to solve"},
                       {std::to_string(looks), "worth a look"}});
}

/// Where a row is not a patient.
std::string InRows(std::uint64_t patients, std::uint64_t rows) {
  return patients == rows ? std::string() : Counted(rows, "row", "rows");
}

std::string Flow(const CohortFlow& flow) {
  BarTable bars("Patients that are left after each step", "Step", flow.patients_read, "Patients");
  std::uint64_t left = flow.patients_read;
  bars.Add("in the data", InRows(flow.patients_read, flow.rows_read), left);
  for (const CohortFlow::Step& step : flow.removed) {
    left -= std::min(left, step.patients);
    const std::string rows = InRows(step.patients, step.rows);
    bars.Add(step.reason,
             std::to_string(step.patients) + " removed" + (rows.empty() ? "" : ", " + rows), left);
  }
  return Section("Cohort", Paragraph(Counted(flow.patients_left, "patient", "patients") + " with " +
                                     Counted(flow.rows_left, "row", "rows") + " would take part.") +
                               bars.Html());
}

std::string About() {
  return Section(
      "How to read this",
      Paragraph("Columns of a plot count rows whose value lies in a part of the range; the ends of "
                "parts are round numbers. A hollow column has all values beyond the part of the "
                "range that is drawn. The box above holds the middle half of the values, to the "
                "nearest part, with the part of the median marked.") +
          Paragraph("Means over time are shown for periods with at least ten patients only. No "
                    "smallest or largest value is shown anywhere.") +
          Paragraph("What each finding means, its rule and its source: docs/quality-report.md."));
}

}  // namespace

std::string QualityPage(const QualityPageHead& head, const QualityReport& report) {
  std::string body = Head(head, report) + Findings(report) + MissingValues(report);
  if (report.profile) body += DistributionSection(report);
  body += FederationSection(report);
  if (report.calendar) body += CalendarSection(report);
  if (report.flow) body += Flow(*report.flow);
  return Page(std::string(kTitle) + head.study, body + About());
}

bool IsQualityPage(std::string_view bytes) {
  const std::size_t title = bytes.find("<title>");
  return bytes.starts_with("<!DOCTYPE html>") && title != std::string_view::npos &&
         bytes.substr(title + 7).starts_with(kTitle);
}

}  // namespace consilium
