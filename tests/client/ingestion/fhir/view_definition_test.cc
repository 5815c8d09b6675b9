#include "client/ingestion/fhir/view_definition.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/ingestion/fhir/view_rows.h"
#include "tests/client/ingestion/fhir/view_table.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const json& Resources() {
  static const json kResources = json::parse(R"([
    {"resourceType": "Patient", "id": "p1", "name": [{"family": "F1", "given": ["A", "B"]},
                                                      {"family": "F2"}],
     "contact": [{"telecom": [{"value": "t1"}, {"value": "t2"}]}]},
    {"resourceType": "Observation", "id": "o1"},
    {"resourceType": "Patient", "id": "p2", "item": [{"n": 1, "item": [{"n": 2}]}, {"n": 3}]}
  ])");
  return kResources;
}

std::string ErrorOf(const std::string& view) {
  const auto table = TableOf(view, Resources());
  return table ? "" : table.error().message;
}

// Rows as texts: "p1,F1".
std::vector<std::string> RowsOf(const std::string& selects, const std::string& more = "") {
  const auto table =
      TableOf(R"({"resource": "Patient", "select": )" + selects + more + "}", Resources());
  EXPECT_TRUE(table.has_value()) << Describe(table.error());
  std::vector<std::string> rows;
  if (!table) return rows;
  for (const json& row : table->rows) {
    std::string text;
    for (const std::string& column : table->columns) {
      text += (text.empty() ? "" : ",") + row[column].dump();
    }
    rows.push_back(text);
  }
  return rows;
}

constexpr const char* kId = R"({"column": [{"name": "id", "path": "id"}]})";

TEST(ViewRowsTest, CombinesSiblingsAndNests) {
  EXPECT_THAT(RowsOf(R"([{"column": [{"name": "id", "path": "id"}]},
                         {"forEach": "name", "column": [{"name": "f", "path": "family"}]},
                         {"forEachOrNull": "contact.telecom",
                          "column": [{"name": "t", "path": "value"}]}])"),
              ElementsAre(R"("p1","F1","t1")", R"("p1","F1","t2")", R"("p1","F2","t1")",
                          R"("p1","F2","t2")"));
  EXPECT_THAT(RowsOf(R"([{"forEach": "name", "column": [{"name": "f", "path": "family"}],
                          "select": [{"forEachOrNull": "given",
                                      "column": [{"name": "g", "path": "$this"}]}]}])"),
              ElementsAre(R"("F1","A")", R"("F1","B")", R"("F2",null)"));
}

TEST(ViewRowsTest, UnitesRepeatsAndCounts) {
  EXPECT_THAT(RowsOf(R"([{"unionAll": [
                {"forEach": "name", "column": [{"name": "v", "path": "family"},
                                               {"name": "i", "path": "%rowIndex"}]},
                {"forEach": "contact.telecom",
                 "column": [{"name": "v", "path": "value"},
                            {"name": "i", "path": "%rowIndex"}]}]}])"),
              ElementsAre("\"F1\",0", "\"F2\",1", "\"t1\",0", "\"t2\",1"));
  EXPECT_THAT(RowsOf(R"([{"repeat": ["item"], "column": [{"name": "n", "path": "n"},
                                                         {"name": "i", "path": "%rowIndex"}]}])"),
              ElementsAre("1,0", "2,1", "3,2"));
}

TEST(ViewRowsTest, FiltersAndMakesLists) {
  EXPECT_THAT(RowsOf(std::string("[") + kId + "]", R"v(, "where": [{"path": "name.exists()"}])v"),
              ElementsAre("\"p1\""));
  EXPECT_THAT(RowsOf(std::string("[") + kId + "]", R"(, "where": [{"path": "absent = 1"}])"),
              ElementsAre());
  EXPECT_THAT(RowsOf(R"([{"column": [{"name": "g", "path": "name.given", "collection": true}]}])"),
              ElementsAre("[\"A\",\"B\"]", "[]"));
}

