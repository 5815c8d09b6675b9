#pragma once

// What must be known of FHIR's data types to read its JSON without a model of all resources: an
// element that may have several types is named with its type, as valueQuantity.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consilium {

/// Number of a data type; 0 is "not said in the JSON".
using FhirType = std::uint8_t;
inline constexpr FhirType kNoFhirType = 0;

/// What a type's values look like in JSON.
enum class FhirForm : std::uint8_t {
  kUnknown,
  kText,
  kDate,
  kDateTime,
  kTime,
  kNumber,
  kBoolean,
  kObject
};

/// "Quantity", "dateTime": upper and lower case matter. Empty if there is no such data type.
std::optional<FhirType> FindFhirType(std::string_view name);
std::string_view Name(FhirType type);
FhirForm FormOf(FhirType type);

/// The JSON name of an element of several types: value and Quantity make valueQuantity.
std::string ChoiceName(std::string_view element, FhirType type);
/// The type in such a name, which starts with the element's: valueQuantity of value. Empty if the
/// rest is no data type.
std::optional<FhirType> ChoiceType(std::string_view element, std::string_view json_name);

/// "no type is called \"quantity\" (did you mean \"Quantity\"?)".
std::string UnknownFhirType(std::string_view name);

}  // namespace consilium
