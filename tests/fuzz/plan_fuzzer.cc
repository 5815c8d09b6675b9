// A plan's text, as a coordinator offers it to a site before anybody there has looked at it: it is
// parsed and explained in bounded memory, or refused with a sentence.

#include "protocols/plan.h"
#include "tests/fuzz/fuzz_target.h"

namespace consilium {
namespace {

constexpr std::string_view kPlan = R"([study]
title = "A"
question = "B?"
requested_by = "C"
permit = "D"
expires = 2099-06-30
minimum_sites = 3
[contract]
patient = "id"
[[contract.column]]
name = "age"
type = "number"
unit = "a"
range = [18, 110]
missing = ["", "NA"]
[[contract.column]]
name = "ill"
type = "boolean"
[[contract.column]]
name = "ward"
type = "category"
levels = ["a", "b"]
required = true
[analysis]
kind = "logistic"
outcome = "ill"
features = ["age", "ward"]
[privacy]
minimum_patients = 10
[round]
deadline = "60s"
on_loss = "wait"
)";

std::string Linear() {
  std::string text(kPlan);
  text.replace(text.find("logistic"), 8, "linear");
  text.replace(text.find("outcome = \"ill\""), 15, "outcome = \"age\"");
  text.replace(text.find("\"age\", \"ward\""), 13, "\"ward\"");
  return text;
}

}  // namespace

void FuzzOne(ByteSpan input) {
  const Result<Plan> plan = ParsePlan(AsText(input), "offered plan");
  if (!plan) {
    CHECK(!plan.error().message.empty());
    return;
  }
  CHECK(plan->minimum_sites >= 3);
  CHECK(plan->analysis != nullptr);
  CHECK(!ExplainPlan(*plan).empty());
  const Result<Plan> again = ParsePlan(plan->text, "stored plan");
  CHECK(again.has_value() && again->id == plan->id);
}

std::vector<Bytes> FuzzSeeds() { return {ToBytes(kPlan), ToBytes(Linear())}; }

}  // namespace consilium
