#pragma once

// Requests of a program's command line to its service: JSON in, JSON out, over the control socket
// or within one process.

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "common/result.h"

namespace consilium {

/// As it goes over the socket: on one line, and UTF-8 whatever it was made of.
std::string RequestText(const nlohmann::ordered_json& json);

/// The field of that name. kInvalidArgument if it is not there or no text.
Result<std::string> RequestField(const nlohmann::ordered_json& request, std::string_view name);

/// What a service makes of a request, of which `command` is the field of that name.
using RequestHandler = std::function<Result<nlohmann::ordered_json>(
    const std::string& command, const nlohmann::ordered_json& request)>;

/// The reply of a service that knows no such command.
tl::unexpected<Error> UnknownCommand();

/// The handler's reply as text. kInvalidArgument if the request is no JSON object, has no command,
/// or a field that the handler finds to be of another type.
Result<std::string> AnswerRequest(std::string_view text, const RequestHandler& handler);

/// A reply read back. kIo if it is none.
Result<nlohmann::ordered_json> ParseReply(std::string_view text);

/// A text within a reply as people are shown it: on one line, without what could fool them
/// (OneLine of terminal.h); empty where there is none of that name.
std::string ShownText(const nlohmann::ordered_json& object, std::string_view name);

}  // namespace consilium
