#include "client/ingestion/fhir/fhir_compare.h"

#include <optional>

#include "client/ingestion/fhir/decimal.h"
#include "client/ingestion/fhir/fhir_time.h"

namespace consilium {
namespace {

FhirOrder OrderOf(int comparison) {
  return comparison < 0   ? FhirOrder::kLess
         : comparison > 0 ? FhirOrder::kGreater
                          : FhirOrder::kEqual;
}

bool IsTemporal(const FhirItem& item) {
  return item.kind == FhirItemKind::kDate || item.kind == FhirItemKind::kDateTime ||
         item.kind == FhirItemKind::kTime;
}

FhirOrder CompareNumbers(const FhirItem& left, const FhirItem& right) {
  const auto a = Decimal::Parse(left.text);
  const auto b = Decimal::Parse(right.text);
  if (!a || !b) return left.text == right.text ? FhirOrder::kEqual : FhirOrder::kTooLong;
  return OrderOf(a->Compare(*b));
}

// A date is read as a dateTime of a day: only their coarseness matters.
FhirOrder CompareTemporal(const FhirItem& left, const FhirItem& right) {
  const bool time = left.kind == FhirItemKind::kTime || right.kind == FhirItemKind::kTime;
  const TemporalKind kind = time ? TemporalKind::kTime : TemporalKind::kDateTime;
  const auto a = Temporal::Parse(kind, left.text);
  const auto b = Temporal::Parse(kind, right.text);
  if (!a || !b) return FhirOrder::kUnequal;
  const auto order = a->Compare(*b);
  return order ? OrderOf(*order) : FhirOrder::kUnknown;
}

FhirOrder CompareTexts(const FhirItem& left, const FhirItem& right) {
  if (left.text == right.text) return FhirOrder::kEqual;
  const auto a = Temporal::ParseDateTime(left.text);
  const auto b = a ? Temporal::ParseDateTime(right.text) : std::nullopt;
  if (a && b) {
    const auto order = a->Compare(*b);
    return order ? OrderOf(*order) : FhirOrder::kUnknown;
  }
  return OrderOf(left.text.compare(right.text));
}

bool SameJson(const JsonNode& left, const JsonNode& right) {
  if (left.kind != right.kind || left.extent != right.extent) return false;
  if (left.kind == JsonKind::kNumber) {
    const auto a = Decimal::Parse(left.text);
    const auto b = Decimal::Parse(right.text);
    return a && b ? a->Compare(*b) == 0 : left.text == right.text;
  }
  if (left.kind == JsonKind::kObject) {
    for (const JsonNode* member = left.begin(); member != left.end(); member = member->Next()) {
      const JsonNode* other = FindMember(right, member->key);
      if (other == nullptr || !SameJson(*member, *other)) return false;
    }
    return true;
  }
  if (left.kind != JsonKind::kArray) return left.text == right.text;
  const JsonNode* other = right.begin();
  for (const JsonNode* element = left.begin(); element != left.end(); element = element->Next()) {
    if (other == right.end() || !SameJson(*element, *other)) return false;
    other = other->Next();
  }
  return other == right.end();
}

}  // namespace

FhirOrder CompareFhir(const FhirItem& left, const FhirItem& right) {
  if (left.kind == FhirItemKind::kText && right.kind == FhirItemKind::kText) {
    return CompareTexts(left, right);
  }
  const bool temporal = IsTemporal(left) || IsTemporal(right);
  const auto readable = [](const FhirItem& item) {
    return IsTemporal(item) || item.kind == FhirItemKind::kText;
  };
  if (temporal) {
    return readable(left) && readable(right) ? CompareTemporal(left, right) : FhirOrder::kUnequal;
  }
  if (left.kind != right.kind) return FhirOrder::kUnequal;
  switch (left.kind) {
    case FhirItemKind::kNumber:
      return CompareNumbers(left, right);
    case FhirItemKind::kObject:
      return SameJson(*left.node, *right.node) ? FhirOrder::kEqual : FhirOrder::kUnequal;
    default:
      return left.text == right.text ? FhirOrder::kEqual : FhirOrder::kUnequal;
  }
}

}  // namespace consilium
