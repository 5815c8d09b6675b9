#include "client/ingestion/fhir/fhirpath.h"

#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "client/ingestion/fhir/decimal.h"
#include "client/ingestion/fhir/fhirpath_lexer.h"
#include "common/names.h"

namespace consilium {
namespace {

using NodePtr = std::unique_ptr<FhirPathNode>;

struct Infix {
  std::string_view symbol;
  FhirOperator operation;
};
// From the loosest to the tightest.
using Level = std::vector<Infix>;
const std::vector<Level>& Levels() {
  static const std::vector<Level> kLevels = {
      {{"or", FhirOperator::kOr}},
      {{"and", FhirOperator::kAnd}},
      {{"=", FhirOperator::kEqual}, {"!=", FhirOperator::kNotEqual}},
      {{"<", FhirOperator::kLess},
       {"<=", FhirOperator::kLessOrEqual},
       {">", FhirOperator::kGreater},
       {">=", FhirOperator::kGreaterOrEqual}},
      {{"+", FhirOperator::kPlus}, {"-", FhirOperator::kMinus}},
      {{"*", FhirOperator::kTimes}, {"/", FhirOperator::kOver}}};
  return kLevels;
}

enum class Arguments { kNone, kOptional, kOne, kType, kOptionalType };

struct Function {
  std::string_view name;
  FhirPathKind kind;
  Arguments arguments;
};
constexpr std::array kFunctions = {
    Function{"where", FhirPathKind::kWhere, Arguments::kOne},
    Function{"exists", FhirPathKind::kExists, Arguments::kOptional},
    Function{"empty", FhirPathKind::kEmpty, Arguments::kNone},
    Function{"first", FhirPathKind::kFirst, Arguments::kNone},
    Function{"join", FhirPathKind::kJoin, Arguments::kOptional},
    Function{"not", FhirPathKind::kNot, Arguments::kNone},
    Function{"lowBoundary", FhirPathKind::kLowBoundary, Arguments::kNone},
    Function{"highBoundary", FhirPathKind::kHighBoundary, Arguments::kNone},
    Function{"getResourceKey", FhirPathKind::kResourceKey, Arguments::kNone},
    Function{"getReferenceKey", FhirPathKind::kReferenceKey, Arguments::kOptionalType},
    Function{"ofType", FhirPathKind::kOfType, Arguments::kType},
    Function{"extension", FhirPathKind::kSteps, Arguments::kOne}};

std::string FunctionNames() {
  std::vector<std::string> names;
  for (const Function& function : kFunctions) names.emplace_back(function.name);
  return JoinNames(names);
}

bool StartsUpper(std::string_view name) {
  return !name.empty() && std::isupper(static_cast<unsigned char>(name[0])) != 0;
}

NodePtr MakeNode(FhirPathKind kind, std::size_t position) {
  auto node = std::make_unique<FhirPathNode>();
  node->kind = kind;
  node->position = position;
  return node;
}

class Parser {
 public:
  Parser(std::string_view expression, const FhirPathContext& context, std::vector<FhirToken> tokens)
      : expression_(expression), context_(context), tokens_(std::move(tokens)) {}

  Result<NodePtr> Run() {
    if (Token().kind == FhirTokenKind::kEnd) return FailHere("the path is empty");
    TRY(NodePtr root, Expression(0));
    if (Token().kind != FhirTokenKind::kEnd) return FailUnexpected();
    return root;
  }

 private:
  // Whether the depth of what is being parsed still has room; gives it back when it goes.
  class Depth {
   public:
    explicit Depth(std::size_t& depth) : depth_(depth) { ++depth_; }
    ~Depth() { --depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    bool TooDeep() const { return depth_ > kMostFhirPathDepth; }

   private:
    std::size_t& depth_;
  };

  const FhirToken& Token() const { return tokens_[next_]; }
  bool IsSymbol(std::string_view symbol) const {
    return Token().kind == FhirTokenKind::kSymbol && Token().text == symbol;
  }
  bool TakeSymbol(std::string_view symbol) {
    if (!IsSymbol(symbol)) return false;
    ++next_;
    return true;
  }

