#pragma once

// The quality report as a page with plots, for a screen or a printer. For the site's own eyes:
// counts and places, as the report, and never a value, should it be sent on by mistake all the
// same.

#include <string>
#include <string_view>

#include "client/quality/quality_report.h"
#include "common/result.h"

namespace consilium {

struct QualityPageHead {
  std::string study;    ///< The plan's title.
  std::string number;   ///< The study's.
  std::string problem;  ///< Why the study could not be answered here; empty where it could.
};

/// Self-contained HTML; the same report gives the same bytes.
std::string QualityPage(const QualityPageHead& head, const QualityReport& report);

/// Whether these bytes begin as a page of QualityPage does: such a file may be written anew.
bool IsQualityPage(std::string_view bytes);

}  // namespace consilium
