#pragma once

// Measures in a table for people: "-" for what there is not.

#include <cstdint>
#include <optional>
#include <string>

#include "protocols/analyses/evaluate/measures.h"

namespace consilium::evaluate {

std::string NumberCell(const std::optional<double>& number, const char* form = "%.4f");
/// "0.847 (0.023)": the estimate and its standard error.
std::string WithStandardError(const std::optional<Measure>& measure);
/// The line above those of measures.
std::string MeasureHead(double confidence);
/// A measure's name, estimate, standard error and limits.
std::string MeasureLine(std::string name, const std::optional<Measure>& measure);

/// "303 patients (310 rows) with 164 events from 4 sites"
std::string CountsInWords(std::uint64_t patients, double rows, double events, std::uint32_t sites);
/// The name of a level in a table, cut and filled up to its column.
std::string LevelCell(const std::string& name);

}  // namespace consilium::evaluate
