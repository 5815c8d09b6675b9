#include "common/transport/ask_service.h"

#include <chrono>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/command_errors.h"
#include "common/runtime_clock.h"
#include "common/service_request.h"
#include "common/transport/control.h"

namespace consilium {
namespace {

constexpr Duration kControlTimeout{30'000};
constexpr Duration kBusyPatience{5'000};
constexpr Duration kServicePatience{800};
constexpr std::chrono::milliseconds kBusyPause{50};

}  // namespace

Result<nlohmann::ordered_json> AskService(
    const std::filesystem::path& folder,
    const nlohmann::ordered_json& request,
    const std::function<Result<std::string>(std::string_view text)>& execute_here) {
  const std::string text = RequestText(request);
  const Instant give_up = ReadClocks().monotonic + kBusyPatience;
  while (true) {
    Result<std::string> reply = AskControl(folder, text, kControlTimeout);
    if (!reply && reply.error().code == ErrorCode::kUnavailable) {
      reply = execute_here(text);
      const bool busy = !reply && reply.error().code == ErrorCode::kBusy;
      if (busy && ReadClocks().monotonic < give_up) {
        std::this_thread::sleep_for(kBusyPause);
        continue;
      }
    }
    if (!reply) return tl::make_unexpected(std::move(reply.error()));
    if (auto error = ErrorIn(*reply)) return tl::make_unexpected(std::move(*error));
    return ParseReply(*reply);
  }
}

Result<std::unique_ptr<RecordStore>> OpenServiceStore(const std::filesystem::path& file) {
  const Instant give_up = ReadClocks().monotonic + kServicePatience;
  while (true) {
    Result<std::unique_ptr<RecordStore>> store = OpenSqliteStore(file);
    const bool busy = !store && store.error().code == ErrorCode::kBusy;
    if (!busy || ReadClocks().monotonic >= give_up) return store;
    std::this_thread::sleep_for(kBusyPause);
  }
}

}  // namespace consilium
