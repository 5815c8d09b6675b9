#include "client/ingestion/fhir/fhirpath_evaluator.h"

#include <algorithm>
#include <utility>

#include "client/ingestion/fhir/decimal.h"
#include "client/ingestion/fhir/fhir_boundary.h"
#include "client/ingestion/fhir/fhir_compare.h"
#include "client/ingestion/fhir/fhir_reference.h"
#include "client/ingestion/fhir/fhirpath_steps.h"

namespace consilium {

struct FhirPathEvaluator::Scope {
  const FhirPath& path;
  const FhirItem* focus;
  std::size_t row_index;
};

namespace {

FhirItem BooleanItem(bool value) {
  return FhirItem{value ? "true" : "false", nullptr, FhirItemKind::kBoolean, kNoFhirType};
}

FhirItem TextItem(std::string_view text, FhirItemKind kind) {
  return FhirItem{text, nullptr, kind, kNoFhirType};
}

std::string_view KindInWords(FhirItemKind kind) {
  switch (kind) {
    case FhirItemKind::kObject:
      return "an object";
    case FhirItemKind::kText:
      return "a text";
    case FhirItemKind::kNumber:
      return "a number";
    case FhirItemKind::kBoolean:
      return "yes or no";
    case FhirItemKind::kDate:
    case FhirItemKind::kDateTime:
    case FhirItemKind::kTime:
      return "a date or time";
  }
  return "";
}

tl::unexpected<Error> FailAtNode(std::string_view path,
                                 const FhirPathNode& node,
                                 std::string message,
                                 std::string remedy = {}) {
  return Fail(ErrorCode::kDataQuality,
              "at character " + std::to_string(node.position) + " of \"" + std::string(path) +
                  "\": " + message,
              std::move(remedy));
}

void Truncate(FhirItems& items, std::size_t size) {
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(size), items.end());
}

// Puts one item in the place of all from there on.
void Replace(FhirItems& items, std::size_t from, const FhirItem& item) {
  Truncate(items, from);
  items.push_back(item);
}

}  // namespace

void FhirPathEvaluator::Reset() {
  texts_.clear();
  text_bytes_ = 0;
}

Status FhirPathEvaluator::Evaluate(const FhirPath& path,
                                   const FhirItem* focus,
                                   std::size_t row_index,
                                   FhirItems& items) {
  return Run(path.root(), Scope{path, focus, row_index}, items);
}

Result<std::optional<bool>> FhirPathEvaluator::EvaluateCriterion(const FhirPath& path,
                                                                 const FhirItem* focus) {
  criterion_.clear();
  const Scope scope{path, focus, 0};
  TRY_STATUS(Run(path.root(), scope, criterion_));
  if (criterion_.empty()) return std::optional<bool>();
  if (criterion_.size() > 1 || criterion_[0].kind != FhirItemKind::kBoolean) {
    return FailAtNode(
        path.text(), path.root(),
        criterion_.size() > 1
            ? std::to_string(criterion_.size()) + " values, where yes or no belongs"
            : std::string(KindInWords(criterion_[0].kind)) + ", where yes or no belongs",
        "Compare it with something, or ask whether it is there with exists().");
  }
  return std::optional<bool>(criterion_[0].text == "true");
}

Result<std::string_view> FhirPathEvaluator::Keep(const FhirPathNode& node,
                                                 const Scope& scope,
                                                 std::string text) {
  text_bytes_ += text.size() + sizeof(std::string);
  if (text_bytes_ > kMostMadeTextBytes) {
    return FailAtNode(scope.path.text(), node,
                      "more than " + std::to_string(kMostMadeTextBytes) +
                          " bytes of text made from one resource");
  }
  texts_.push_back(std::move(text));
  return std::string_view(texts_.back());
}

