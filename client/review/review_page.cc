#include "client/review/review_page.h"

#include <algorithm>

#include "common/terminal.h"

namespace consilium {
namespace {

std::string Title(std::string_view text) {
  return "\n" + std::string(text) + "\n" + std::string(text.size(), '-') + "\n";
}

std::string Item(const std::string& text, std::size_t width) {
  std::string lines = Wrapped(OneLine(text), width - 4, 0);
  std::string item = "  - ";
  for (const char c : lines) {
    item += c;
    if (c == '\n') item += "    ";
  }
  return item + "\n";
}

std::string PlanNumber(const StudyId& id) { return "study " + id.Short(); }

std::string ChangesText(const Review& review, std::size_t width) {
  const EarlierStudy& earlier = *review.earlier;
  std::string text = Title("What changed since an earlier study");
  text += Wrapped("Compared with " + PlanNumber(earlier.id) + ", \"" + OneLine(earlier.title) +
                      "\", " + earlier.decided + " here.",
                  width, 0) +
          "\n";
  if (earlier.changes.empty()) return text + "Nothing: the plans are equal.\n";
  for (const PlanChange& change : earlier.changes) text += Item(InWords(change), width);
  return text;
}

}  // namespace

std::string ReviewText(const Review& review, std::size_t width) {
  width = std::max<std::size_t>(width, 60);
  std::string page = ExplainPlan(review.plan);
  if (review.earlier) page += ChangesText(review, width);
  page += Title("Your data");
  if (review.check.report) page += Printable(RenderText(*review.check.report));
  page += Title("Your site's policy and data say");
  page += Wrapped(review.check.ok()
                      ? "Yes: the data meet the contract, and policy.toml allows the study."
                      : "No: " + OneLine(Describe(*review.check.problem)),
                  width, 4) +
          "\n";
  std::vector<std::vector<std::string>> rows;
  for (const RuleCheck& check : RulesOf(review)) {
    rows.push_back({check.holds ? "  ok" : "  NO", check.rule, check.needed,
                    OneLine(check.here).substr(0, 24)});
  }
  if (!rows.empty()) page += AlignedTable(rows);
  if (!review.check.trainer.empty()) {
    page += Wrapped("The study would run a program installed here, on the rows above: " +
                        OneLine(review.check.trainer) +
                        ". Your policy.toml names it; the coordinator cannot change which one it "
                        "is, nor its arguments.",
                    width, 4) +
            "\n";
  }
  for (const ModelFinding& finding : review.check.model) {
    page += Wrapped("The model: " + OneLine(finding.words) + ".", width, 4) + "\n";
  }
  page += "\n" +
          Wrapped("Decision so far: " + (review.decision.empty() ? "none" : review.decision), width,
                  2) +
          "\n";
  if (!review.balance.empty()) page += Wrapped(review.balance, width, 0) + "\n";
  page += "\n";
  for (const std::string& command : review.commands) page += command + "\n";
  return page;
}

}  // namespace consilium
