#include "client/ingestion/fhir/fhirpath_steps.h"

#include <cctype>
#include <cstring>

namespace consilium {
namespace {

FhirItemKind KindOfText(FhirType type) {
  switch (FormOf(type)) {
    case FhirForm::kDate:
      return FhirItemKind::kDate;
    case FhirForm::kDateTime:
      return FhirItemKind::kDateTime;
    case FhirForm::kTime:
      return FhirItemKind::kTime;
    default:
      return FhirItemKind::kText;
  }
}

bool HasForm(const FhirItem& item, FhirForm form) {
  switch (item.kind) {
    case FhirItemKind::kObject:
      return form == FhirForm::kObject;
    case FhirItemKind::kNumber:
      return form == FhirForm::kNumber;
    case FhirItemKind::kBoolean:
      return form == FhirForm::kBoolean;
    case FhirItemKind::kDate:
      return form == FhirForm::kDate;
    case FhirItemKind::kDateTime:
      return form == FhirForm::kDateTime;
    case FhirItemKind::kTime:
      return form == FhirForm::kTime;
    case FhirItemKind::kText:
      return form == FhirForm::kText || form == FhirForm::kDate || form == FhirForm::kDateTime ||
             form == FhirForm::kTime;
  }
  return false;
}

bool HasText(const JsonNode& object, std::string_view key, std::string_view text) {
  const JsonNode* member = FindMember(object, key);
  return member != nullptr && member->kind == JsonKind::kString && member->text == text;
}

class Walk {
 public:
  Walk(const std::vector<FhirStep>& steps, std::vector<FhirItem>& items)
      : end_(steps.data() + steps.size()), items_(items) {}

  void FromObject(const JsonNode& object, const FhirStep* step) {
    const JsonNode* found = nullptr;
    FhirType type = kNoFhirType;
    for (const JsonNode* member = object.begin(); member != object.end(); member = member->Next()) {
      const std::string_view key = member->key;
      if (key == step->name || (step->type != kNoFhirType && key == step->choice_name)) {
        found = member;
        type = key.size() == step->name.size() ? kNoFhirType : step->type;
        break;
      }
      if (step->type != kNoFhirType || found != nullptr) continue;
      // Perhaps value, of which there is valueQuantity; an element of the very name comes first.
      if (key.size() <= step->name.size() || !key.starts_with(step->name)) continue;
      if (std::isupper(static_cast<unsigned char>(key[step->name.size()])) == 0) continue;
      if (const auto choice = ChoiceType(step->name, key)) {
        found = member;
        type = *choice;
      }
    }
    if (found != nullptr) Enter(*found, type, step);
    if (!step->extension_holder.empty()) {
      const JsonNode* holder = FindMember(object, step->extension_holder);
      if (holder != nullptr) Enter(*holder, kNoFhirType, step);
    }
  }

 private:
  void Enter(const JsonNode& node, FhirType type, const FhirStep* step) {
    switch (node.kind) {
      case JsonKind::kNull:
        return;
      case JsonKind::kArray:
        for (const JsonNode* element = node.begin(); element != node.end();
             element = element->Next()) {
          Enter(*element, type, step);
        }
        return;
      default:
        Take(node, type, step);
    }
  }

  void Take(const JsonNode& node, FhirType type, const FhirStep* step) {
    const bool filtered = step->type != kNoFhirType || !step->resource_type.empty();
    if (filtered && !IsOfType(ItemOf(node, type), step->type, step->resource_type)) return;
    if (!step->any_url && !HasText(node, "url", step->url)) return;
    if (step + 1 == end_) {
      items_.push_back(ItemOf(node, filtered ? step->type : type));
    } else if (node.kind == JsonKind::kObject) {
      FromObject(node, step + 1);
    }
  }

  const FhirStep* end_;
  std::vector<FhirItem>& items_;
};

}  // namespace

FhirItem ItemOf(const JsonNode& node, FhirType type) {
  FhirItem item{node.text, nullptr, FhirItemKind::kObject, type};
  switch (node.kind) {
    case JsonKind::kString:
      item.kind = KindOfText(type);
      break;
    case JsonKind::kNumber:
      item.kind = FhirItemKind::kNumber;
      break;
    case JsonKind::kBoolean:
      item.kind = FhirItemKind::kBoolean;
      break;
    default:
      item.node = &node;
  }
  return item;
}

bool IsOfType(const FhirItem& item, FhirType type, std::string_view resource_type) {
  if (!resource_type.empty()) {
    return item.kind == FhirItemKind::kObject && HasText(*item.node, "resourceType", resource_type);
  }
  if (item.type != kNoFhirType) return item.type == type;
  return HasForm(item, FormOf(type));
}

void WalkSteps(const FhirItem& item,
               const std::vector<FhirStep>& steps,
               std::vector<FhirItem>& items) {
  if (item.kind != FhirItemKind::kObject) return;
  Walk(steps, items).FromObject(*item.node, steps.data());
}

}  // namespace consilium
