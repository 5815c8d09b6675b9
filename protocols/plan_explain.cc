#include <string>
#include <string_view>

#include "common/terminal.h"
#include "protocols/plan_words.h"

namespace consilium {
namespace {

constexpr std::size_t kWidth = 80;

/// Text behind `first`, broken into lines that begin below where it began. What a plan says in it
/// breaks no line: it could pass for another part of the page.
std::string Behind(std::string_view first, const std::string& text) {
  const std::string lines = Wrapped(OneLine(text), kWidth - first.size(), 0);
  std::string result(first);
  for (const char c : lines) {
    result += c;
    if (c == '\n') result.append(first.size(), ' ');
  }
  return result + "\n";
}

std::string Item(const std::string& text) { return Behind("  - ", text); }

std::string Field(const std::string& name, const std::string& value) {
  if (value.empty()) return {};
  std::string label = name + ":";
  label.resize(15, ' ');
  return Behind(label, value);
}

std::string Data(const Plan& plan) {
  std::string text = "What is read at each hospital\n";
  text += Behind("  ", "The patient identifier \"" + plan.contract.patient + "\" never leaves it.");
  if (plan.contract.one_row_per_patient) text += Behind("  ", "A patient has one row.");
  for (const auto& [name, words] : ColumnsInWords(plan)) text += Item(name + ": " + words);
  const std::vector<std::string> rules = EligibilityInWords(plan);
  if (!rules.empty()) text += "Patients are eligible if all of these hold\n";
  for (const std::string& rule : rules) text += Item(rule);
  return text + Behind("", GapsInWords(plan));
}

std::string Leaves(const Plan& plan) {
  std::string text = "What leaves the hospital in each round\n" + Behind("  ", RoundsInWords(plan));
  for (const Slice& slice : plan.analysis->DescribeForReview()) {
    const std::string bound = BoundInWords(slice);
    text += Item(slice.name + " [" + slice.shape + "]: " + slice.meaning +
                 (bound.empty() ? "" : " (" + bound + ")"));
  }
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
  text += "\n" + Data(plan) + "\n";
  const std::string trainer = TrainerInWords(plan);
  if (!trainer.empty()) text += "What learns at each hospital\n" + Item(trainer) + "\n";
  text += Leaves(plan);
  const std::vector<std::string> sketches = SketchesInWords(plan);
  if (!sketches.empty()) text += "\nWhat the coordinator is told of each hospital alone\n";
  for (const std::string& words : sketches) text += Item(words);
  text += "\nPrivacy\n" + Behind("  ", PrivacyInWords(plan)) + "\nThresholds\n";
  for (const std::string& words : ThresholdsInWords(plan)) text += Item(words);
  const std::vector<PlanRisk> risks = RisksInWords(plan);
  if (!risks.empty()) text += "\nRisks, even if everybody keeps to the plan\n";
  for (const PlanRisk& risk : risks) text += Item(risk.title + ": " + risk.words);
  return text;
}

}  // namespace consilium
