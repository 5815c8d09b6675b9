#include "common/service_request.h"

#include <nlohmann/json.hpp>

#include "common/terminal.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSameVersion = "Use programs of the same version.";

}  // namespace

std::string RequestText(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> RequestField(const Json& request, std::string_view name) {
  const auto field = request.find(name);
  if (field != request.end() && field->is_string()) return field->get<std::string>();
  return Fail(ErrorCode::kInvalidArgument, "the request has no text '" + std::string(name) + "'");
}

tl::unexpected<Error> UnknownCommand() {
  return Fail(ErrorCode::kInvalidArgument, "the service does not know the command it was sent",
              kSameVersion);
}

Result<std::string> AnswerRequest(std::string_view text, const RequestHandler& handler) {
  const Json request = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "the request is not a JSON object");
  }
  TRY(const std::string command, RequestField(request, "command"));
  try {
    TRY(const Json reply, handler(command, request));
    return RequestText(reply);
  } catch (const Json::exception&) {
    return Fail(ErrorCode::kInvalidArgument, "the request has a field of the wrong type");
  }
}

Result<Json> ParseReply(std::string_view text) {
  Json reply = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (reply.is_object()) return reply;
  return Fail(ErrorCode::kIo, "the service's reply is not JSON", kSameVersion);
}

std::string ShownText(const Json& object, std::string_view name) {
  const auto field = object.find(name);
  if (field == object.end() || !field->is_string()) return "";
  return OneLine(field->get<std::string>());
}

}  // namespace consilium
