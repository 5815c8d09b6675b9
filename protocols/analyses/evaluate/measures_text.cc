#include "protocols/analyses/evaluate/measures_text.h"

#include <cstdio>

#include "protocols/analyses/glm/tables.h"

namespace consilium::evaluate {
namespace {

constexpr std::size_t kNameWidth = 34;

std::string Limits(const Measure& measure) {
  return NumberCell(measure.low) + " to " + NumberCell(measure.high);
}

}  // namespace

std::string NumberCell(const std::optional<double>& number, const char* form) {
  if (!number) return "-";
  char text[64];
  std::snprintf(text, sizeof text, form, *number);
  return text;
}

std::string WithStandardError(const std::optional<Measure>& measure) {
  if (!measure) return "-";
  return NumberCell(measure->estimate, "%.3f") + " (" + NumberCell(measure->std_error, "%.3f") +
         ")";
}

std::string MeasureHead(double confidence) {
  std::string head = "\nmeasure";
  head.resize(kNameWidth + 1, ' ');
  return head + glm::Right("estimate", 10) + glm::Right("std. error", 12) +
         glm::Right(NumberCell(100 * confidence, "%.4g") + " % CI", 24) + "\n";
}

std::string MeasureLine(std::string name, const std::optional<Measure>& measure) {
  name.resize(kNameWidth, ' ');
  if (!measure) return name + glm::Right("-", 10) + "\n";
  return name + glm::Right(NumberCell(measure->estimate), 10) +
         glm::Right(NumberCell(measure->std_error), 12) + glm::Right(Limits(*measure), 24) + "\n";
}

std::string CountsInWords(std::uint64_t patients, double rows, double events, std::uint32_t sites) {
  const auto counted = [](double count, const char* one, const char* several) {
    return glm::Counted(static_cast<std::uint64_t>(count), one, several);
  };
  return glm::Counted(patients, "patient", "patients") +
         (rows == static_cast<double>(patients) ? std::string()
                                                : " (" + counted(rows, "row", "rows") + ")") +
         " with " + counted(events, "event", "events") + " from " +
         glm::Counted(sites, "site", "sites");
}

std::string LevelCell(const std::string& name) {
  std::string cell = name.substr(0, 30);
  cell.resize(32, ' ');
  return cell;
}

}  // namespace consilium::evaluate