  tl::unexpected<Error> FailHere(std::string message, std::string remedy = {}) const {
    return FailInFhirPath(expression_, Token().position, std::move(message), std::move(remedy));
  }
  tl::unexpected<Error> FailAt(std::size_t position,
                               std::string message,
                               std::string remedy = {}) const {
    return FailInFhirPath(expression_, position, std::move(message), std::move(remedy));
  }
  tl::unexpected<Error> FailUnexpected() const {
    if (Token().kind == FhirTokenKind::kEnd) return FailHere("the path ends too early");
    static const std::vector<std::string_view> kElsewhere = {
        "|", "&", "~", "!~", "is", "as", "in", "contains", "xor", "implies", "div", "mod"};
    for (const std::string_view word : kElsewhere) {
      if (Token().text == word) {
        return FailHere("\"" + Token().text + "\" is no operator of view definitions",
                        "These have and, or, =, !=, <, <=, >, >=, +, -, * and /.");
      }
    }
    return FailHere("\"" + Token().text + "\" cannot stand here");
  }
  Status Expect(std::string_view symbol) {
    if (TakeSymbol(symbol)) return {};
    if (Token().kind != FhirTokenKind::kEnd && !IsSymbol(")")) return FailUnexpected();
    return FailHere("\"" + std::string(symbol) + "\" is missing");
  }

  // A row of operators or steps leans to the left: its tree is as deep as it is long.
  Status CountPart() {
    if (++parts_ <= kMostFhirPathParts) return {};
    return FailHere("more than " + std::to_string(kMostFhirPathParts) + " steps and operators");
  }

  std::optional<FhirOperator> TakeOperator(const Level& level) {
    const FhirToken& token = Token();
    const bool word = token.kind == FhirTokenKind::kName && !token.quoted;
    if (!word && token.kind != FhirTokenKind::kSymbol) return std::nullopt;
    for (const Infix& infix : level) {
      if (infix.symbol != token.text) continue;
      ++next_;
      return infix.operation;
    }
    return std::nullopt;
  }

  Result<NodePtr> Expression(std::size_t level) {
    if (level == Levels().size()) return Signed();
    TRY(NodePtr left, Expression(level + 1));
    for (;;) {
      const std::size_t position = Token().position;
      const auto operation = TakeOperator(Levels()[level]);
      if (!operation) return left;
      TRY_STATUS(CountPart());
      TRY(NodePtr right, Expression(level + 1));
      NodePtr node = MakeNode(FhirPathKind::kOperator, position);
      node->operation = *operation;
      node->input = std::move(left);
      node->argument = std::move(right);
      left = std::move(node);
    }
  }

  Result<NodePtr> Signed() {
    const Depth depth(depth_);
    if (depth.TooDeep()) return FailHere("the path is nested too deeply");
    const std::size_t position = Token().position;
    if (TakeSymbol("+")) return Signed();
    if (!TakeSymbol("-")) return Invocations();
    NodePtr node = MakeNode(FhirPathKind::kNegative, position);
    TRY(node->input, Signed());
    return node;
  }

  Result<NodePtr> Invocations() {
    TRY(NodePtr node, Term());
    for (;;) {
      const std::size_t position = Token().position;
      if (!IsSymbol(".") && !IsSymbol("[")) return node;
      TRY_STATUS(CountPart());
      if (TakeSymbol(".")) {
        TRY(node, Invocation(std::move(node)));
      } else {
        ++next_;
        NodePtr index = MakeNode(FhirPathKind::kIndex, position);
        TRY(index->argument, Expression(0));
        TRY_STATUS(Expect("]"));
        index->input = std::move(node);
        node = std::move(index);
      }
    }
  }

