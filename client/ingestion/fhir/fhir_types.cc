#include "client/ingestion/fhir/fhir_types.h"

#include <array>
#include <cctype>
#include <vector>

#include "common/names.h"

namespace consilium {
namespace {

struct TypeRow {
  std::string_view name;
  FhirForm form;
};

// The data types of R4 and the few that R5 adds.
constexpr std::array kTypes = {
    TypeRow{"", FhirForm::kUnknown},
    TypeRow{"base64Binary", FhirForm::kText},
    TypeRow{"boolean", FhirForm::kBoolean},
    TypeRow{"canonical", FhirForm::kText},
    TypeRow{"code", FhirForm::kText},
    TypeRow{"date", FhirForm::kDate},
    TypeRow{"dateTime", FhirForm::kDateTime},
    TypeRow{"decimal", FhirForm::kNumber},
    TypeRow{"id", FhirForm::kText},
    TypeRow{"instant", FhirForm::kDateTime},
    TypeRow{"integer", FhirForm::kNumber},
    TypeRow{"markdown", FhirForm::kText},
    TypeRow{"oid", FhirForm::kText},
    TypeRow{"positiveInt", FhirForm::kNumber},
    TypeRow{"string", FhirForm::kText},
    TypeRow{"time", FhirForm::kTime},
    TypeRow{"unsignedInt", FhirForm::kNumber},
    TypeRow{"uri", FhirForm::kText},
    TypeRow{"url", FhirForm::kText},
    TypeRow{"uuid", FhirForm::kText},
    TypeRow{"Address", FhirForm::kObject},
    TypeRow{"Age", FhirForm::kObject},
    TypeRow{"Annotation", FhirForm::kObject},
    TypeRow{"Attachment", FhirForm::kObject},
    TypeRow{"CodeableConcept", FhirForm::kObject},
    TypeRow{"CodeableReference", FhirForm::kObject},
    TypeRow{"Coding", FhirForm::kObject},
    TypeRow{"ContactDetail", FhirForm::kObject},
    TypeRow{"ContactPoint", FhirForm::kObject},
    TypeRow{"Contributor", FhirForm::kObject},
    TypeRow{"Count", FhirForm::kObject},
    TypeRow{"DataRequirement", FhirForm::kObject},
    TypeRow{"Distance", FhirForm::kObject},
    TypeRow{"Dosage", FhirForm::kObject},
    TypeRow{"Duration", FhirForm::kObject},
    TypeRow{"Expression", FhirForm::kObject},
    TypeRow{"Extension", FhirForm::kObject},
    TypeRow{"HumanName", FhirForm::kObject},
    TypeRow{"Identifier", FhirForm::kObject},
    TypeRow{"Meta", FhirForm::kObject},
    TypeRow{"Money", FhirForm::kObject},
    TypeRow{"Narrative", FhirForm::kObject},
    TypeRow{"ParameterDefinition", FhirForm::kObject},
    TypeRow{"Period", FhirForm::kObject},
    TypeRow{"Quantity", FhirForm::kObject},
    TypeRow{"Range", FhirForm::kObject},
    TypeRow{"Ratio", FhirForm::kObject},
    TypeRow{"RatioRange", FhirForm::kObject},
    TypeRow{"Reference", FhirForm::kObject},
    TypeRow{"RelatedArtifact", FhirForm::kObject},
    TypeRow{"SampledData", FhirForm::kObject},
    TypeRow{"Signature", FhirForm::kObject},
    TypeRow{"Timing", FhirForm::kObject},
    TypeRow{"TriggerDefinition", FhirForm::kObject},
    TypeRow{"UsageContext", FhirForm::kObject},
};

char Upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }

}  // namespace

std::optional<FhirType> FindFhirType(std::string_view name) {
  for (std::size_t i = 1; i < kTypes.size(); ++i) {
    if (kTypes[i].name == name) return static_cast<FhirType>(i);
  }
  return std::nullopt;
}

std::string_view Name(FhirType type) { return kTypes[type].name; }
FhirForm FormOf(FhirType type) { return kTypes[type].form; }

std::string ChoiceName(std::string_view element, FhirType type) {
  std::string name(element);
  const std::size_t start = name.size();
  name += Name(type);
  name[start] = Upper(name[start]);
  return name;
}

std::optional<FhirType> ChoiceType(std::string_view element, std::string_view json_name) {
  const std::string_view rest = json_name.substr(element.size());
  for (std::size_t i = 1; i < kTypes.size(); ++i) {
    const std::string_view name = kTypes[i].name;
    if (name.size() == rest.size() && Upper(name[0]) == rest[0] &&
        name.substr(1) == rest.substr(1)) {
      return static_cast<FhirType>(i);
    }
  }
  return std::nullopt;
}

std::string UnknownFhirType(std::string_view name) {
  std::vector<std::string> names;
  for (const TypeRow& type : kTypes) names.emplace_back(type.name);
  const std::string near = NearestName(name, names);
  return "no data type is called \"" + std::string(name) + "\"" +
         (near.empty() ? "" : " (did you mean \"" + near + "\"?)");
}

}  // namespace consilium
