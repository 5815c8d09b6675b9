#pragma once

// The least and the greatest value that an inexact one can stand for.

#include <optional>
#include <string>

#include "client/ingestion/fhir/fhirpath.h"

namespace consilium {

struct FhirBoundary {
  std::string text;
  FhirItemKind kind = FhirItemKind::kText;
};

/// Of a number, half a unit of its last digit down or up; of a date or time, the first or last it
/// may be; of a Period, that of its start or end. Empty for everything else. `assumed` is the type
/// to take a text for where the JSON does not say it: 2020-05-01 alone is a date unless that says
/// dateTime or instant.
std::optional<FhirBoundary> LowBoundary(const FhirItem& item, FhirType assumed);
std::optional<FhirBoundary> HighBoundary(const FhirItem& item, FhirType assumed);

}  // namespace consilium
