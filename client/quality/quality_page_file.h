#pragma once

// Where a quality page is kept: in a file that only this user can read.

#include <filesystem>

#include "client/quality/quality_page.h"
#include "common/result.h"

namespace consilium {

enum class Replace { kOwnPages, kAnyFile };

/// kConflict where something is at the path that may not be replaced: a folder, a link, a device;
/// with kOwnPages any file that is no earlier page of this program.
Status MayWriteQualityPage(const std::filesystem::path& path, Replace replace);

/// Mode 0600, whatever was there. Asks MayWriteQualityPage nothing: do so before a long reading.
Status WriteQualityPage(const std::filesystem::path& path,
                        const QualityPageHead& head,
                        const QualityReport& report);

}  // namespace consilium
