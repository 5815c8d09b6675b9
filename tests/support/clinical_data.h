#pragma once

// Real clinical data, which are never part of the project.

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace consilium {

/// A folder of the data: in CONSILIUM_TEST_DATA, or in shared/data beside the sources.
inline std::filesystem::path ClinicalData(const std::string& folder) {
  const char* set = std::getenv("CONSILIUM_TEST_DATA");
  const std::filesystem::path data =
      set != nullptr ? std::filesystem::path(set)
                     : std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "../shared/data";
  return data / folder;
}

}  // namespace consilium

/// Skips a test that needs this folder, saying where it was sought.
#define REQUIRE_CLINICAL_DATA(folder)                                                  \
  if (!std::filesystem::exists(::consilium::ClinicalData(folder))) {                   \
    GTEST_SKIP() << "no clinical test data at " << ::consilium::ClinicalData(folder)   \
                 << "; set CONSILIUM_TEST_DATA to the folder that holds " << (folder); \
  }