  Result<NodePtr> Term() {
    const FhirToken token = Token();
    switch (token.kind) {
      case FhirTokenKind::kName:
        if (!token.quoted && (token.text == "true" || token.text == "false")) {
          return Literal(FhirItemKind::kBoolean);
        }
        return Invocation(nullptr);
      case FhirTokenKind::kVariable:
        if (token.text != "this") {
          return FailHere("$" + token.text + " does not exist here", "Use $this.");
        }
        ++next_;
        return MakeNode(FhirPathKind::kThis, token.position);
      case FhirTokenKind::kConstant:
        return Constant();
      case FhirTokenKind::kText:
        return Literal(FhirItemKind::kText);
      case FhirTokenKind::kNumber:
        if (!Decimal::Parse(token.text)) return FailHere("a number of more than 18 digits");
        return Literal(FhirItemKind::kNumber);
      case FhirTokenKind::kDate:
        return Literal(FhirItemKind::kDate);
      case FhirTokenKind::kDateTime:
        return Literal(FhirItemKind::kDateTime);
      case FhirTokenKind::kTime:
        return Literal(FhirItemKind::kTime);
      case FhirTokenKind::kSymbol:
      case FhirTokenKind::kEnd:
        break;
    }
    if (TakeSymbol("{")) {
      TRY_STATUS(Expect("}"));
      return MakeNode(FhirPathKind::kNothing, token.position);
    }
    if (!TakeSymbol("(")) return FailUnexpected();
    TRY(NodePtr inner, Expression(0));
    TRY_STATUS(Expect(")"));
    return inner;
  }

  Result<NodePtr> Literal(FhirItemKind kind) {
    NodePtr node = MakeNode(FhirPathKind::kLiteral, Token().position);
    node->literal = {kind, Token().text, kNoFhirType};
    ++next_;
    return node;
  }

  Result<NodePtr> Constant() {
    const FhirToken token = Token();
    ++next_;
    if (token.text == "rowIndex") return MakeNode(FhirPathKind::kRowIndex, token.position);
    std::vector<std::string> names;
    if (context_.constants != nullptr) {
      const auto found = context_.constants->find(token.text);
      if (found != context_.constants->end()) {
        NodePtr node = MakeNode(FhirPathKind::kLiteral, token.position);
        node->literal = found->second;
        return node;
      }
      for (const auto& [name, constant] : *context_.constants) names.push_back(name);
    }
    const std::string near = NearestName(token.text, names);
    return FailAt(token.position,
                  "%" + token.text + " is no constant of the view" +
                      (near.empty() ? "" : " (did you mean %" + near + "?)"),
                  "Define it under `constant`.");
  }

  // A member or function of `input`, or of the focus where that is null.
  Result<NodePtr> Invocation(NodePtr input) {
    const FhirToken token = Token();
    if (token.kind != FhirTokenKind::kName) return FailUnexpected();
    ++next_;
    if (IsSymbol("(") && !token.quoted) return Call(std::move(input), token);
    if (input == nullptr && arguments_ == 0 && token.text == context_.resource_type) {
      return MakeNode(FhirPathKind::kThis, token.position);
    }
    if (StartsUpper(token.text)) {
      return FailAt(token.position, "no element is called \"" + token.text + "\"",
                    "Elements start with a small letter.");
    }
    return AddStep(std::move(input), token.position, FhirStep{token.text});
  }

  // Steps in a row are one node; $this before them says nothing.
  static NodePtr AddStep(NodePtr input, std::size_t position, FhirStep step) {
    const bool extension = step.name == "extension";
    if (input != nullptr && input->kind == FhirPathKind::kThis) input = nullptr;
    if (input != nullptr && input->kind == FhirPathKind::kSteps) {
      // The extensions of a primitive element are beside it, in the member "_name".
      FhirStep& last = input->steps.back();
      if (extension) last.extension_holder = "_" + last.name;
      input->steps.push_back(std::move(step));
      return input;
    }
    NodePtr node = MakeNode(FhirPathKind::kSteps, position);
    node->input = std::move(input);
    node->steps.push_back(std::move(step));
    return node;
  }

  Result<NodePtr> Call(NodePtr input, const FhirToken& name) {
    const Function* function = nullptr;
    for (const Function& candidate : kFunctions) {
      if (candidate.name == name.text) function = &candidate;
    }
    if (function == nullptr) {
      return FailAt(name.position, "\"" + name.text + "\" is no function of view definitions",
                    "These have " + FunctionNames() + ".");
    }
    ++next_;  // The parenthesis.
    NodePtr node = MakeNode(function->kind, name.position);
    node->input = std::move(input);
    TRY_STATUS(ParseArguments(function->arguments, *node));
    TRY_STATUS(Expect(")"));
    if (node->kind == FhirPathKind::kOfType) return OfType(std::move(node));
    if (node->kind == FhirPathKind::kSteps) return Extension(std::move(node));
    if (node->kind == FhirPathKind::kLowBoundary || node->kind == FhirPathKind::kHighBoundary) {
      node->type = context_.column_type;
    }
    return node;
  }