TEST(ViewRowsTest, NamesTheColumnAndNeverAValue) {
  const std::string view =
      R"({"resource": "Patient", "select": [{"column": [{"name": "f", "path": "name.family"}]}]})";
  EXPECT_THAT(ErrorOf(view),
              HasSubstr("view: column \"f\", path \"name.family\": 2 values, where one belongs"));
  EXPECT_THAT(ErrorOf(view), Not(HasSubstr("F1")));
  EXPECT_THAT(ErrorOf(R"({"resource": "Patient", "where": [{"path": "id"}], "select": [)" +
                      std::string(kId) + "]}"),
              HasSubstr("view: where: at character 1 of \"id\": a text, where yes or no belongs"));
}

TEST(ViewRowsTest, BoundsRowsAndEndlessRepeats) {
  json resource = {{"resourceType", "Patient"}, {"a", json::array()}};
  for (int i = 0; i < 400; ++i) resource["a"].push_back(i);
  const auto table = [&](const std::string& selects) {
    return TableOf(R"({"resource": "Patient", "select": )" + selects + "}",
                   json::array({resource}));
  };
  const auto each = [](const std::string& name) {
    return R"({"forEach": "a", "column": [{"name": ")" + name + R"(", "path": "$this"}]})";
  };
  EXPECT_TRUE(table("[" + each("x") + "]").has_value());
  const auto rows = table("[" + each("x") + "," + each("y") + "]");
  ASSERT_FALSE(rows.has_value());
  EXPECT_THAT(rows.error().message, HasSubstr("more than 10000 rows"));
  // Combinations that end in nothing are counted, too.
  const auto none = table("[" + each("x") + "," + each("y") + "," + each("z") +
                          R"(,{"forEach": "b", "column": [{"name": "w", "path": "$this"}]}])");
  ASSERT_FALSE(none.has_value());
  EXPECT_THAT(none.error().message, HasSubstr("combinations"));
  const auto endless = table(R"([{"repeat": ["$this"], "column": [{"name": "x", "path": "id"}]}])");
  ASSERT_FALSE(endless.has_value());
  EXPECT_THAT(endless.error().message, HasSubstr("repeat never comes to an end"));
}

TEST(ViewRowsTest, LeavesUnwantedColumnsEmpty) {
  const auto view = ViewDefinition::Parse(
      R"({"resource": "Patient", "select": [{"column": [
           {"name": "id", "path": "id"}, {"name": "f", "path": "name.family"}]}]})",
      "view");
  ASSERT_TRUE(view.has_value());
  JsonDocument document;
  ASSERT_TRUE(document.ParseCopy(Resources()[0].dump()));
  ViewRows rows(*view);
  rows.Want({true, false});
  int count = 0;
  ASSERT_TRUE(rows.Evaluate(document.root(), [&](const ViewRow& row) -> Status {
    EXPECT_EQ(row[0][0].text, "p1");
    EXPECT_TRUE(row[1].empty());
    ++count;
    return {};
  }));
  EXPECT_EQ(count, 1);
}

