#include <utility>

#include "client/program/doctor.h"
#include "client/program/format.h"
#include "client/program/runtime_connection.h"
#include "common/runtime_clock.h"
#include "common/transport/reach.h"

namespace consilium {
namespace {

constexpr Duration kPatience{6'000};
constexpr const char* kConnectionRemedy =
    "See that the coordinator serves, and that this site is admitted (`consilium-coordinator "
    "roster`).";

std::string NameOf(const SiteHome& home) { return "coordinator at " + home.settings.endpoint; }

Finding FromWords(std::string check, bool ok, std::string words) {
  return {std::move(check), ok, std::move(words), ok ? "" : kConnectionRemedy};
}

/// What becomes of a connection with the site's keys within the patience.
Result<ConnectionEvent> TryHandshake(const SiteHome& home, SiteSocketOptions options) {
  SystemRandom random;
  TRY(const std::unique_ptr<TransportContext> context, TransportContext::Create());
  TRY(const std::unique_ptr<SiteSocket> socket,
      ConnectToCoordinator(home, std::move(options), *context, random));
  Poller poller;
  poller.Watch(*socket);
  const Instant until = ReadClocks().monotonic + kPatience;
  while (ReadClocks().monotonic < until) {
    TRY_STATUS(poller.Wait(until - ReadClocks().monotonic));
    if (const auto event = socket->NextEvent()) return *event;
  }
  return ConnectionEvent::kUnreachable;
}

}  // namespace

std::vector<Finding> ExamineConnection(const SiteHome& home,
                                       const std::optional<ServiceConnection>& service) {
  if (home.settings.carried) {
    return {{"connection", true, "none is meant: people carry files (`inbox` and `outbox`)", ""}};
  }
  std::vector<Finding> findings;
  const std::string network = home.settings.socks_proxy.empty() ? "network" : "network and proxy";
  const auto failed = [](std::string check, const Error& error) {
    return Finding{std::move(check), false, error.message, error.remedy};
  };
  Result<SiteSocketOptions> options = ConnectionOptionsOf(home.settings);
  const Result<std::string> reached =
      options ? TryToReach(*options, kPatience)
              : Result<std::string>(tl::unexpected<Error>(options.error()));
  findings.push_back(reached ? Finding{network, true, *reached, ""}
                             : failed(network, reached.error()));
  if (service) {
    findings.push_back(
        FromWords(NameOf(home), service->connected, "the running service says: " + service->words));
    return findings;
  }
  if (!reached) return findings;
  const Result<ConnectionEvent> event = TryHandshake(home, std::move(*options));
  findings.push_back(event ? FromWords(NameOf(home), *event == ConnectionEvent::kConnected,
                                       SentenceFor(*event, home))
                           : failed(NameOf(home), event.error()));
  return findings;
}

}  // namespace consilium
