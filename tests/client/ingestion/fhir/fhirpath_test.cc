#include "client/ingestion/fhir/fhirpath.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/fhir/fhir_boundary.h"
#include "client/ingestion/fhir/fhir_compare.h"
#include "client/ingestion/fhir/fhir_reference.h"
#include "client/ingestion/fhir/fhir_types.h"
#include "client/ingestion/fhir/fhirpath_evaluator.h"
#include "client/ingestion/fhir/fhirpath_lexer.h"
#include "client/ingestion/fhir/fhirpath_steps.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPatient = R"({
  "resourceType": "Patient", "id": "p1", "active": true, "birthDate": "1970-06",
  "_birthDate": {"extension": [{"url": "http://x/accuracy", "valueCode": "month"}]},
  "_gender": {"extension": [{"url": "http://x/why", "valueCode": "masked"}]},
  "name": [{"use": "official", "family": "F1", "given": ["A", "B"]},
           {"use": "usual", "given": ["C", null]}],
  "deceasedDateTime": "2020-05-01T10:00:00+02:00",
  "multipleBirthInteger": 2,
  "extension": [{"url": "http://x/sex", "valueCode": "F"},
                {"url": "http://x/race", "extension": [{"url": "text", "valueString": "Mixed"}]}],
  "period": {"start": "2019-01-01T08:00:00Z", "end": "2019-06"},
  "weight": {"value": 70.50, "unit": "kg"},
  "huge": 123456789012345678901234567890,
  "link": [{"other": {"reference": "Patient/p1"}},
           {"other": {"reference": "https://h.example/fhir/Group/g1/_history/3"}},
           {"other": {"reference": "urn:uuid:u1", "type": "Patient"}},
           {"other": {"reference": "#contained"}},
           {"other": {"reference": "Patient?identifier=7"}},
           {"other": {"display": "nobody"}}],
  "contained": [{"resourceType": "Organization", "id": "o1"},
                {"resourceType": "Patient", "id": "c1"}]
})";

// What the path yields, "A|B"; or the error after "error: ".
std::string Evaluate(std::string_view expression, std::string_view column_type = "") {
  FhirConstants constants;
  constants["use"] = {FhirItemKind::kText, "official", kNoFhirType};
  const FhirPathContext context{&constants, "Patient",
                                FindFhirType(column_type).value_or(kNoFhirType)};
  const auto path = FhirPath::Parse(expression, context);
  if (!path) return "error: " + path.error().message;
  JsonDocument document;
  EXPECT_TRUE(document.ParseCopy(kPatient));
  const FhirItem focus = ItemOf(document.root(), kNoFhirType);
  FhirPathEvaluator evaluator;
  FhirItems items;
  if (const auto status = evaluator.Evaluate(*path, &focus, 7, items); !status) {
    return "error: " + status.error().message;
  }
  std::string text;
  for (const FhirItem& item : items) {
    text += (text.empty() ? "" : "|") +
            std::string(item.kind == FhirItemKind::kObject ? "{}" : item.text);
  }
  return text;
}

TEST(FhirPathTest, StepsThroughObjectsAndLists) {
  EXPECT_EQ(Evaluate("id"), "p1");
  EXPECT_EQ(Evaluate("Patient.name.given"), "A|B|C");
  EXPECT_EQ(Evaluate("name[1].given[0]"), "C");
  EXPECT_EQ(Evaluate("name[5].given"), "");
  EXPECT_EQ(Evaluate("name.given.first()"), "A");
  EXPECT_EQ(Evaluate("name.first().given"), "A|B");
  EXPECT_EQ(Evaluate("absent.deeper.still"), "");
  EXPECT_EQ(Evaluate("id.deeper"), "");
  EXPECT_EQ(Evaluate("`name`.`use`"), "official|usual");
  EXPECT_EQ(Evaluate("$this.id"), "p1");
  EXPECT_EQ(Evaluate("{}"), "");
  EXPECT_EQ(Evaluate("%rowIndex"), "7");
  EXPECT_EQ(Evaluate("// a comment\n id /* and another */"), "p1");
}

