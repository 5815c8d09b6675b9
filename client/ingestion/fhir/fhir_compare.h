#pragma once

// Equality and order of FHIR's values.

#include "client/ingestion/fhir/fhirpath.h"

namespace consilium {

enum class FhirOrder {
  kLess,
  kEqual,
  kGreater,
  kUnequal,  ///< Different values that have no order: booleans, objects, or a text and a number.
  kUnknown,  ///< It cannot be told: a date of the same year and a day.
  kTooLong   ///< A number of more than 18 digits.
};

/// Texts that both look like points in time are compared as such: nothing in the JSON says that
/// they are any.
FhirOrder CompareFhir(const FhirItem& left, const FhirItem& right);

}  // namespace consilium