Status FhirPathEvaluator::Run(const FhirPathNode& node, const Scope& scope, FhirItems& items) {
  const std::size_t from = items.size();
  switch (node.kind) {
    case FhirPathKind::kNothing:
      return {};
    case FhirPathKind::kThis:
      if (scope.focus != nullptr) items.push_back(*scope.focus);
      return {};
    case FhirPathKind::kRowIndex: {
      TRY(const std::string_view text, Keep(node, scope, std::to_string(scope.row_index)));
      items.push_back(TextItem(text, FhirItemKind::kNumber));
      return {};
    }
    case FhirPathKind::kLiteral:
      items.push_back(FhirItem{node.literal.text, nullptr, node.literal.kind, node.literal.type});
      return {};
    case FhirPathKind::kSteps:
      return RunSteps(node, scope, items);
    case FhirPathKind::kOfType:
      return RunOfType(node, scope, items);
    case FhirPathKind::kIndex:
      return RunIndex(node, scope, items);
    case FhirPathKind::kWhere:
      return RunWhere(node, scope, items);
    case FhirPathKind::kExists:
      return RunExists(node, scope, items);
    case FhirPathKind::kEmpty: {
      TRY_STATUS(RunInput(node, scope, items));
      Replace(items, from, BooleanItem(items.size() == from));
      return {};
    }
    case FhirPathKind::kFirst:
      TRY_STATUS(RunInput(node, scope, items));
      if (items.size() > from + 1) Truncate(items, from + 1);
      return {};
    case FhirPathKind::kJoin:
      return RunJoin(node, scope, items);
    case FhirPathKind::kNot:
      return RunNot(node, scope, items);
    case FhirPathKind::kLowBoundary:
    case FhirPathKind::kHighBoundary:
      return RunBoundary(node, scope, items);
    case FhirPathKind::kResourceKey:
    case FhirPathKind::kReferenceKey:
      return RunKey(node, scope, items);
    case FhirPathKind::kNegative:
    case FhirPathKind::kOperator:
      return RunOperator(node, scope, items);
  }
  return {};
}

Status FhirPathEvaluator::RunOfType(const FhirPathNode& node,
                                    const Scope& scope,
                                    FhirItems& items) {
  const auto from = static_cast<std::ptrdiff_t>(items.size());
  TRY_STATUS(RunInput(node, scope, items));
  const auto other = [&](const FhirItem& item) {
    return !IsOfType(item, node.type, node.resource_type);
  };
  items.erase(std::remove_if(items.begin() + from, items.end(), other), items.end());
  return {};
}

Status FhirPathEvaluator::RunKey(const FhirPathNode& node, const Scope& scope, FhirItems& items) {
  std::size_t kept = items.size();
  TRY_STATUS(RunInput(node, scope, items));
  for (std::size_t i = kept; i < items.size(); ++i) {
    const auto key = node.kind == FhirPathKind::kResourceKey
                         ? ResourceKey(items[i])
                         : ReferenceKey(items[i], node.resource_type);
    if (key) items[kept++] = TextItem(*key, FhirItemKind::kText);
  }
  Truncate(items, kept);
  return {};
}

Status FhirPathEvaluator::RunNot(const FhirPathNode& node, const Scope& scope, FhirItems& items) {
  const std::size_t from = items.size();
  TRY_STATUS(RunInput(node, scope, items));
  TRY(const std::optional<bool> truth, Truth(node, scope, items, from));
  Truncate(items, from);
  if (truth) items.push_back(BooleanItem(!*truth));
  return {};
}

Status FhirPathEvaluator::RunInput(const FhirPathNode& node, const Scope& scope, FhirItems& items) {
  if (node.input != nullptr) return Run(*node.input, scope, items);
  if (scope.focus != nullptr) items.push_back(*scope.focus);
  return {};
}

