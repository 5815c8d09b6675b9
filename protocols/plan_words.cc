#include "protocols/plan_words.h"

#include <cmath>
#include <cstdio>

#include "protocols/derived_columns.h"
#include "protocols/norm_check.h"
#include "protocols/secure_sum/thresholds.h"
#include "protocols/units/analytes.h"

namespace consilium {
namespace {

/// Fewest hospitals in a total that are usual: with fewer, the others' numbers come close to one's.
constexpr std::uint32_t kUsualSites = 5;

std::string Number(double value, const char* form = "%.12g") {
  char text[32];
  std::snprintf(text, sizeof text, form, value);
  return text;
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
  std::string text(TypeName(column.type));
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

/// How many sites may put their numbers together with the coordinator where so many take part.
std::uint32_t ColludingIn(std::uint32_t sites) {
  const Result<Thresholds> thresholds = ThresholdsFor(sites, sites);
  return thresholds ? thresholds->colluding : 0;
}

/// How many answers epsilon covers, of a study of so many rounds.
std::string AnswersInWords(const PrivacySettings& dp, std::uint32_t rounds) {
  const std::string of_rounds = std::to_string(rounds) + (rounds == 1 ? " round" : " rounds");
  const std::string again = "A round that has to be tried again tells as much again";
  if (dp.most_answers == rounds) {
    return again + ", for which this epsilon leaves no room: with one answer to each round (" +
           of_rounds + " in all) this hospital's part in the study ends.";
  }
  return again + ": this epsilon covers " + std::to_string(dp.most_answers) +
         " answers of this hospital, for " + of_rounds +
         " and for what has to be tried again. The hospital gives no more.";
}

}  // namespace

std::vector<ColumnWords> ColumnsInWords(const Plan& plan) {
  std::vector<ColumnWords> words;
  std::string series;
  for (const std::string& name : plan.analysis->columns()) {
    const std::size_t place = *plan.contract.PlaceOf(name);
    if (place >= plan.contract.columns.size()) {
      const DerivedColumn& derived = plan.contract.derived[place - plan.contract.columns.size()];
      words.emplace_back(name, DerivationInWords(plan.contract, derived) + ", computed there");
      continue;
    }
    const ContractColumn& column = plan.contract.columns[place];
    // A series is told once, by its first column.
    if (!column.series.empty() && column.series == series) continue;
    series = column.series;
    words.emplace_back(column.name,
                       ColumnInWords(column) + (series.empty() ? "" : SeriesInWords(plan, series)));
  }
  return words;
}

std::vector<std::string> EligibilityInWords(const Plan& plan) {
  std::vector<std::string> words;
  for (const EligibilityRule& rule : plan.contract.eligibility) {
    words.push_back(RuleInWords(*plan.contract.Find(rule.column), rule));
  }
  return words;
}

std::string GapsInWords(const Plan& plan) {
  const std::vector<std::string> gaps = plan.analysis->columns_with_gaps();
  if (gaps.size() == plan.analysis->columns().size()) {
    return "Rows with missing values are counted, too.";
  }
  std::string but;
  for (const std::string& name : gaps) but += (but.empty() ? ", but for " : ", ") + name;
  return "Rows with a missing value in one of these columns are left out" + but + ".";
}

std::string TrainerInWords(const Plan& plan) {
  if (plan.analysis->trainer().empty()) return {};
  return "A program that the hospital's own people have installed and called \"" +
         std::string(plan.analysis->trainer()) +
         "\" in its policy.toml. The plan gives this name and settings, no program and no "
         "argument of one; neither it nor the coordinator can change what the program is.";
}

std::string RoundsInWords(const Plan& plan) {
  return "One vector of these sums over its patients, masked: the coordinator can open nothing but "
         "the total over all hospitals. Up to " +
         std::to_string(plan.analysis->maximum_rounds()) + " rounds, usually far fewer.";
}

std::string BoundInWords(const Slice& slice) {
  if (!(slice.slot.bound > 0)) return {};
  // Never less than the bound itself: large ones up to the next whole number.
  const bool large = slice.slot.bound >= 100 && slice.slot.bound < 1e15;
  const std::string bound =
      large ? Number(std::ceil(slice.slot.bound), "%.0f") : Number(slice.slot.bound, "%.6g");
  if (slice.slot.encoding == Encoding::kCount) return "whole numbers up to " + bound;
  return "each between -" + bound + " and " + bound;
}

std::vector<std::string> SketchesInWords(const Plan& plan) {
  const std::optional<CheckedSlice> checked = CheckedInReview(*plan.analysis);
  if (!checked) return {};
  const Slice slice = plan.analysis->DescribeForReview()[checked->index];
  const std::size_t numbers = slice.slot.count;
  return {"To find a hospital whose \"" + slice.name +
              "\" is longer than the plan allows, it is sent " + std::to_string(kSketchRows) +
              " combinations of that hospital's own numbers with random signs, not masked, in "
              "each round that has them: together they tell about one in " +
              std::to_string(numbers / kSketchRows) + " of what the " + std::to_string(numbers) +
              " numbers hold, and how long they are. The other hospitals are told nothing of "
              "this.",
          "That this little does no harm is argued and not proven. Over many rounds whose numbers "
          "are alike it adds up. A hospital takes part only if its policy says norm_checks = 1 or "
          "more: how often one answer may be sketched, where a round has to be tried again."};
}

std::string PrivacyInWords(const Plan& plan) {
  if (!plan.dp) {
    const std::string but = SketchesInWords(plan).empty() ? "" : " but for the sketches";
    return "No noise is added. Masks hide this hospital's numbers from everybody" + but +
           "; they do not hide what the totals themselves tell.";
  }
  const std::uint32_t rounds = plan.analysis->maximum_rounds();
  const std::string whose = plan.dp->unit == PrivacyUnit::kPatient
                                ? "any one patient is among the data"
                                : "one hospital has these data or any others";
  return "Every total has random noise, so that nobody can tell from all of this study's results "
         "together whether " +
         whose + ": it makes no result more than " + Number(std::exp(plan.dp->epsilon), "%.3g") +
         " times as likely (epsilon " + Number(plan.dp->epsilon, "%.3g") +
         "), but for a chance of " + Number(plan.dp->delta, "%.3g") +
         " (delta). Smaller numbers protect better. " + AnswersInWords(*plan.dp, rounds);
}

std::vector<std::string> ThresholdsInWords(const Plan& plan) {
  return {
      "A hospital with fewer than " + std::to_string(plan.minimum_patients) +
          " patients in this study takes no part.",
      "No total over fewer than " + std::to_string(plan.minimum_sites) +
          " hospitals is opened. In the smallest one a hospital's own numbers are safe from the "
          "coordinator and " +
          std::to_string(ColludingIn(plan.minimum_sites)) + " of the others together.",
      plan.on_loss == OnLoss::kWait
          ? "If a hospital is lost while the study runs, the study waits for it."
          : "If a hospital is lost while the study runs, rounds go on without it.",
      "Released to every hospital and to whoever asked: " + plan.analysis->ReleasedInWords() +
          " over all hospitals together. All hospitals also see the totals of each round."};
}

std::vector<PlanRisk> RisksInWords(const Plan& plan) {
  std::vector<PlanRisk> risks;
  if (plan.minimum_sites < kUsualSites) {
    const std::string sites = std::to_string(plan.minimum_sites);
    risks.push_back({"A small federation",
                     "Totals over " + sites +
                         " hospitals may be opened. That is fewer than the "
                         "usual " +
                         std::to_string(kUsualSites) + ". In a federation of " + sites +
                         " hospitals, any " + std::to_string(plan.minimum_sites - 1) +
                         " of them that put their numbers together can work out the sums of the "
                         "remaining one."});
  }
  if (plan.on_loss == OnLoss::kContinue) {
    risks.push_back({"Rounds without a hospital",
                     "Two totals that differ by one hospital come close to showing that hospital's "
                     "own sums. This plan goes on when a hospital is lost."});
  }
  if (plan.analysis->ShowsSingleSites()) {
    risks.push_back({"Numbers of single hospitals",
                     "Some totals are of one hospital alone, or of all but one, whose difference "
                     "from all is that one's: everybody learns numbers of single hospitals. A "
                     "hospital takes part only if its policy says site_level = true."});
  }
  if (!plan.analysis->trainer().empty()) {
    risks.push_back({"A program that reads rows",
                     "It is given the rows, without patients' identifiers. What it makes of them "
                     "is known to those who wrote it: a program that means ill could write rows "
                     "into the numbers that leave. Ask for one that your own people have read."});
  }
  if (!plan.dp) {
    risks.push_back({"Results that are subtracted from each other",
                     "Two exact results over nearly the same patients, of this study and of "
                     "another, differ by what the few between them have. Your site refuses a "
                     "cohort that differs from an answered one by fewer patients than its policy "
                     "(minimum_difference) asks for; it cannot know what other sources tell."});
    if (plan.analysis->kind() == "train") {
      risks.push_back({"A model that remembers",
                       "A trained model can hold on to rare patients: who has it and knows much of "
                       "a patient may learn whether that patient was among the data."});
    }
  }
  return risks;
}

}  // namespace consilium
