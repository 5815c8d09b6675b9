// A FHIRPath expression, as a view definition from elsewhere brings it: it is refused with a
// sentence, or it yields something, or fails with a sentence, on a resource; in bounded memory.

#include <string>
#include <string_view>

#include "client/ingestion/fhir/fhirpath.h"
#include "client/ingestion/fhir/fhirpath_evaluator.h"
#include "client/ingestion/fhir/fhirpath_steps.h"
#include "client/ingestion/fhir/json_document.h"
#include "tests/fuzz/fuzz_target.h"

namespace consilium {
namespace {

constexpr std::string_view kResource = R"({"resourceType": "Patient", "id": "p1", "active": true,
  "name": [{"use": "official", "family": "F", "given": ["A", "B"]}, {"given": ["C"]}],
  "birthDate": "1970-06", "_birthDate": {"extension": [{"url": "u", "valueCode": "x"}]},
  "deceasedDateTime": "2020-05-01T10:00:00+02:00", "period": {"start": "2019", "end": "2020-02-03"},
  "weight": {"value": 70.50}, "n": [1, -2.5e3, 123456789012345678901234567890],
  "link": [{"other": {"reference": "Patient/p1"}}, {"other": {"reference": "urn:uuid:1"}}]})";

constexpr std::string_view kPaths[] = {
    "name.where(use = 'official' and given.exists()).family.first()",
    "deceased.ofType(dateTime).highBoundary() > @2020-05-01T10:00:00.000Z",
    "extension('u').value.ofType(code) != 'y' or birthDate.extension('u').empty()",
    "(weight.value.lowBoundary() + 1.5) * -2 / n[1] - 0.25 <= n.first()",
    "link.other.getReferenceKey(Patient) = getResourceKey()",
    "name.given.join('; \\u00e9') + `id` + %use",
    "Patient.name[%rowIndex].exists($this.given = 'A').not()",
    "birthDate.lowBoundary() = period.lowBoundary() and {} = @T10:00",
};

}  // namespace

void FuzzOne(ByteSpan input) {
  FhirConstants constants;
  constants["use"] = {FhirItemKind::kText, "official", kNoFhirType};
  const auto path = FhirPath::Parse(AsText(input), {&constants, "Patient", kNoFhirType});
  if (!path) {
    CHECK(!path.error().message.empty());
    return;
  }
  static JsonDocument document;
  CHECK(document.ParseCopy(kResource).has_value());
  const FhirItem focus = ItemOf(document.root(), kNoFhirType);
  FhirPathEvaluator evaluator;
  FhirItems items;
  if (const auto status = evaluator.Evaluate(*path, &focus, 0, items); !status) {
    CHECK(status.error().code == ErrorCode::kDataQuality && !status.error().message.empty());
    return;
  }
  for (const FhirItem& item : items) {
    CHECK((item.kind == FhirItemKind::kObject) == (item.node != nullptr));
  }
  // On nothing, too.
  items.clear();
  const auto nothing = evaluator.Evaluate(*path, nullptr, 0, items);
  CHECK(nothing.has_value() || !nothing.error().message.empty());
}

std::vector<Bytes> FuzzSeeds() {
  std::vector<Bytes> seeds;
  for (const std::string_view path : kPaths) seeds.push_back(ToBytes(path));
  return seeds;
}

}  // namespace consilium
