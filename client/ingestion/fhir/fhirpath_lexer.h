#pragma once

// A FHIRPath expression as words.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace consilium {

inline constexpr std::size_t kMostFhirPathBytes = 8192;

enum class FhirTokenKind {
  kName,      ///< A word, also in backticks.
  kVariable,  ///< $this
  kConstant,  ///< %name
  kText,      ///< 'abc'
  kNumber,    ///< 12 or 1.5
  kDate,      ///< @2020-05-01
  kDateTime,  ///< @2020-05-01T10:00:00Z
  kTime,      ///< @T10:00:00
  kSymbol,    ///< ( ) [ ] { } . , + - * / = != < <= > >= and others that no subset has.
  kEnd
};

struct FhirToken {
  FhirTokenKind kind = FhirTokenKind::kEnd;
  std::string text;          ///< Without quotes and marks; escapes resolved.
  std::size_t position = 0;  ///< Of its first character, from 1.
  bool quoted = false;       ///< A name in backticks, which is never a keyword.
};

/// The error for a place in an expression: "at character 7 of \"name.\": ...".
tl::unexpected<Error> FailInFhirPath(std::string_view expression,
                                     std::size_t position,
                                     std::string message,
                                     std::string remedy = {});

/// The words, with one of kind kEnd behind the last.
Result<std::vector<FhirToken>> FhirPathTokens(std::string_view expression);

}  // namespace consilium
