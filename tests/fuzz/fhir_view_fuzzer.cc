// A line with a view definition and a line with a resource: each is refused with a sentence, or the
// view makes rows of the resource, in bounded memory.

#include <algorithm>
#include <string>
#include <string_view>

#include "client/ingestion/fhir/json_document.h"
#include "client/ingestion/fhir/view_definition.h"
#include "client/ingestion/fhir/view_rows.h"
#include "tests/fuzz/fuzz_target.h"

namespace consilium {
namespace {

constexpr std::string_view kFirst =
    R"v({"resource":"Patient","constant":[{"name":"use","valueCode":"official"}],)v"
    R"v("select":[{"column":[{"name":"id","path":"getResourceKey()","type":"id"},)v"
    R"v({"name":"given","path":"name.where(use = %use).given","collection":true}]},)v"
    R"v({"forEachOrNull":"contact","column":[{"name":"i","path":"%rowIndex"}],)v"
    R"v("unionAll":[{"column":[{"name":"v","path":"telecom.value.first()"}]},)v"
    R"v({"forEach":"telecom","column":[{"name":"v","path":"value"}]}]}],)v"
    R"v("where":[{"path":"active = true"}]})v"
    "\n"
    R"v({"resourceType":"Patient","id":"p1","active":true,"name":[{"use":"official",)v"
    R"v("given":["A","B\u00e9"]}],"contact":[{"telecom":[{"value":"1"},{"value":"2"}]},{}]})v";

constexpr std::string_view kSecond =
    R"v({"resource":"Observation","select":[{"repeat":["component","value.item"],)v"
    R"v("column":[{"name":"n","path":"value.ofType(Quantity).value + 1","type":"decimal"},)v"
    R"v({"name":"t","path":"effective.ofType(dateTime).lowBoundary()","type":"dateTime"}],)v"
    R"v("select":[{"forEach":"value.ofType(Quantity)","column":[{"name":"u","path":"unit"}]}]}]})v"
    "\n"
    R"v({"resourceType":"Observation","component":[{"valueQuantity":{"value":1.50,"unit":"kg"},)v"
    R"v("effectiveDateTime":"2020"},{"component":[{"valueQuantity":{"value":-2e3,)v"
    R"v("unit":"g"}}]}]})v";

}  // namespace

void FuzzOne(ByteSpan input) {
  const std::string_view text = AsText(input);
  const std::size_t line_end = std::min(text.find('\n'), text.size());
  const std::string_view resource = text.substr(std::min(line_end + 1, text.size()));
  static JsonDocument document;
  if (const auto parsed = document.ParseCopy(resource); !parsed) {
    CHECK(parsed.error().code == ErrorCode::kDataQuality && !parsed.error().message.empty());
  }
  const auto view = ViewDefinition::Parse(text.substr(0, line_end), "view");
  if (!view) {
    CHECK(view.error().code == ErrorCode::kInvalidArgument);
    CHECK(view.error().message.starts_with("view"));
    return;
  }
  CHECK(!view->columns().empty());
  ViewRows rows(*view);
  const auto check = [&](const ViewRow& row) -> Status {
    for (std::size_t i = 0; i < view->columns().size(); ++i) {
      CHECK(view->IsCollection(i) || row[i].size() <= 1);
      for (const FhirItem& item : row[i]) {
        CHECK((item.kind == FhirItemKind::kObject) == (item.node != nullptr));
      }
    }
    return {};
  };
  const auto status = rows.Evaluate(document.root(), check);
  CHECK(status.has_value() || status.error().code == ErrorCode::kDataQuality);
}

std::vector<Bytes> FuzzSeeds() { return {ToBytes(kFirst), ToBytes(kSecond)}; }

}  // namespace consilium
