#include "client/ingestion/fhir/fhir_reference.h"

namespace consilium {
namespace {

std::string_view TextOf(const JsonNode& object, std::string_view key) {
  const JsonNode* member = FindMember(object, key);
  return member != nullptr && member->kind == JsonKind::kString ? member->text : std::string_view();
}

// Takes what stands behind the last slash.
std::string_view TakeLast(std::string_view& text) {
  const std::size_t slash = text.rfind('/');
  const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
  const std::string_view last = text.substr(start);
  text = text.substr(0, start == 0 ? 0 : start - 1);
  return last;
}

}  // namespace

std::optional<std::string_view> ResourceKey(const FhirItem& resource) {
  if (resource.kind != FhirItemKind::kObject) return std::nullopt;
  if (TextOf(*resource.node, "resourceType").empty()) return std::nullopt;
  const std::string_view id = TextOf(*resource.node, "id");
  return id.empty() ? std::nullopt : std::optional(id);
}

std::optional<std::string_view> ReferenceKey(const FhirItem& reference,
                                             std::string_view resource_type) {
  if (reference.kind != FhirItemKind::kObject) return std::nullopt;
  std::string_view text = TextOf(*reference.node, "reference");
  std::string_view type = TextOf(*reference.node, "type");
  std::string_view id;
  constexpr std::string_view kUuid = "urn:uuid:";
  if (text.starts_with(kUuid)) {
    id = text.substr(kUuid.size());
  } else {
    if (text.find_first_of("?#|") != std::string_view::npos) return std::nullopt;
    const std::size_t history = text.find("/_history/");
    if (history != std::string_view::npos) text = text.substr(0, history);
    id = TakeLast(text);
    const std::string_view named = TakeLast(text);
    if (named.empty()) return std::nullopt;
    type = named;
  }
  if (id.empty() || (!resource_type.empty() && type != resource_type)) return std::nullopt;
  return id;
}

}  // namespace consilium
