#include "protocols/courier/carried_request.h"

#include <map>
#include <utility>

#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;
using Kind = CarriedRequest::Kind;

constexpr std::pair<Kind, const char*> kCommands[] = {
    {Kind::kTake, "take-file"}, {Kind::kWrite, "write-file"}, {Kind::kList, "carried-sites"}};

}  // namespace

std::string RequestText(const CarriedRequest& request) {
  Json json;
  for (const auto& [kind, name] : kCommands) {
    if (kind == request.kind) json["command"] = name;
  }
  if (request.kind == Kind::kTake) json["file"] = ToHex(request.file);
  if (!request.site.empty()) json["site"] = request.site;
  return json.dump();
}

std::optional<CarriedRequest> CarriedRequestIn(std::string_view request) {
  const Json json = Json::parse(request, nullptr, /*allow_exceptions=*/false);
  const auto text = [&json](const char* name) {
    const bool there = json.is_object() && json.contains(name) && json[name].is_string();
    return there ? json[name].get<std::string>() : std::string();
  };
  const std::string command = text("command");
  for (const auto& [kind, name] : kCommands) {
    if (command != name) continue;
    return CarriedRequest{kind, FromHex(text("file")).value_or(Bytes()), text("site")};
  }
  return std::nullopt;
}

std::string ReplyText(const TakenReply& reply) {
  return Json{{"from", reply.from},
              {"messages", reply.messages},
              {"anew", reply.anew},
              {"waiting", reply.waiting}}
      .dump();
}

std::string ReplyText(const WrittenReply& reply) {
  return Json{{"name", reply.name},
              {"file", ToHex(reply.file)},
              {"messages", reply.messages},
              {"left", reply.left},
              {"computing", reply.computing}}
      .dump();
}

}  // namespace consilium