Status FhirPathEvaluator::RunSteps(const FhirPathNode& node, const Scope& scope, FhirItems& items) {
  if (node.input == nullptr) {
    if (scope.focus != nullptr) WalkSteps(*scope.focus, node.steps, items);
    return {};
  }
  const std::size_t from = items.size();
  TRY_STATUS(Run(*node.input, scope, items));
  const std::size_t until = items.size();
  for (std::size_t i = from; i < until; ++i) {
    const FhirItem item = items[i];
    WalkSteps(item, node.steps, items);
  }
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(from),
              items.begin() + static_cast<std::ptrdiff_t>(until));
  return {};
}

Status FhirPathEvaluator::RunIndex(const FhirPathNode& node, const Scope& scope, FhirItems& items) {
  const std::size_t from = items.size();
  TRY_STATUS(RunInput(node, scope, items));
  const std::size_t until = items.size();
  TRY_STATUS(Run(*node.argument, scope, items));
  std::optional<std::int64_t> index;
  if (items.size() == until) {
    Truncate(items, from);
    return {};
  }
  if (items.size() == until + 1 && items[until].kind == FhirItemKind::kNumber) {
    if (const auto number = Decimal::Parse(items[until].text)) index = number->Whole();
  }
  if (!index) return FailAtNode(scope.path.text(), node, "[ ] takes one whole number");
  const bool there = *index >= 0 && static_cast<std::size_t>(*index) < until - from;
  if (there) items[from] = items[from + static_cast<std::size_t>(*index)];
  Truncate(items, there ? from + 1 : from);
  return {};
}

Status FhirPathEvaluator::RunWhere(const FhirPathNode& node, const Scope& scope, FhirItems& items) {
  const std::size_t from = items.size();
  TRY_STATUS(RunInput(node, scope, items));
  const std::size_t until = items.size();
  std::size_t kept = from;
  for (std::size_t i = from; i < until; ++i) {
    const FhirItem item = items[i];
    TRY_STATUS(Run(*node.argument, Scope{scope.path, &item, scope.row_index}, items));
    TRY(const std::optional<bool> truth, Truth(node, scope, items, until));
    Truncate(items, until);
    if (truth.value_or(false)) items[kept++] = item;
  }
  Truncate(items, kept);
  return {};
}

Status FhirPathEvaluator::RunExists(const FhirPathNode& node,
                                    const Scope& scope,
                                    FhirItems& items) {
  const std::size_t from = items.size();
  if (node.argument != nullptr) {
    TRY_STATUS(RunWhere(node, scope, items));
  } else {
    TRY_STATUS(RunInput(node, scope, items));
  }
  Replace(items, from, BooleanItem(items.size() > from));
  return {};
}

Status FhirPathEvaluator::RunJoin(const FhirPathNode& node, const Scope& scope, FhirItems& items) {
  const std::size_t from = items.size();
  TRY_STATUS(RunInput(node, scope, items));
  const std::size_t until = items.size();
  std::string_view separator;
  if (node.argument != nullptr) {
    TRY_STATUS(Run(*node.argument, scope, items));
    if (items.size() != until + 1 || items[until].kind != FhirItemKind::kText) {
      return FailAtNode(scope.path.text(), node, "join() takes one text");
    }
    separator = items[until].text;
  }
  std::string joined;
  for (std::size_t i = from; i < until; ++i) {
    if (items[i].kind == FhirItemKind::kObject) {
      return FailAtNode(scope.path.text(), node, "join() of an object",
                        "Name one of its elements before join().");
    }
    if (i > from) joined += separator;
    joined += items[i].text;
  }
  TRY(const std::string_view text, Keep(node, scope, std::move(joined)));
  Replace(items, from, TextItem(text, FhirItemKind::kText));
  return {};
}