TEST(FhirPathTest, FindsElementsOfSeveralTypes) {
  EXPECT_EQ(Evaluate("deceased.ofType(dateTime)"), "2020-05-01T10:00:00+02:00");
  EXPECT_EQ(Evaluate("deceased.ofType(boolean)"), "");
  EXPECT_EQ(Evaluate("deceased"), "2020-05-01T10:00:00+02:00");
  EXPECT_EQ(Evaluate("deceased.exists()"), "true");
  EXPECT_EQ(Evaluate("(deceased).ofType(dateTime).exists()"), "true");
  EXPECT_EQ(Evaluate("multipleBirth.ofType(FHIR.integer) + 1"), "3");
  EXPECT_EQ(Evaluate("contained.ofType(Organization).id"), "o1");
  EXPECT_EQ(Evaluate("multiple"), "");
  EXPECT_EQ(ChoiceName("value", *FindFhirType("dateTime")), "valueDateTime");
  EXPECT_EQ(ChoiceType("value", "valueQuantity"), FindFhirType("Quantity"));
  EXPECT_EQ(ChoiceType("value", "valueSet"), std::nullopt);
}

TEST(FhirPathTest, FindsExtensionsOfObjectsAndOfPrimitives) {
  EXPECT_EQ(Evaluate("extension('http://x/sex').value.ofType(code)"), "F");
  EXPECT_EQ(Evaluate("extension('http://x/race').extension('text').value"), "Mixed");
  EXPECT_EQ(Evaluate("extension('http://x/none').value"), "");
  EXPECT_EQ(Evaluate("extension.url"), "http://x/sex|http://x/race");
  EXPECT_EQ(Evaluate("birthDate.extension('http://x/accuracy').value"), "month");
  EXPECT_EQ(Evaluate("gender.extension('http://x/why').value"), "masked");
  EXPECT_EQ(Evaluate("gender.exists()"), "false");
}

TEST(FhirPathTest, Filters) {
  EXPECT_EQ(Evaluate("name.where(use = %use).family"), "F1");
  EXPECT_EQ(Evaluate("name.where(use = 'official' and given.exists()).given"), "A|B");
  EXPECT_EQ(Evaluate("name.where($this.given.first() = 'C').use"), "usual");
  EXPECT_EQ(Evaluate("name.where(family).use"), "official");
  EXPECT_EQ(Evaluate("name.where({}).use"), "");
  EXPECT_EQ(Evaluate("name.exists(use = 'usual')"), "true");
  EXPECT_EQ(Evaluate("name.where(use = 'x').empty()"), "true");
  EXPECT_EQ(Evaluate("where(active).id"), "p1");
  EXPECT_THAT(Evaluate("name.where(given).use"), HasSubstr("2 values, where yes or no belongs"));
}

TEST(FhirPathTest, HasThreeValuedLogic) {
  EXPECT_EQ(Evaluate("active and absent"), "");
  EXPECT_EQ(Evaluate("active or absent"), "true");
  EXPECT_EQ(Evaluate("absent or active"), "true");
  EXPECT_EQ(Evaluate("absent and false"), "false");
  EXPECT_EQ(Evaluate("false or false"), "false");
  EXPECT_EQ(Evaluate("active.not()"), "false");
  EXPECT_EQ(Evaluate("absent.not()"), "");
  EXPECT_EQ(Evaluate("true or false and false"), "true");
}

TEST(FhirPathTest, Computes) {
  EXPECT_EQ(Evaluate("1 + 2 * 3 - 4 / 8"), "6.5");
  EXPECT_EQ(Evaluate("(1 + 2) * -3"), "-9");
  EXPECT_EQ(Evaluate("weight.value + 0.5"), "71.00");
  EXPECT_EQ(Evaluate("1 / 0"), "");
  EXPECT_EQ(Evaluate("1 + absent"), "");
  EXPECT_EQ(Evaluate("'a' + 'b'"), "ab");
  EXPECT_THAT(Evaluate("1 + 'a'"), HasSubstr("a number + a text has no meaning"));
  EXPECT_THAT(Evaluate("weight + 1"), HasSubstr("an object + a number has no meaning"));
  EXPECT_THAT(Evaluate("name.given + 'x'"), HasSubstr("3 values on one side"));
  EXPECT_THAT(Evaluate("huge + 1"), AllOf(HasSubstr("18 digits"), Not(HasSubstr("12345"))));
  EXPECT_EQ(Evaluate("huge"), "123456789012345678901234567890");
}

