#include "client/ingestion/fhir/json_document.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string ErrorOf(std::string_view text) {
  JsonDocument document;
  const Status parsed = document.ParseCopy(text);
  return parsed ? "" : parsed.error().message;
}

TEST(JsonDocumentTest, KeepsKeysTextsAndTheDigitsOfNumbers) {
  JsonDocument document;
  ASSERT_TRUE(document.ParseCopy(
      R"( {"a" : 1.50, "b\n":"x\u00e9\"y", "c":[true , null,{}], "d":-0.0e+10} )"));
  const JsonNode& root = document.root();
  EXPECT_EQ(root.extent, 8U);
  EXPECT_EQ(FindMember(root, "a")->text, "1.50");
  EXPECT_EQ(FindMember(root, "b\n")->text, "x\xC3\xA9\"y");
  const JsonNode* list = FindMember(root, "c");
  EXPECT_EQ(list->kind, JsonKind::kArray);
  EXPECT_EQ(list->begin()->text, "true");
  EXPECT_EQ(list->begin()->Next()->kind, JsonKind::kNull);
  EXPECT_EQ(list->begin()->Next()->Next()->kind, JsonKind::kObject);
  EXPECT_EQ(FindMember(root, "d")->text, "-0.0e+10");
  EXPECT_EQ(FindMember(root, "e"), nullptr);
  EXPECT_EQ(FindMember(*list, "a"), nullptr);
}

TEST(JsonDocumentTest, UsesItsMemoryAgain) {
  JsonDocument document;
  for (int i = 0; i < 3; ++i) {
    const std::string text = "{\"n\":" + std::to_string(i) + ",\"t\":\"" +
                             std::string(static_cast<std::size_t>(i) * 100'000, 'x') + "\"}";
    ASSERT_TRUE(document.ParseCopy(text));
    EXPECT_EQ(FindMember(document.root(), "n")->text, std::to_string(i));
  }
}

TEST(JsonDocumentTest, RefusesWhatIsNoObjectOfJson) {
  for (const char* text : {"",
                           " ",
                           "[1]",
                           "1",
                           "null",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,}",
                           "{1:2}",
                           "{\"a\":1}}",
                           "{\"a\":1}{\"a\":1}",
                           "{\"a\":1} x",
                           "{\"a\":[}",
                           "{\"a\":[1,]}",
                           "{\"a\":[1 2]}",
                           "{\"a\" 1}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":tru}",
                           "{\"a\":nul}",
                           "{\"a\":truex}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":+1}",
                           "{\"a\":1e}",
                           "{\"a\":0x10}",
                           "{\"a\":NaN}",
                           "{\"a\":\"x\"y}",
                           "{\"a\":\"\\q\"}",
                           "{\"a\":\"\\ud800\"}",
                           "{\"a\":\"x}",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\xc0\x80\"}",
                           "{\"a\":\"\t\"}",
                           "{'a':1}"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("not valid JSON")) << text;
  }
}

TEST(JsonDocumentTest, RefusesEveryTextThatIsCutOff) {
  const std::string text = R"({"a":[{"b":"cd","e":12.5},null],"f":{"g":true}})";
  ASSERT_EQ(ErrorOf(text), "");
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(ErrorOf(text.substr(0, size)), "") << size;
  }
}

TEST(JsonDocumentTest, BoundsDepthAndValues) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(ErrorOf(nested(kMostJsonDepth - 1)), "");
  EXPECT_NE(ErrorOf(nested(kMostJsonDepth)), "");
  EXPECT_NE(ErrorOf(nested(1'000'000)), "");
  EXPECT_NE(ErrorOf("{\"a\":" + std::string(1'000'000, '[')), "");
  std::string objects;
  for (int i = 0; i < 200; ++i) objects += "{\"a\":";
  EXPECT_NE(ErrorOf(objects), "");
  std::string many = "{\"a\":[0";
  for (std::size_t i = 0; i < kMostJsonNodes; ++i) many += ",0";
  EXPECT_THAT(ErrorOf(many + "]}"), HasSubstr("more than 1000000 values"));
}

TEST(JsonDocumentTest, NeverShowsTheText) {
  EXPECT_THAT(ErrorOf("{\"name\":\"Mustermann\",}"), Not(HasSubstr("Mustermann")));
  EXPECT_THAT(ErrorOf("{\"name\":Mustermann}"), Not(HasSubstr("Mustermann")));
}

}  // namespace
}  // namespace consilium