Status FhirPathEvaluator::RunBoundary(const FhirPathNode& node,
                                      const Scope& scope,
                                      FhirItems& items) {
  const bool low = node.kind == FhirPathKind::kLowBoundary;
  const std::size_t from = items.size();
  TRY_STATUS(RunInput(node, scope, items));
  if (items.size() > from + 1) {
    return FailAtNode(scope.path.text(), node,
                      std::to_string(items.size() - from) + " values, where one belongs",
                      "Take one of them, for instance with first().");
  }
  if (items.size() == from) return {};
  const auto boundary =
      low ? LowBoundary(items[from], node.type) : HighBoundary(items[from], node.type);
  Truncate(items, from);
  if (!boundary) return {};
  TRY(const std::string_view text, Keep(node, scope, boundary->text));
  items.push_back(TextItem(text, boundary->kind));
  return {};
}

// Empty is neither; whatever else is there alone counts as true, as FHIRPath has it.
Result<std::optional<bool>> FhirPathEvaluator::Truth(const FhirPathNode& node,
                                                     const Scope& scope,
                                                     const FhirItems& items,
                                                     std::size_t from) const {
  if (items.size() == from) return std::optional<bool>();
  if (items.size() > from + 1) {
    return FailAtNode(scope.path.text(), node,
                      std::to_string(items.size() - from) + " values, where yes or no belongs",
                      "Ask whether there is any with exists().");
  }
  if (items[from].kind != FhirItemKind::kBoolean) return std::optional<bool>(true);
  return std::optional<bool>(items[from].text == "true");
}

Status FhirPathEvaluator::RunOperator(const FhirPathNode& node,
                                      const Scope& scope,
                                      FhirItems& items) {
  const bool negative = node.kind == FhirPathKind::kNegative;
  if (!negative && (node.operation == FhirOperator::kAnd || node.operation == FhirOperator::kOr)) {
    return RunLogic(node, scope, items);
  }
  const std::size_t left = items.size();
  TRY_STATUS(Run(*node.input, scope, items));
  const std::size_t right = items.size();
  if (!negative) TRY_STATUS(Run(*node.argument, scope, items));
  if (left == right || (!negative && right == items.size())) {
    Truncate(items, left);
    return {};
  }
  if (!negative &&
      (node.operation == FhirOperator::kEqual || node.operation == FhirOperator::kNotEqual)) {
    return RunEquality(node, scope, left, right, items);
  }
  const std::size_t most = std::max(right - left, items.size() - right);
  if (most > 1) {
    return FailAtNode(scope.path.text(), node,
                      std::to_string(most) + " values on one side, where one belongs",
                      "Take one of them, for instance with first() or where().");
  }
  const FhirItem a = items[left];
  if (negative) {
    const auto number =
        a.kind == FhirItemKind::kNumber ? Decimal::Parse(a.text) : std::optional<Decimal>();
    if (!number) return FailAtNode(scope.path.text(), node, "- before what is no number");
    TRY(const std::string_view text, Keep(node, scope, number->Negated().ToText()));
    Replace(items, left, TextItem(text, FhirItemKind::kNumber));
    return {};
  }
  const FhirItem b = items[right];
  Truncate(items, left);
  if (node.operation >= FhirOperator::kPlus) return RunArithmetic(node, scope, a, b, items);
  return RunOrder(node, scope, a, b, items);
}

Status FhirPathEvaluator::RunLogic(const FhirPathNode& node, const Scope& scope, FhirItems& items) {
  const std::size_t from = items.size();
  // What settles the result whatever the other side is: false for `and`, true for `or`.
  const bool settles = node.operation == FhirOperator::kOr;
  bool unknown = false;
  for (const FhirPathNode* side : {node.input.get(), node.argument.get()}) {
    TRY_STATUS(Run(*side, scope, items));
    TRY(const std::optional<bool> truth, Truth(node, scope, items, from));
    Truncate(items, from);
    if (truth == settles) {
      items.push_back(BooleanItem(settles));
      return {};
    }
    unknown = unknown || !truth;
  }
  if (!unknown) items.push_back(BooleanItem(!settles));
  return {};
}

