#include <cstdio>
#include <string>
#include <vector>

#include "protocols/derived_columns.h"
#include "protocols/norm_check.h"
#include "protocols/plan.h"
#include "protocols/units/analytes.h"

namespace consilium {
namespace {

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.12g", value);
  return text;
}

/// Breaks text at spaces to lines of at most 96 columns, all but the first indented.
std::string Paragraph(const std::string& text, std::size_t indent) {
  std::string result;
  std::size_t column = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find(' ', at);
    if (end == std::string::npos) end = text.size();
    if (column > 0 && column + 1 + (end - at) > 96) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result.append(text, at, end - at);
    column += end - at;
    at = end + 1;
  }
  return result + "\n";
}

std::string Field(const std::string& name, const std::string& value) {
  if (value.empty()) return {};
  std::string label = name + ":";
  label.resize(15, ' ');
  return label + Paragraph(value, 15);
}

std::string_view TypeName(ColumnType type) {
  switch (type) {
    case ColumnType::kNumber:
      return "number";
    case ColumnType::kInteger:
      return "whole number";
    case ColumnType::kCategory:
      return "category";
    case ColumnType::kBoolean:
      return "yes/no";
    case ColumnType::kDate:
      return "date";
    case ColumnType::kDuration:
      return "duration";
  }
  return "";
}

std::string ColumnInWords(const ContractColumn& column) {
  std::string text = column.name + ": " + std::string(TypeName(column.type));
  if (column.minimum) text += " from " + Number(*column.minimum) + " to " + Number(*column.maximum);
  if (!column.unit.empty()) text += " " + column.unit;
  if (const auto analyte = FindAnalyte(column.analyte)) {
    text += " of " + std::string((*analyte)->words);
  }
  for (std::size_t i = 0; i < column.levels.size(); ++i) {
    text += (i == 0 ? ": " : ", ") + column.levels[i];
  }
  if (column.required) text += " (required in every row)";
  return text;
}

std::string RuleInWords(const ContractColumn& column, const EligibilityRule& rule) {
  std::string text = rule.column;
  if (rule.minimum) text += " at least " + BoundInWords(column, *rule.minimum);
  if (rule.minimum && rule.maximum) text += " and";
  if (rule.maximum) text += " at most " + BoundInWords(column, *rule.maximum);
  for (std::size_t i = 0; i < rule.one_of.size(); ++i) {
    text += (i == 0 ? " is " : " or ") + rule.one_of[i];
  }
  return text;
}

std::string SeriesInWords(const Plan& plan, const std::string& series) {
  const std::size_t count = plan.contract.ColumnsOf(series).size();
  return ", and all others of the " + std::to_string(count) + " columns of this name";
}

std::string Data(const Plan& plan) {
  std::string text = "What is read at each hospital\n";
  text += "  The patient identifier \"" + plan.contract.patient + "\" never leaves it.\n";
  if (plan.contract.one_row_per_patient) text += "  A patient has one row.\n";
  std::string series;
  for (const std::string& name : plan.analysis->columns()) {
    const std::size_t place = *plan.contract.PlaceOf(name);
    if (place >= plan.contract.columns.size()) {
      const DerivedColumn& derived = plan.contract.derived[place - plan.contract.columns.size()];
      text += "  - " +
              Paragraph(
                  name + ": " + DerivationInWords(plan.contract, derived) + ", computed there", 4);
      continue;
    }
    const ContractColumn& column = plan.contract.columns[place];
    // A series is told once, by its first column.
    if (!column.series.empty() && column.series == series) continue;
    series = column.series;
    const std::string others = series.empty() ? "" : SeriesInWords(plan, series);
    text += "  - " + Paragraph(ColumnInWords(column) + others, 4);
  }
  if (!plan.contract.eligibility.empty()) {
    text += "Patients are eligible if all of these hold\n";
    for (const EligibilityRule& rule : plan.contract.eligibility) {
      text += "  - " + Paragraph(RuleInWords(*plan.contract.Find(rule.column), rule), 4);
    }
  }
  const std::vector<std::string> gaps = plan.analysis->columns_with_gaps();
  if (gaps.size() == plan.analysis->columns().size()) {
    return text + "Rows with missing values are counted, too.\n";
  }
  std::string but;
  for (const std::string& name : gaps) but += (but.empty() ? ", but for " : ", ") + name;
  return text +
         Paragraph("Rows with a missing value in one of these columns are left out" + but + ".", 0);
}