TEST(FhirPathTest, Compares) {
  EXPECT_EQ(Evaluate("1.0 = 1"), "true");
  EXPECT_EQ(Evaluate("weight.value != 70.5"), "false");
  EXPECT_EQ(Evaluate("name.given = name.given"), "true");
  EXPECT_EQ(Evaluate("name.given = 'A'"), "false");
  EXPECT_EQ(Evaluate("absent = 1"), "");
  EXPECT_EQ(Evaluate("'1' = 1"), "false");
  EXPECT_EQ(Evaluate("'b' > 'a'"), "true");
  EXPECT_EQ(Evaluate("weight = weight"), "true");
  EXPECT_EQ(Evaluate("weight = period"), "false");
  EXPECT_EQ(Evaluate("deceased.ofType(dateTime) > @2020-04"), "true");
  EXPECT_EQ(Evaluate("deceased.ofType(dateTime) = @2020-05-01T08:00:00Z"), "true");
  EXPECT_EQ(Evaluate("birthDate < @1970-06-15"), "");
  EXPECT_EQ(Evaluate("birthDate <= @1970-07-15"), "true");
  EXPECT_EQ(Evaluate("period.start < period.end"), "true");
  EXPECT_EQ(Evaluate("period.start = @2019-01-01T09:00:00+01:00"), "true");
  EXPECT_EQ(Evaluate("@T10:00 < @T10:01"), "true");
  EXPECT_THAT(Evaluate("1 < 'a'"), HasSubstr("have no order"));
  EXPECT_THAT(Evaluate("true > false"), HasSubstr("have no order"));
  EXPECT_THAT(Evaluate("huge > 1"), HasSubstr("18 digits"));
}

TEST(FhirPathTest, JoinsTexts) {
  EXPECT_EQ(Evaluate("name.given.join('; ')"), "A; B; C");
  EXPECT_EQ(Evaluate("name.given.join()"), "ABC");
  EXPECT_EQ(Evaluate("absent.join(',').exists()"), "true");
  EXPECT_THAT(Evaluate("name.join(',')"), HasSubstr("join() of an object"));
}

TEST(FhirPathTest, HasBoundaries) {
  EXPECT_EQ(Evaluate("weight.value.lowBoundary()"), "70.495");
  EXPECT_EQ(Evaluate("birthDate.highBoundary()"), "1970-06-30");
  EXPECT_EQ(Evaluate("birthDate.lowBoundary()", "dateTime"), "1970-06-01T00:00:00.000+14:00");
  EXPECT_EQ(Evaluate("period.lowBoundary()"), "2019-01-01T08:00:00.000+00:00");
  EXPECT_EQ(Evaluate("period.highBoundary()"), "2019-06-30T23:59:59.999-12:00");
  EXPECT_EQ(Evaluate("active.lowBoundary()"), "");
  EXPECT_EQ(Evaluate("id.lowBoundary()"), "");
  EXPECT_THAT(Evaluate("name.given.lowBoundary()"), HasSubstr("3 values, where one belongs"));
}

TEST(FhirPathTest, KnowsKeysOfResourcesAndReferences) {
  EXPECT_EQ(Evaluate("getResourceKey()"), "p1");
  EXPECT_EQ(Evaluate("name.getResourceKey()"), "");
  EXPECT_EQ(Evaluate("link.other.getReferenceKey()"), "p1|g1|u1");
  EXPECT_EQ(Evaluate("link.other.getReferenceKey(Patient)"), "p1|u1");
  EXPECT_EQ(Evaluate("link.other.getReferenceKey('Group')"), "g1");
  EXPECT_EQ(Evaluate("link[0].other.getReferenceKey() = getResourceKey()"), "true");
}

