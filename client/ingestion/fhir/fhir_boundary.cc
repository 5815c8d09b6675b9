#include "client/ingestion/fhir/fhir_boundary.h"

#include "client/ingestion/fhir/decimal.h"
#include "client/ingestion/fhir/fhir_time.h"

namespace consilium {
namespace {

enum class Side { kLow, kHigh };

std::optional<FhirBoundary> OfNumber(const FhirItem& item, Side side) {
  const auto number = Decimal::Parse(item.text);
  if (!number) return std::nullopt;
  const auto boundary = side == Side::kLow ? number->LowBoundary() : number->HighBoundary();
  if (!boundary) return std::nullopt;
  return FhirBoundary{boundary->ToText(), FhirItemKind::kNumber};
}

std::optional<Temporal> MomentOf(const FhirItem& item, FhirType assumed) {
  switch (item.kind) {
    case FhirItemKind::kDate:
      return Temporal::ParseDate(item.text);
    case FhirItemKind::kDateTime:
      return Temporal::ParseDateTime(item.text);
    case FhirItemKind::kTime:
      return Temporal::ParseTime(item.text);
    default:
      break;
  }
  if (FormOf(assumed) != FhirForm::kDateTime) {
    if (const auto date = Temporal::ParseDate(item.text)) return date;
  }
  if (const auto moment = Temporal::ParseDateTime(item.text)) return moment;
  return Temporal::ParseTime(item.text);
}

FhirItemKind KindOf(TemporalKind kind) {
  switch (kind) {
    case TemporalKind::kDate:
      return FhirItemKind::kDate;
    case TemporalKind::kDateTime:
      return FhirItemKind::kDateTime;
    case TemporalKind::kTime:
      return FhirItemKind::kTime;
  }
  return FhirItemKind::kText;
}

std::optional<FhirBoundary> BoundaryOf(const FhirItem& item, FhirType assumed, Side side) {
  switch (item.kind) {
    case FhirItemKind::kNumber:
      return OfNumber(item, side);
    case FhirItemKind::kBoolean:
      return std::nullopt;
    case FhirItemKind::kObject: {
      const JsonNode* end = FindMember(*item.node, side == Side::kLow ? "start" : "end");
      if (end == nullptr || end->kind != JsonKind::kString) return std::nullopt;
      const FhirItem moment{end->text, nullptr, FhirItemKind::kDateTime, kNoFhirType};
      return BoundaryOf(moment, kNoFhirType, side);
    }
    default:
      break;
  }
  const auto moment = MomentOf(item, assumed);
  if (!moment) return std::nullopt;
  return FhirBoundary{side == Side::kLow ? moment->LowBoundary() : moment->HighBoundary(),
                      KindOf(moment->kind())};
}

}  // namespace

std::optional<FhirBoundary> LowBoundary(const FhirItem& item, FhirType assumed) {
  return BoundaryOf(item, assumed, Side::kLow);
}

std::optional<FhirBoundary> HighBoundary(const FhirItem& item, FhirType assumed) {
  return BoundaryOf(item, assumed, Side::kHigh);
}

}  // namespace consilium
