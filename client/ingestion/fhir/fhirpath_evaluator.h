#pragma once

// Evaluates paths on a resource. Keeps its memory for the next one.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/fhir/fhirpath.h"
#include "client/ingestion/fhir/json_document.h"
#include "common/result.h"

namespace consilium {

/// Texts that one resource may have made, all together.
inline constexpr std::size_t kMostMadeTextBytes = 16U << 20U;

using FhirItems = std::vector<FhirItem>;

class FhirPathEvaluator {
 public:
  /// Frees the texts that paths have made: their items are no longer good.
  void Reset();

  /// Appends to `items` what the path yields on `focus`, null where there is nothing. Errors are
  /// kDataQuality and name the place in the path, never a value.
  Status Evaluate(const FhirPath& path,
                  const FhirItem* focus,
                  std::size_t row_index,
                  FhirItems& items);
  /// The same for a criterion: true or false, or empty if the path yields nothing.
  Result<std::optional<bool>> EvaluateCriterion(const FhirPath& path, const FhirItem* focus);

 private:
  struct Scope;
  Status Run(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunInput(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunSteps(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunOfType(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunKey(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunNot(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunIndex(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunWhere(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunExists(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunJoin(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunBoundary(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunOperator(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunLogic(const FhirPathNode& node, const Scope& scope, FhirItems& items);
  Status RunEquality(const FhirPathNode& node,
                     const Scope& scope,
                     std::size_t left,
                     std::size_t right,
                     FhirItems& items);
  Status RunOrder(const FhirPathNode& node,
                  const Scope& scope,
                  const FhirItem& left,
                  const FhirItem& right,
                  FhirItems& items);
  Status RunArithmetic(const FhirPathNode& node,
                       const Scope& scope,
                       const FhirItem& left,
                       const FhirItem& right,
                       FhirItems& items);
  Result<std::optional<bool>> Truth(const FhirPathNode& node,
                                    const Scope& scope,
                                    const FhirItems& items,
                                    std::size_t from) const;
  Result<std::string_view> Keep(const FhirPathNode& node, const Scope& scope, std::string text);

  std::deque<std::string> texts_;
  std::size_t text_bytes_ = 0;
  FhirItems criterion_;
};

}  // namespace consilium
