#pragma once

// The part of FHIRPath that SQL on FHIR's view definitions are written in, parsed once and then
// evaluated on many resources. docs/source-file.md lists what it has.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/fhir/fhir_types.h"
#include "client/ingestion/fhir/json_document.h"
#include "common/result.h"

namespace consilium {

inline constexpr std::size_t kMostFhirPathDepth = 64;  ///< Of parentheses in one another.
inline constexpr std::size_t kMostFhirPathParts = 500;

enum class FhirItemKind : std::uint8_t {
  kObject,
  kText,
  kNumber,
  kBoolean,
  kDate,
  kDateTime,
  kTime
};

/// One value that a path yields. What it points to belongs to the resource, the path or the
/// evaluator.
struct FhirItem {
  std::string_view text = {};      ///< As written; of a kObject nothing.
  const JsonNode* node = nullptr;  ///< Of a kObject.
  FhirItemKind kind = FhirItemKind::kObject;
  FhirType type = kNoFhirType;  ///< Where the JSON or ofType() says it.
};

/// A constant of a view definition.
struct FhirConstant {
  FhirItemKind kind = FhirItemKind::kText;
  std::string text;
  FhirType type = kNoFhirType;
};
using FhirConstants = std::map<std::string, FhirConstant, std::less<>>;

/// A step from an object to its members of one name.
struct FhirStep {
  std::string name;
  FhirType type = kNoFhirType;     ///< Of an ofType() that follows.
  std::string choice_name = {};    ///< With that type: valueQuantity.
  std::string resource_type = {};  ///< Or of an ofType() that names a resource.
  std::string url = {};            ///< For extension('url').
  bool any_url = true;
  std::string extension_holder = {};  ///< "_name" if a step to "extension" follows; else empty.
};

enum class FhirPathKind : std::uint8_t {
  kNothing,   ///< {}
  kThis,      ///< $this
  kRowIndex,  ///< %rowIndex
  kLiteral,
  kSteps,
  kOfType,
  kIndex,
  kWhere,
  kExists,
  kEmpty,
  kFirst,
  kJoin,
  kNot,
  kLowBoundary,
  kHighBoundary,
  kResourceKey,
  kReferenceKey,
  kNegative,
  kOperator
};

enum class FhirOperator : std::uint8_t {
  kAnd,
  kOr,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kPlus,
  kMinus,
  kTimes,
  kOver
};
std::string_view Name(FhirOperator operation);

struct FhirPathNode {
  FhirPathKind kind = FhirPathKind::kNothing;
  std::size_t position = 1;                          ///< In the expression, for messages.
  std::unique_ptr<FhirPathNode> input = nullptr;     ///< What it is applied to; null: the focus.
  std::unique_ptr<FhirPathNode> argument = nullptr;  ///< Of a function; right of an operator.
  std::vector<FhirStep> steps = {};
  FhirConstant literal = {};
  FhirType type = kNoFhirType;     ///< Of kOfType, and what an untyped boundary is taken for.
  std::string resource_type = {};  ///< Of kOfType and kReferenceKey.
  FhirOperator operation = FhirOperator::kAnd;
};

/// What an expression may refer to.
struct FhirPathContext {
  const FhirConstants* constants = nullptr;
  std::string resource_type;           ///< So that Patient.name is name in a view of Patient.
  FhirType column_type = kNoFhirType;  ///< What the expression's value will be.
};

class FhirPath {
 public:
  /// Errors are kInvalidArgument and name the character.
  static Result<FhirPath> Parse(std::string_view expression, const FhirPathContext& context);

  const std::string& text() const { return text_; }
  const FhirPathNode& root() const { return *root_; }

 private:
  FhirPath(std::string text, std::unique_ptr<FhirPathNode> root)
      : text_(std::move(text)), root_(std::move(root)) {}

  std::string text_;
  std::unique_ptr<FhirPathNode> root_;
};

}  // namespace consilium
