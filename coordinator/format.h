#pragma once

// Replies of the coordinator in words for people.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "common/terminal.h"
#include "protocols/effects.h"

namespace consilium {

std::string FormatRoster(const nlohmann::ordered_json& reply, const TerminalStyle& style);
/// All studies, one a line.
std::string FormatStatus(const nlohmann::ordered_json& reply, const TerminalStyle& style);
/// One study with its sites and, while it runs, its round and a progress bar.
std::string FormatStudy(const nlohmann::ordered_json& study, const TerminalStyle& style);
/// The same as one line, for output that is not a terminal: "running, round 3 of at most 27, ...".
std::string FormatStudyLine(const nlohmann::ordered_json& study);
std::string FormatAudit(const nlohmann::ordered_json& reply);
/// A note of the core for whoever watches the service; empty for what only the log wants.
std::string SentenceFor(const Note& note);

}  // namespace consilium