  Status ParseArguments(Arguments arguments, FhirPathNode& node) {
    const bool optional =
        arguments == Arguments::kOptional || arguments == Arguments::kOptionalType;
    if (arguments == Arguments::kNone || (optional && IsSymbol(")"))) return {};
    if (arguments == Arguments::kType || arguments == Arguments::kOptionalType) {
      return TypeArgument(node);
    }
    // Within it another element than the resource is in focus.
    ++arguments_;
    TRY(node.argument, Expression(0));
    --arguments_;
    return {};
  }

  // Quantity, FHIR.Quantity, and for references also 'Patient'.
  Status TypeArgument(FhirPathNode& node) {
    const FhirToken token = Token();
    const bool text = token.kind == FhirTokenKind::kText && node.kind != FhirPathKind::kOfType;
    if (token.kind != FhirTokenKind::kName && !text) {
      return FailHere("the name of a type belongs here");
    }
    ++next_;
    std::string name = token.text;
    if (name == "FHIR" && TakeSymbol(".")) {
      if (Token().kind != FhirTokenKind::kName) return FailUnexpected();
      name = Token().text;
      ++next_;
    }
    const auto type = FindFhirType(name);
    if (type && node.kind == FhirPathKind::kOfType) {
      node.type = *type;
      return {};
    }
    static const std::vector<std::string_view> kSystemTypes = {
        "String", "Boolean", "Integer", "Decimal", "DateTime", "Date", "Time"};
    for (const std::string_view system : kSystemTypes) {
      if (name == system) return FailAt(token.position, UnknownFhirType(name));
    }
    // Whatever else starts with a capital letter may be a resource.
    if (type || !StartsUpper(name)) {
      return FailAt(token.position,
                    node.kind == FhirPathKind::kOfType
                        ? UnknownFhirType(name)
                        : "no resource is called \"" + name + "\", as in getReferenceKey(Patient)");
    }
    node.resource_type = std::move(name);
    return {};
  }

  static Result<NodePtr> OfType(NodePtr node) {
    NodePtr& input = node->input;
    if (input == nullptr || input->kind != FhirPathKind::kSteps) return node;
    FhirStep& step = input->steps.back();
    if (step.type != kNoFhirType || !step.resource_type.empty() || !step.any_url) return node;
    step.type = node->type;
    step.resource_type = node->resource_type;
    if (step.type != kNoFhirType) step.choice_name = ChoiceName(step.name, step.type);
    return std::move(input);
  }

  Result<NodePtr> Extension(NodePtr node) {
    if (node->argument->kind != FhirPathKind::kLiteral ||
        node->argument->literal.kind != FhirItemKind::kText) {
      return FailAt(node->argument->position, "extension() takes the extension's url in quotes");
    }
    FhirStep step{"extension"};
    step.url = node->argument->literal.text;
    step.any_url = false;
    return AddStep(std::move(node->input), node->position, std::move(step));
  }

  std::string_view expression_;
  const FhirPathContext& context_;
  std::vector<FhirToken> tokens_;
  std::size_t next_ = 0;
  std::size_t depth_ = 0;
  std::size_t parts_ = 0;
  std::size_t arguments_ = 0;
};

}  // namespace

std::string_view Name(FhirOperator operation) {
  for (const Level& level : Levels()) {
    for (const Infix& infix : level) {
      if (infix.operation == operation) return infix.symbol;
    }
  }
  return "";
}

Result<FhirPath> FhirPath::Parse(std::string_view expression, const FhirPathContext& context) {
  TRY(std::vector<FhirToken> tokens, FhirPathTokens(expression));
  TRY(auto root, Parser(expression, context, std::move(tokens)).Run());
  return FhirPath(std::string(expression), std::move(root));
}

}  // namespace consilium
