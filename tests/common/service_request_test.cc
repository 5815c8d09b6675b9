#include "common/service_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

Result<Json> Handle(const std::string& command, const Json& request) {
  if (command != "count") return UnknownCommand();
  const Json& many = request.at("many");
  return Json{{"counted", many.get<int>()}, {"command", command}};
}

TEST(ServiceRequestTest, AnswersWhatTheHandlerReplies) {
  const auto reply = AnswerRequest(R"({"command": "count", "many": 3})", Handle);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(*reply, R"({"counted":3,"command":"count"})");
  EXPECT_EQ(ParseReply(*reply)->at("counted"), 3);
}

TEST(ServiceRequestTest, RefusesWhatIsNoRequest) {
  for (const char* text : {"", "[]", "3", "{", "{\"command\"", "\xff"}) {
    const auto reply = AnswerRequest(text, Handle);
    ASSERT_FALSE(reply.has_value()) << text;
    EXPECT_EQ(reply.error().code, ErrorCode::kInvalidArgument) << text;
    EXPECT_THAT(reply.error().message, HasSubstr("not a JSON object")) << text;
  }
  EXPECT_THAT(AnswerRequest("{}", Handle).error().message, HasSubstr("'command'"));
  EXPECT_THAT(AnswerRequest(R"({"command": 1})", Handle).error().message, HasSubstr("'command'"));
  EXPECT_THAT(AnswerRequest(R"({"command": "dance"})", Handle).error().message,
              HasSubstr("does not know the command"));
}

TEST(ServiceRequestTest, RefusesFieldsOfAnotherType) {
  for (const char* text : {R"({"command": "count"})", R"({"command": "count", "many": "three"})"}) {
    const auto reply = AnswerRequest(text, Handle);
    ASSERT_FALSE(reply.has_value()) << text;
    EXPECT_THAT(reply.error().message, HasSubstr("of the wrong type"));
  }
}

TEST(ServiceRequestTest, AnErrorOfTheHandlerStaysOne) {
  const auto reply =
      AnswerRequest(R"({"command": "count"})", [](const std::string&, const Json&) -> Result<Json> {
        return Fail(ErrorCode::kConflict, "there are two");
      });
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, ErrorCode::kConflict);
}

TEST(ServiceRequestTest, TextIsOneLineOfUtf8) {
  EXPECT_EQ(RequestText(Json{{"name", "two\nlines"}}), R"({"name":"two\nlines"})");
  EXPECT_EQ(RequestText(Json{{"name", "\xff"}}), "{\"name\":\"\xef\xbf\xbd\"}");
}

TEST(ServiceRequestTest, WhatIsShownOfAReplyIsOneLine) {
  const Json reply{{"title", "Heart\nfailure \x1b[2J"}, {"rounds", 3}};
  EXPECT_EQ(ShownText(reply, "title"), "Heart failure ?[2J");
  EXPECT_EQ(ShownText(reply, "rounds"), "");
  EXPECT_EQ(ShownText(reply, "nothing"), "");
  EXPECT_EQ(ShownText(Json::array(), "title"), "");
}

TEST(ServiceRequestTest, ARepliesFormIsChecked) {
  for (const char* text : {"", "[1]", "null", "{"}) {
    const auto reply = ParseReply(text);
    ASSERT_FALSE(reply.has_value()) << text;
    EXPECT_EQ(reply.error().code, ErrorCode::kIo) << text;
  }
}

}  // namespace
}  // namespace consilium
