#pragma once

// The plots of client/quality/quality_page.h.

#include <cstdint>
#include <string>
#include <vector>

#include "client/quality/quality_report.h"

namespace consilium {

/// Counts of rows, or of what `counted` says, as bars in a table, so that they can be read on a
/// telephone and aloud.
class BarTable {
 public:
  /// Shares are of `whole`.
  BarTable(std::string caption,
           std::string heading,
           std::uint64_t whole,
           std::string counted = "Rows")
      : caption_(std::move(caption)),
        heading_(std::move(heading)),
        whole_(whole),
        counted_(std::move(counted)) {}

  /// `detail` stands small below the label; may be empty.
  void Add(std::string label, std::string detail, std::uint64_t count) {
    bars_.push_back({std::move(label), std::move(detail), count});
  }
  std::string Html() const;

 private:
  struct Bar {
    std::string label;
    std::string detail;
    std::uint64_t count = 0;
  };
  std::string caption_;
  std::string heading_;
  std::uint64_t whole_;
  std::string counted_;
  std::vector<Bar> bars_;
};

/// A histogram for each number, bars for each category. The report has a profile.
std::string DistributionSection(const QualityReport& report);
/// The same beside the federation's, where a finished summary is known; or what would be needed.
std::string FederationSection(const QualityReport& report);
/// Rows, gaps and means by month, quarter or year. The report has a calendar.
std::string CalendarSection(const QualityReport& report);

}  // namespace consilium
