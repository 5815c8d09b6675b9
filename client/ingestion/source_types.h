#pragma once

// The types of source files: what each reads of its own keys, and how it opens its data. A new type
// is a line in the table of source_types.cc.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/source.h"
#include "client/ingestion/table_reader.h"
#include "common/result.h"
#include "common/settings.h"

namespace consilium {

struct SourceType {
  std::string_view name;  ///< As `type` says it.
  /// Reads the keys that only this type has. `folder` is where relative paths start.
  Status (*parse)(const Settings& settings, const std::filesystem::path& folder, Source& source);
  Result<std::unique_ptr<TableReader>> (*open)(const Source& source);
  /// What a description that comes with the data says of them, where that differs from the
  /// contract.
  Result<std::vector<Suspicion>> (*compare)(const Source& source,
                                            const Contract& contract) = nullptr;
};

/// nullptr if there is none of that name.
const SourceType* FindSourceType(std::string_view name);
/// In quotes, for messages.
std::vector<std::string> SourceTypeNames();

/// The path under the key `file`; an empty one is an error.
Result<std::filesystem::path> ParseFile(const Settings& settings,
                                        const std::filesystem::path& folder);

}  // namespace consilium