std::string Leaves(const Plan& plan) {
  std::string text =
      "What leaves the hospital in each round\n"
      "  One vector of these sums over its patients, masked: the coordinator can open nothing but\n"
      "  the total over all hospitals. Up to " +
      std::to_string(plan.analysis->maximum_rounds()) + " rounds, usually far fewer.\n";
  for (const Slice& slice : plan.analysis->DescribeForReview()) {
    text += "  - " + Paragraph(slice.name + " [" + slice.shape + "]: " + slice.meaning, 4);
  }
  return text;
}

/// Of the sketches that a plan may ask for beside the masked vector.
std::string Sketches(const Plan& plan) {
  const std::optional<CheckedSlice> checked = CheckedInReview(*plan.analysis);
  if (!checked) return {};
  const Slice slice = plan.analysis->DescribeForReview()[checked->index];
  const std::size_t numbers = slice.slot.count;
  return "What the coordinator is told of each hospital alone\n  - " +
         Paragraph(
             "To find a hospital whose \"" + slice.name +
                 "\" is longer than the plan allows, it is sent " + std::to_string(kSketchRows) +
                 " combinations of that hospital's own numbers with random signs, not "
                 "masked, in each round that has them: together they tell about one in " +
                 std::to_string(numbers / kSketchRows) + " of what the " + std::to_string(numbers) +
                 " numbers hold, and how long they are. The other hospitals are told "
                 "nothing of this.",
             4) +
         "  - " +
         Paragraph(
             "That this little does no harm is argued and not proven. Over many rounds "
             "whose numbers are alike it adds up. A hospital takes part only if its "
             "policy says norm_checks = 1 or more: how often one answer may be sketched, "
             "where a round has to be tried again.",
             4) +
         "\n";
}

/// Of the program that learns in place of our own code, where a plan asks for one.
std::string Program(const Plan& plan) {
  if (plan.analysis->trainer().empty()) return {};
  return "What learns at each hospital\n  - " +
         Paragraph("A program that the hospital's own people have installed and called \"" +
                       std::string(plan.analysis->trainer()) +
                       "\" in its policy.toml. The plan gives this name and settings, no program "
                       "and no argument of one; neither it nor the coordinator can change what the "
                       "program is.",
                   4) +
         "  - " +
         Paragraph(
             "It is given the rows, without patients' identifiers. What it makes of them is "
             "known to those who wrote it: a program that means ill could write rows into "
             "the numbers that leave. Ask for one that your own people have read.",
             4) +
         "\n";
}

std::string Thresholds(const Plan& plan) {
  std::string text = "Thresholds\n";
  text += "  - " + Paragraph("A hospital with fewer than " + std::to_string(plan.minimum_patients) +
                                 " patients in this study takes no part.",
                             4);
  text += "  - " + Paragraph("No total over fewer than " + std::to_string(plan.minimum_sites) +
                                 " hospitals is opened.",
                             4);
  if (plan.minimum_sites < 5) {
    text += "  - " + Paragraph("That is fewer than the usual 5. In a federation of " +
                                   std::to_string(plan.minimum_sites) + " hospitals, any " +
                                   std::to_string(plan.minimum_sites - 1) +
                                   " of them that put their "
                                   "numbers together can work out the sums of the remaining one.",
                               4);
  }
  text += "  - " +
          Paragraph(plan.on_loss == OnLoss::kWait
                        ? "If a hospital is lost while the study runs, the study waits for it."
                        : "If a hospital is lost while the study runs, rounds go on without it. "
                          "Two totals that "
                          "differ by one hospital come close to showing that hospital's own sums.",
                    4);
  if (plan.analysis->ShowsSingleSites()) {
    text += "  - " + Paragraph(
                         "Some totals are of one hospital alone, or of all but one, whose "
                         "difference from all is that one's: everybody learns numbers of single "
                         "hospitals. A hospital takes part only if its policy says site_level = "
                         "true.",
                         4);
  }
  text +=
      "  - " + Paragraph("Released to every hospital and to whoever asked: " +
                             plan.analysis->ReleasedInWords() +
                             " over all hospitals together. All hospitals also see the totals of "
                             "each round.",
                         4);
  return text;
}

}  // namespace

std::string ExplainPlan(const Plan& plan) {
  std::string text;
  text += Field("Study", plan.title);
  text += Field("Question", plan.question);
  text += Field("Asked by", plan.requested_by);
  text += Field("Permit", plan.permit.empty() ? "none named in the plan" : plan.permit);
  text += Field("Valid through", ToText(plan.expires));
  text += Field("Study number", plan.id.ToHex());
  text += Field("Analysis", plan.analysis->InWords());
  return text + "\n" + Data(plan) + "\n" + Program(plan) + Leaves(plan) + "\n" + Sketches(plan) +
         Thresholds(plan);
}

}  // namespace consilium
