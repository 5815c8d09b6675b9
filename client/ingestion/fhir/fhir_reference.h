#pragma once

// Keys of resources and of references to them: equal when one refers to the other.

#include <optional>
#include <string_view>

#include "client/ingestion/fhir/fhirpath.h"

namespace consilium {

/// The id of a resource.
std::optional<std::string_view> ResourceKey(const FhirItem& resource);

/// The id in a Reference: of "Patient/1", of a full address that ends in it, with or without
/// "/_history/2", and of "urn:uuid:1". With a resource type the reference must be to such a
/// resource. Empty for references by identifier, by search, or to a contained resource.
std::optional<std::string_view> ReferenceKey(const FhirItem& reference,
                                             std::string_view resource_type);

}  // namespace consilium