TEST(FhirPathTest, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(Evaluate(""), HasSubstr("the path is empty"));
  EXPECT_THAT(Evaluate("name."), HasSubstr("at character 6 of \"name.\": the path ends too early"));
  EXPECT_THAT(Evaluate("@@"), HasSubstr("at character 1"));
  EXPECT_THAT(Evaluate("@2020-13"), HasSubstr("exists"));
  EXPECT_THAT(Evaluate("name.where(use = 'x'"), HasSubstr("\")\" is missing"));
  EXPECT_THAT(Evaluate("name)"), HasSubstr("\")\" cannot stand here"));
  EXPECT_THAT(Evaluate("'abc"), HasSubstr("a quote has no end"));
  EXPECT_THAT(Evaluate("'\\x'"), HasSubstr("no such escape"));
  EXPECT_THAT(Evaluate("a /* b"), HasSubstr("a comment has no end"));
  EXPECT_THAT(Evaluate("a # b"), HasSubstr("at character 3"));
  EXPECT_THAT(Evaluate("1x"), HasSubstr("a number runs into a word"));
  EXPECT_THAT(Evaluate("a | b"), HasSubstr("no operator of view definitions"));
  EXPECT_THAT(Evaluate("value as Quantity"), HasSubstr("no operator of view definitions"));
  EXPECT_THAT(Evaluate("name.last()"), HasSubstr("\"last\" is no function"));
  EXPECT_THAT(Evaluate("%us"), HasSubstr("did you mean %use?"));
  EXPECT_THAT(Evaluate("$index"), HasSubstr("$index does not exist here"));
  EXPECT_THAT(Evaluate("Observation.id"), HasSubstr("no element is called \"Observation\""));
  EXPECT_THAT(Evaluate("name.where(Patient.active)"), HasSubstr("\"Patient\""));
  EXPECT_THAT(Evaluate("value.ofType(quantity)"), HasSubstr("did you mean \"Quantity\"?"));
  EXPECT_THAT(Evaluate("value.ofType(String)"), HasSubstr("did you mean \"string\"?"));
  EXPECT_THAT(Evaluate("extension(url)"), HasSubstr("url in quotes"));
  EXPECT_THAT(Evaluate("name['a']"), HasSubstr("[ ] takes one whole number"));
  EXPECT_THAT(Evaluate("1234567890123456789"), HasSubstr("18 digits"));
}

TEST(FhirPathTest, BoundsSizeAndDepth) {
  EXPECT_THAT(Evaluate(std::string(100, '(') + "id" + std::string(100, ')')),
              HasSubstr("nested too deeply"));
  EXPECT_EQ(Evaluate(std::string(50, '(') + "id" + std::string(50, ')')), "p1");
  std::string steps = "a";
  std::string sum = "1";
  for (int i = 0; i < 600; ++i) {
    steps += ".a";
    sum += "+1";
  }
  EXPECT_THAT(Evaluate(steps), HasSubstr("more than 500"));
  EXPECT_THAT(Evaluate(sum), HasSubstr("more than 500"));
  EXPECT_THAT(Evaluate(std::string(9000, 'a')), HasSubstr("more than 8192 bytes"));
  EXPECT_THAT(Evaluate(std::string(5000, '-') + "1"), HasSubstr("nested too deeply"));
}

TEST(FhirPathTest, SplitsIntoTokens) {
  const auto tokens = FhirPathTokens("a.b('\\u00e9\\'') >= @2020-01-01T10:00:00Z");
  ASSERT_TRUE(tokens.has_value());
  ASSERT_EQ(tokens->size(), 9U);
  EXPECT_EQ((*tokens)[4].text, "\xC3\xA9'");
  EXPECT_EQ((*tokens)[6].text, ">=");
  EXPECT_EQ((*tokens)[7].kind, FhirTokenKind::kDateTime);
  EXPECT_EQ((*tokens)[7].position, 20U);
}

}  // namespace
}  // namespace consilium
