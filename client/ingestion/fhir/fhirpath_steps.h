#pragma once

// From an object to its members: the part of a path that takes nearly all of the time.

#include <string_view>
#include <vector>

#include "client/ingestion/fhir/fhirpath.h"

namespace consilium {

/// The item that a JSON value is; `type` where it is known. Not for arrays and null.
FhirItem ItemOf(const JsonNode& node, FhirType type);

/// Whether an item may be of this data type, or is such a resource where `resource_type` is named.
/// Where the JSON does not say the type, the form of the value decides.
bool IsOfType(const FhirItem& item, FhirType type, std::string_view resource_type);

/// Appends what the steps lead to from `item`. Lists are gone through; what is absent gives
/// nothing. "value" also finds valueQuantity and its like.
void WalkSteps(const FhirItem& item,
               const std::vector<FhirStep>& steps,
               std::vector<FhirItem>& items);

}  // namespace consilium
