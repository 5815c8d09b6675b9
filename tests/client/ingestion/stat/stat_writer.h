#pragma once

// Writes files of SAS, SPSS and Stata, for tests to read back.

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "client/ingestion/stat/stat_values.h"

namespace consilium {

struct Missing {
  char tag = '\0';  ///< 'a' to 'z' where the format has such.
};
using StatCell = std::variant<Missing, double, std::string>;

enum class StatStorage : std::uint8_t { kText, kDouble, kFloat, kInt32, kInt16, kInt8 };

struct WrittenVariable {
  std::string name;
  StatStorage storage = StatStorage::kDouble;
  std::string format = {};
  std::size_t width = 8;
  std::vector<std::pair<double, std::string>> labels = {};
  std::vector<std::pair<std::string, std::string>> text_labels = {};
  std::vector<std::pair<char, std::string>> tag_labels = {};
  std::vector<std::pair<double, double>> missing = {};  ///< Ranges; SPSS alone.
  std::vector<std::string> missing_texts = {};
};

struct StatTable {
  std::vector<WrittenVariable> variables;
  std::vector<std::vector<StatCell>> rows;
  int version = 0;  ///< The writer's own where it is 0.
  enum class Packing : std::uint8_t { kNone, kRows, kBinary } packing = Packing::kNone;
};

/// The file's bytes. A table that cannot be written is a failed test.
std::string Written(StatFormat format, const StatTable& table);

}  // namespace consilium
