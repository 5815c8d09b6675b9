#pragma once

// What the site's commands show to people.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "client/program/home.h"
#include "common/terminal.h"
#include "common/transport/site_socket.h"
#include "protocols/effects.h"

namespace consilium {

std::string FormatStudies(const nlohmann::ordered_json& reply, const TerminalStyle& style);
std::string FormatStatus(const nlohmann::ordered_json& reply, const TerminalStyle& style);
/// A sentence on what answers with noise have told, and would have told after the study; empty when
/// the reply does not say.
std::string FormatBalance(const nlohmann::ordered_json& reply);
std::string FormatLedger(const nlohmann::ordered_json& reply);
/// "2 signatures under approvals are those of the people named."; empty when there is none.
std::string FormatSignatures(const nlohmann::ordered_json& reply);
/// "Study 1f2e3d4c5b6a is approved here.", with who has signed and who still has to.
std::string FormatDecision(const nlohmann::ordered_json& study);

/// What a connection's state means and what to do about it.
std::string SentenceFor(ConnectionEvent event, const SiteHome& home);
/// A sentence for the terminal; empty for notes that belong in the log alone.
std::string SentenceFor(const Note& note, const SiteHome& home);

}  // namespace consilium
