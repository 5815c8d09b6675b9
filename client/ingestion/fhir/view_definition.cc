#include "client/ingestion/fhir/view_definition.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "client/ingestion/fhir/decimal.h"
#include "client/ingestion/fhir/fhir_time.h"
#include "common/named_file.h"
#include "common/names.h"

namespace consilium {
namespace {

constexpr std::size_t kMostViewBytes = 4U << 20U;
constexpr std::size_t kMostNestedSelects = 20;

using Names = std::vector<std::string>;

// Elements that any FHIR element may have and that mean nothing here.
bool IsPlainElement(std::string_view key) {
  return key == "id" || key == "extension" || key == "modifierExtension" || key == "description" ||
         key.starts_with('_');
}

bool IsColumnName(std::string_view name) {
  const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
}

std::string At(std::string_view place, std::string_view key) {
  return std::string(place) + (place.empty() ? "" : ".") + std::string(key);
}

std::string At(std::string_view place, std::string_view key, std::size_t index) {
  return At(place, key) + "[" + std::to_string(index) + "]";
}

std::string_view InWords(JsonKind kind) {
  switch (kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kBoolean:
      return "true or false";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kString:
      return "a text";
    case JsonKind::kArray:
      return "a list";
    case JsonKind::kObject:
      return "an object";
  }
  return "";
}

// The value[x] of a constant: its type by name, and what JSON it is.
std::optional<FhirItemKind> KindOfConstant(FhirType type, const JsonNode& value) {
  const bool text = value.kind == JsonKind::kString;
  switch (FormOf(type)) {
    case FhirForm::kText:
      return text ? std::optional(FhirItemKind::kText) : std::nullopt;
    case FhirForm::kDate:
      return text && Temporal::ParseDate(value.text) ? std::optional(FhirItemKind::kDate)
                                                     : std::nullopt;
    case FhirForm::kDateTime:
      return text && Temporal::ParseDateTime(value.text) ? std::optional(FhirItemKind::kDateTime)
                                                         : std::nullopt;
    case FhirForm::kTime:
      return text && Temporal::ParseTime(value.text) ? std::optional(FhirItemKind::kTime)
                                                     : std::nullopt;
    case FhirForm::kNumber:
      return value.kind == JsonKind::kNumber && Decimal::Parse(value.text)
                 ? std::optional(FhirItemKind::kNumber)
                 : std::nullopt;
    case FhirForm::kBoolean:
      return value.kind == JsonKind::kBoolean ? std::optional(FhirItemKind::kBoolean)
                                              : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

class ViewDefinition::Parser {
 public:
  Parser(ViewDefinition& view, std::string_view name) : view_(view) { view_.name_ = name; }

  Status Run(const JsonNode& root) {
    if (const JsonNode* type = FindMember(root, "resourceType")) {
      TRY(const std::string text, TextOf(*type, "resourceType"));
      if (text != "ViewDefinition") {
        return FailHere("resourceType", "it is a " + text + ", not a ViewDefinition");
      }
    }
    TRY(const JsonNode* resource, Require(root, "", "resource"));
    TRY(view_.resource_, TextOf(*resource, "resource"));
    if (view_.resource_.empty() ||
        std::isupper(static_cast<unsigned char>(view_.resource_[0])) == 0) {
      return FailHere("resource", "a resource such as \"Patient\" belongs here");
    }
    TRY_STATUS(ReadConstants(root));
    TRY_STATUS(ReadWhere(root));
    TRY(const JsonNode* selects, Require(root, "", "select"));
    TRY(view_.selects_, ReadSelects(*selects, "select", "", 0));
    if (view_.columns_.empty()) return FailHere("select", "no column is defined");
    return {};
  }

 private:
  tl::unexpected<Error> FailHere(std::string_view place,
                                 std::string_view message,
                                 std::string remedy = {}) const {
    return Fail(ErrorCode::kInvalidArgument,
                view_.name_ + ": " + std::string(place) + (place.empty() ? "" : ": ") +
                    std::string(message),
                std::move(remedy));
  }

  Result<const JsonNode*> Require(const JsonNode& object,
                                  std::string_view place,
                                  std::string_view key) const {
    const JsonNode* member = FindMember(object, key);
    if (member == nullptr) return FailHere(place, "\"" + std::string(key) + "\" is missing");
    return member;
  }

  Result<std::string> TextOf(const JsonNode& node, std::string_view place) const {
    if (node.kind == JsonKind::kString) return std::string(node.text);
    return FailHere(place, "a text in quotes belongs here, not " + std::string(InWords(node.kind)));
  }

  Status RequireObject(const JsonNode& node, std::string_view place) const {
    if (node.kind == JsonKind::kObject) return {};
    return FailHere(place,
                    "an object in braces belongs here, not " + std::string(InWords(node.kind)));
  }

  Status RequireList(const JsonNode& node, std::string_view place) const {
    if (node.kind != JsonKind::kArray) {
      return FailHere(place,
                      "a list in brackets belongs here, not " + std::string(InWords(node.kind)));
    }
    if (node.extent == 1) return FailHere(place, "the list is empty");
    return {};
  }

  // A misspelt key must not be a rule that is missing.
  Status RequireKnownKeys(const JsonNode& object,
                          std::string_view place,
                          const Names& known) const {
    for (const JsonNode* member = object.begin(); member != object.end(); member = member->Next()) {
      const std::string key(member->key);
      if (std::find(known.begin(), known.end(), key) != known.end() || IsPlainElement(key))
        continue;
      const std::string near = NearestName(key, known);
      return FailHere(place,
                      "\"" + key + "\" is no key of it" +
                          (near.empty() ? "" : " (did you mean \"" + near + "\"?)"),
                      "It takes " + JoinNames(known) + ".");
    }
    return {};
  }

  Result<FhirPath> PathOf(const JsonNode& node,
                          std::string_view place,
                          FhirType column_type = kNoFhirType) const {
    TRY(const std::string text, TextOf(node, place));
    auto path = FhirPath::Parse(text, {&constants_, view_.resource_, column_type});
    if (!path) return FailHere(place, path.error().message, path.error().remedy);
    return path;
  }

  Status ReadConstants(const JsonNode& root) {
    const JsonNode* list = FindMember(root, "constant");
    if (list == nullptr) return {};
    TRY_STATUS(RequireList(*list, "constant"));
    std::size_t index = 0;
    for (const JsonNode* entry = list->begin(); entry != list->end(); entry = entry->Next()) {
      const std::string place = At("", "constant", index++);
      TRY_STATUS(RequireObject(*entry, place));
      TRY(const JsonNode* name, Require(*entry, place, "name"));
      TRY(const std::string text, TextOf(*name, At(place, "name")));
      if (!IsColumnName(text)) return FailNoName(At(place, "name"));
      TRY(FhirConstant constant, ReadConstant(*entry, place));
      if (!constants_.emplace(text, std::move(constant)).second) {
        return FailHere(place, "a second constant is called \"" + text + "\"");
      }
    }
    return {};
  }

  Result<FhirConstant> ReadConstant(const JsonNode& entry, const std::string& place) const {
    std::optional<FhirConstant> constant;
    for (const JsonNode* member = entry.begin(); member != entry.end(); member = member->Next()) {
      if (member->key == "name" || IsPlainElement(member->key)) continue;
      const std::string key(member->key);
      const auto type =
          key.starts_with("value") && key.size() > 5 ? ChoiceType("value", key) : std::nullopt;
      if (!type || FormOf(*type) == FhirForm::kObject) {
        return FailHere(place, "\"" + key + "\" is no key of it",
                        "It takes a name and a value such as valueString or valueCode.");
      }
      if (constant) return FailHere(place, "it has two values");
      const auto kind = KindOfConstant(*type, *member);
      if (!kind) {
        return FailHere(At(place, key), "its value is no " + std::string(Name(*type)));
      }
      constant = FhirConstant{*kind, std::string(member->text), *type};
    }
    if (!constant) {
      return FailHere(place, "it has no value", "Give it one, such as valueString or valueCode.");
    }
    return *std::move(constant);
  }

  Status ReadWhere(const JsonNode& root) {
    const JsonNode* list = FindMember(root, "where");
    if (list == nullptr) return {};
    TRY_STATUS(RequireList(*list, "where"));
    std::size_t index = 0;
    for (const JsonNode* entry = list->begin(); entry != list->end(); entry = entry->Next()) {
      const std::string place = At("", "where", index++);
      TRY_STATUS(RequireObject(*entry, place));
      TRY_STATUS(RequireKnownKeys(*entry, place, {"path"}));
      TRY(const JsonNode* path, Require(*entry, place, "path"));
      TRY(FhirPath parsed, PathOf(*path, At(place, "path")));
      view_.where_.push_back(std::move(parsed));
    }
    return {};
  }

  Result<std::vector<ViewSelect>> ReadSelects(const JsonNode& list,
                                              std::string_view key,
                                              std::string_view place,
                                              std::size_t depth) {
    TRY_STATUS(RequireList(list, At(place, key)));
    std::vector<ViewSelect> selects;
    for (const JsonNode* entry = list.begin(); entry != list.end(); entry = entry->Next()) {
      TRY(ViewSelect select, ReadSelect(*entry, At(place, key, selects.size()), depth));
      selects.push_back(std::move(select));
    }
    return selects;
  }

  Result<ViewSelect> ReadSelect(const JsonNode& json, const std::string& place, std::size_t depth) {
    if (depth > kMostNestedSelects) return FailHere(place, "too many selects in one another");
    if (++select_count_ > kMostViewSelects) {
      return FailHere(place, "more than " + std::to_string(kMostViewSelects) + " selects");
    }
    TRY_STATUS(RequireObject(json, place));
    TRY_STATUS(RequireKnownKeys(
        json, place, {"column", "select", "forEach", "forEachOrNull", "repeat", "unionAll"}));
    ViewSelect select;
    TRY_STATUS(ReadIteration(json, place, select));
    select.first_column = view_.columns_.size();
    if (const JsonNode* columns = FindMember(json, "column")) {
      TRY_STATUS(RequireList(*columns, At(place, "column")));
      for (const JsonNode* entry = columns->begin(); entry != columns->end();
           entry = entry->Next()) {
        TRY_STATUS(ReadColumn(*entry, At(place, "column", select.columns.size()), select));
      }
    }
    if (const JsonNode* nested = FindMember(json, "select")) {
      TRY(select.selects, ReadSelects(*nested, "select", place, depth + 1));
    }
    if (const JsonNode* unions = FindMember(json, "unionAll")) {
      TRY(select.unions, ReadUnion(*unions, place, depth + 1));
    }
    if (view_.columns_.size() == select.first_column) {
      return FailHere(place, "it has no column", "Add `column`, `select` or `unionAll`.");
    }
    return select;
  }

  Status ReadIteration(const JsonNode& json, const std::string& place, ViewSelect& select) const {
    constexpr std::array kKeys = {std::pair{"forEach", ViewIteration::kForEach},
                                  std::pair{"forEachOrNull", ViewIteration::kForEachOrNull},
                                  std::pair{"repeat", ViewIteration::kRepeat}};
    for (const auto& [key, iteration] : kKeys) {
      const JsonNode* value = FindMember(json, key);
      if (value == nullptr) continue;
      if (select.iteration != ViewIteration::kNone) {
        return FailHere(place, "it takes one of forEach, forEachOrNull and repeat");
      }
      select.iteration = iteration;
      if (iteration != ViewIteration::kRepeat) {
        TRY(FhirPath path, PathOf(*value, At(place, key)));
        select.paths.push_back(std::move(path));
        continue;
      }
      TRY_STATUS(RequireList(*value, At(place, key)));
      for (const JsonNode* entry = value->begin(); entry != value->end(); entry = entry->Next()) {
        TRY(FhirPath path, PathOf(*entry, At(place, key, select.paths.size())));
        select.paths.push_back(std::move(path));
      }
    }
    return {};
  }

  Status ReadColumn(const JsonNode& json, const std::string& place, ViewSelect& select) {
    TRY_STATUS(RequireObject(json, place));
    TRY_STATUS(RequireKnownKeys(json, place, {"name", "path", "type", "collection", "tag"}));
    TRY(const JsonNode* name, Require(json, place, "name"));
    TRY(std::string text, TextOf(*name, At(place, "name")));
    if (!IsColumnName(text)) return FailNoName(At(place, "name"));
    std::string type;
    if (const JsonNode* node = FindMember(json, "type")) {
      TRY(type, TextOf(*node, At(place, "type")));
    }
    bool collection = false;
    if (const JsonNode* node = FindMember(json, "collection")) {
      if (node->kind != JsonKind::kBoolean) {
        return FailHere(At(place, "collection"), "true or false belongs here");
      }
      collection = node->text == "true";
    }
    TRY(const JsonNode* path, Require(json, place, "path"));
    TRY(FhirPath parsed,
        PathOf(*path, At(place, "path"), FindFhirType(type).value_or(kNoFhirType)));
    const auto& names = view_.columns_;
    if (std::find(names.begin(), names.end(), text) != names.end()) {
      return FailHere(place, "a second column is called \"" + text + "\"");
    }
    if (names.size() == kMostViewColumns) {
      return FailHere(place, "more than " + std::to_string(kMostViewColumns) + " columns");
    }
    view_.columns_.push_back(text);
    view_.collection_.push_back(collection);
    view_.types_.push_back(std::move(type));
    select.columns.push_back(ViewColumn{std::move(text), std::move(parsed), collection});
    return {};
  }

  // The branches of a union fill the same columns: each is read as if it came first.
  Result<std::vector<ViewSelect>> ReadUnion(const JsonNode& list,
                                            std::string_view place,
                                            std::size_t depth) {
    const std::string key_place = At(place, "unionAll");
    TRY_STATUS(RequireList(list, key_place));
    const std::size_t first = view_.columns_.size();
    std::vector<ViewSelect> branches;
    Names names;
    std::vector<bool> collection;
    for (const JsonNode* entry = list.begin(); entry != list.end(); entry = entry->Next()) {
      view_.columns_.resize(first);
      view_.collection_.resize(first);
      view_.types_.resize(first);
      const std::string branch_place = At(place, "unionAll", branches.size());
      TRY(ViewSelect branch, ReadSelect(*entry, branch_place, depth));
      const Names own(view_.columns_.begin() + static_cast<std::ptrdiff_t>(first),
                      view_.columns_.end());
      if (branches.empty()) {
        names = own;
        collection = view_.collection_;
      } else if (own != names || collection != view_.collection_) {
        return FailHere(branch_place,
                        own == names ? "a column is a list here and none in the first branch"
                                     : "its columns are " + JoinNames(own) +
                                           ", those of the first branch " + JoinNames(names),
                        "The branches of a union have the same columns in the same order.");
      }
      branches.push_back(std::move(branch));
    }
    return branches;
  }

  tl::unexpected<Error> FailNoName(std::string_view place) const {
    return FailHere(place, "it is no name of a column or constant",
                    "Names start with a letter and have letters, digits and _ only.");
  }

  ViewDefinition& view_;
  FhirConstants constants_;
  std::size_t select_count_ = 0;
};

Result<ViewDefinition> ViewDefinition::FromJson(const JsonNode& json, std::string_view name) {
  ViewDefinition view;
  TRY_STATUS(Parser(view, name).Run(json));
  return view;
}

Result<ViewDefinition> ViewDefinition::Parse(std::string_view json, std::string_view name) {
  JsonDocument document;
  if (const Status parsed = document.ParseCopy(json); !parsed) {
    std::string place(name);
    if (const auto offset = document.error_offset()) {
      const std::string_view before = json.substr(0, *offset);
      place += ":" + std::to_string(1 + std::count(before.begin(), before.end(), '\n'));
    }
    return Fail(ErrorCode::kInvalidArgument, place + ": " + parsed.error().message);
  }
  return FromJson(document.root(), name);
}

Result<ViewDefinition> ViewDefinition::Read(const std::filesystem::path& file) {
  TRY_STATUS(CheckNamedFile(file, "view"));
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMostViewBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) {
    return Fail(ErrorCode::kPermission, file.string() + " cannot be opened for reading",
                "Give the account that runs this program the right to read it.");
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMostViewBytes) {
    return Fail(ErrorCode::kInvalidArgument, file.string() + ": more than 4 MiB");
  }
  return Parse(text, file.string());
}

}  // namespace consilium
