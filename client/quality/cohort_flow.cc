#include "client/quality/cohort_flow.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string_view>

#include "common/terminal.h"

namespace consilium {
namespace {

constexpr std::size_t kNumberWidth = 8;

std::string Patients(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " patient" : " patients");
}

/// " (412 rows)" where a row is not a patient.
std::string OfRows(std::uint64_t patients, std::uint64_t rows) {
  if (rows == patients) return {};
  return " (" + std::to_string(rows) + (rows == 1 ? " row)" : " rows)");
}

std::string Total(std::uint64_t patients, std::uint64_t rows, std::string_view where) {
  const std::string digits = std::to_string(patients);
  const std::string indent(kNumberWidth - std::min(kNumberWidth, digits.size()), ' ');
  return indent + Patients(patients) + " " + std::string(where) + OfRows(patients, rows) + "\n";
}

/// Text that hangs on the bar of the chart.
std::string Hanging(const std::string& words, const std::string& bar, std::size_t width) {
  std::istringstream lines(Wrapped(words, width - bar.size() - 4, 0));
  std::string hanging;
  for (std::string line; std::getline(lines, line);) {
    hanging += bar + (hanging.empty() ? "+-- " : "|   ") + line + "\n";
  }
  return hanging;
}

}  // namespace

std::string FlowChart(const CohortFlow& flow, std::size_t width) {
  const std::string bar(kNumberWidth - 1, ' ');
  std::string chart = Total(flow.patients_read, flow.rows_read, "in the data");
  std::uint64_t left = flow.patients_read;
  for (const CohortFlow::Step& step : flow.removed) {
    left -= std::min(left, step.patients);
    const std::string words = std::to_string(step.patients) + " removed" +
                              OfRows(step.patients, step.rows) + ", " + std::to_string(left) +
                              " left: " + step.reason;
    chart += bar + "|\n" + Hanging(words, bar, width);
  }
  chart += bar + "v\n";
  return chart + Total(flow.patients_left, flow.rows_left, "in the cohort");
}

}  // namespace consilium
