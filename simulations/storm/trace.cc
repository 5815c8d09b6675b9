#include "simulations/storm/trace.h"

#include <cstdio>

#include "protocols/header.h"

namespace consilium {
namespace {

/// "upload-header round 2 attempt 1, 404 bytes" for a message, "17 bytes" for anything else.
std::string Describe(ByteSpan content) {
  std::string text;
  if (const auto message = OpenMessage(content)) {
    text = std::string(Name(message->kind));
    if (message->route.round != RoundNumber()) {
      text += " round " + std::to_string(message->route.round.value()) + " attempt " +
              std::to_string(message->route.attempt.value());
    }
    text += ", ";
  }
  return text + std::to_string(content.size()) + " bytes";
}

}  // namespace

void Trace::Add(Instant when, std::string_view party, std::string_view what, ByteSpan content) {
  ++events_;
  if (keeps_ == TraceKeeps::kCount) return;
  hasher_.Add(static_cast<std::uint64_t>(when.milliseconds)).Add(party).Add(what).Add(content);
  if (keeps_ != TraceKeeps::kLines) return;
  char time[32];
  std::snprintf(time, sizeof time, "%10.3f s  ", static_cast<double>(when.milliseconds) / 1000);
  std::string line = time + std::string(party);
  line.resize(std::max<std::size_t>(line.size(), 28), ' ');
  line += std::string(what);
  if (!content.empty()) line += " (" + Describe(content) + ")";
  lines_.push_back(std::move(line));
}

}  // namespace consilium