Status FhirPathEvaluator::RunEquality(const FhirPathNode& node,
                                      const Scope& scope,
                                      std::size_t left,
                                      std::size_t right,
                                      FhirItems& items) {
  const bool equal_asked = node.operation == FhirOperator::kEqual;
  bool equal = right - left == items.size() - right;
  bool unknown = false;
  for (std::size_t i = left; equal && i < right; ++i) {
    const FhirOrder order = CompareFhir(items[i], items[right + (i - left)]);
    if (order == FhirOrder::kTooLong) {
      return FailAtNode(scope.path.text(), node, "a number of more than 18 digits is compared");
    }
    unknown = unknown || order == FhirOrder::kUnknown;
    equal = order == FhirOrder::kEqual || order == FhirOrder::kUnknown;
  }
  Truncate(items, left);
  if (!equal || !unknown) items.push_back(BooleanItem(equal == equal_asked));
  return {};
}

Status FhirPathEvaluator::RunOrder(const FhirPathNode& node,
                                   const Scope& scope,
                                   const FhirItem& left,
                                   const FhirItem& right,
                                   FhirItems& items) {
  const FhirOrder order = CompareFhir(left, right);
  const bool has_order = left.kind != FhirItemKind::kBoolean && left.kind != FhirItemKind::kObject;
  if (order == FhirOrder::kTooLong) {
    return FailAtNode(scope.path.text(), node, "a number of more than 18 digits is compared");
  }
  if (order == FhirOrder::kUnequal || !has_order) {
    return FailAtNode(scope.path.text(), node,
                      std::string(KindInWords(left.kind)) + " and " +
                          std::string(KindInWords(right.kind)) + " have no order",
                      "Compare elements of one kind, for instance with ofType().");
  }
  if (order == FhirOrder::kUnknown) return {};
  bool truth = false;
  switch (node.operation) {
    case FhirOperator::kLess:
      truth = order == FhirOrder::kLess;
      break;
    case FhirOperator::kLessOrEqual:
      truth = order != FhirOrder::kGreater;
      break;
    case FhirOperator::kGreater:
      truth = order == FhirOrder::kGreater;
      break;
    default:
      truth = order != FhirOrder::kLess;
  }
  items.push_back(BooleanItem(truth));
  return {};
}

Status FhirPathEvaluator::RunArithmetic(const FhirPathNode& node,
                                        const Scope& scope,
                                        const FhirItem& left,
                                        const FhirItem& right,
                                        FhirItems& items) {
  if (node.operation == FhirOperator::kPlus && left.kind == FhirItemKind::kText &&
      right.kind == FhirItemKind::kText) {
    TRY(const std::string_view text,
        Keep(node, scope, std::string(left.text) + std::string(right.text)));
    items.push_back(TextItem(text, FhirItemKind::kText));
    return {};
  }
  if (left.kind != FhirItemKind::kNumber || right.kind != FhirItemKind::kNumber) {
    return FailAtNode(scope.path.text(), node,
                      std::string(KindInWords(left.kind)) + " " +
                          std::string(Name(node.operation)) + " " +
                          std::string(KindInWords(right.kind)) + " has no meaning",
                      "Compute with numbers; of a Quantity take .value.");
  }
  const auto a = Decimal::Parse(left.text);
  const auto b = Decimal::Parse(right.text);
  std::optional<Decimal> result;
  if (a && b) {
    if (node.operation == FhirOperator::kOver && b->Compare(Decimal(0)) == 0) return {};
    result = node.operation == FhirOperator::kPlus    ? a->Plus(*b)
             : node.operation == FhirOperator::kMinus ? a->Minus(*b)
             : node.operation == FhirOperator::kTimes ? a->Times(*b)
                                                      : a->Over(*b);
  }
  if (!result) return FailAtNode(scope.path.text(), node, "a number of more than 18 digits");
  TRY(const std::string_view text, Keep(node, scope, result->ToText()));
  items.push_back(TextItem(text, FhirItemKind::kNumber));
  return {};
}

}  // namespace consilium