TEST(ViewDefinitionTest, SaysWhatIsWrongAndWhere) {
  const auto with = [](const std::string& select) {
    return ErrorOf(R"({"resource": "Patient", "select": )" + select + "}");
  };
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("view: \"resource\" is missing"));
  EXPECT_THAT(ErrorOf("{\n\"resource\":\n}"), HasSubstr("view:3: not valid JSON"));
  EXPECT_THAT(ErrorOf(R"({"resourceType": "Patient"})"), HasSubstr("not a ViewDefinition"));
  EXPECT_THAT(ErrorOf(R"({"resource": "patient", "select": []})"), HasSubstr("\"Patient\""));
  EXPECT_THAT(ErrorOf(R"({"resource": "Patient"})"), HasSubstr("\"select\" is missing"));
  EXPECT_THAT(with("[]"), HasSubstr("view: select: the list is empty"));
  EXPECT_THAT(with("{}"), HasSubstr("a list in brackets belongs here, not an object"));
  EXPECT_THAT(with("[{}]"), HasSubstr("view: select[0]: it has no column"));
  EXPECT_THAT(with(R"([{"colum": []}])"), HasSubstr("did you mean \"column\"?"));
  EXPECT_THAT(with(R"([{"column": [{"name": "a"}]}])"),
              HasSubstr("view: select[0].column[0]: \"path\" is missing"));
  EXPECT_THAT(with(R"([{"column": [{"name": "a", "path": "id."}]}])"),
              HasSubstr("view: select[0].column[0].path: at character 4"));
  EXPECT_THAT(with(R"([{"column": [{"name": "a b", "path": "id"}]}])"), HasSubstr("no name"));
  EXPECT_THAT(with(R"([{"column": [{"name": "a", "path": 1}]}])"), HasSubstr("not a number"));
  EXPECT_THAT(with(R"([{"column": [{"name": "a", "path": "id", "collection": "yes"}]}])"),
              HasSubstr("true or false"));
  EXPECT_THAT(with(std::string("[") + kId + "," + kId + "]"),
              HasSubstr("view: select[1].column[0]: a second column is called \"id\""));
  EXPECT_THAT(
      with(R"([{"forEach": "a", "repeat": ["b"], "column": [{"name": "a", "path": "b"}]}])"),
      HasSubstr("one of forEach, forEachOrNull and repeat"));
  EXPECT_THAT(with(R"([{"unionAll": [{"column": [{"name": "a", "path": "id"}]},
                                      {"column": [{"name": "b", "path": "id"}]}]}])"),
              HasSubstr("its columns are b, those of the first branch a"));
  EXPECT_THAT(with(R"([{"unionAll": [)" + std::string(kId) +
                   R"(, {"column": [{"name": "id", "path": "id", "collection": true}]}]}])"),
              HasSubstr("a list here"));
}

TEST(ViewDefinitionTest, ChecksConstants) {
  const auto with = [](const std::string& constant) {
    return ErrorOf(R"({"resource": "Patient", "constant": [)" + constant + R"(], "select": [)" +
                   kId + "]}");
  };
  EXPECT_EQ(with(R"({"name": "a", "valueDate": "2020-01"})"), "");
  EXPECT_THAT(with(R"({"name": "a"})"), HasSubstr("view: constant[0]: it has no value"));
  EXPECT_THAT(with(R"({"name": "a", "valueDate": "2020-13"})"), HasSubstr("its value is no date"));
  EXPECT_THAT(with(R"({"name": "a", "valueInteger": "1"})"), HasSubstr("its value is no integer"));
  EXPECT_THAT(with(R"({"name": "a", "valueQuantity": {}})"), HasSubstr("no key of it"));
  EXPECT_THAT(with(R"({"name": "a", "valueCode": "x", "valueId": "y"})"), HasSubstr("two values"));
  EXPECT_THAT(with(R"({"name": "a", "valueCode": "x"}, {"name": "a", "valueCode": "y"})"),
              HasSubstr("a second constant is called \"a\""));
}

TEST(ViewDefinitionTest, BoundsNestingAndNumbers) {
  std::string nested = kId;
  for (int i = 0; i < 25; ++i) nested = R"({"select": [)" + nested + "]}";
  EXPECT_THAT(ErrorOf(R"({"resource": "Patient", "select": [)" + nested + "]}"),
              HasSubstr("too many selects in one another"));
  std::string columns;
  for (int i = 0; i < 1100; ++i) {
    columns += (i == 0 ? "" : ",") + std::string(R"({"name": "c)") + std::to_string(i) +
               R"(", "path": "id"})";
  }
  EXPECT_THAT(ErrorOf(R"({"resource": "Patient", "select": [{"column": [)" + columns + "]}]}"),
              HasSubstr("more than 1000 columns"));
}

TEST(ViewDefinitionTest, ReadsAFile) {
  const TemporaryFolder folder;
  const auto file = folder.Write(
      "v.json", R"({"resource": "Patient", "name": "x", "select": [)" + std::string(kId) + "]}");
  const auto view = ViewDefinition::Read(file);
  ASSERT_TRUE(view.has_value()) << Describe(view.error());
  EXPECT_THAT(view->columns(), ElementsAre("id"));
  EXPECT_THAT(ViewDefinition::Read(folder.path() / "none.json").error().message,
              HasSubstr("none.json does not exist"));
  EXPECT_THAT(ViewDefinition::Read(folder.path()).error().message, HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace consilium
