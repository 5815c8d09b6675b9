#include "coordinator/commands_watch.h"

#include <chrono>
#include <iostream>
#include <thread>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/command_errors.h"
#include "common/terminal.h"
#include "common/transport/control.h"
#include "coordinator/format.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kAnswerTimeout{10'000};
constexpr std::chrono::milliseconds kInterval{200};

Result<Json> AskService(const std::filesystem::path& folder, const Json& request) {
  TRY(const std::string reply, AskControl(folder, request.dump(), kAnswerTimeout));
  if (auto error = ErrorIn(reply)) return tl::make_unexpected(std::move(*error));
  return Json::parse(reply, nullptr, /*allow_exceptions=*/false);
}

Result<std::string> NewestStudy(const std::filesystem::path& folder) {
  TRY(const Json reply, AskService(folder, {{"command", "status"}}));
  if (!reply.contains("studies") || reply["studies"].empty()) {
    return Fail(ErrorCode::kNotFound, "no study has been submitted");
  }
  return reply["studies"].back().value("study", "");
}

/// A service that restarts, is busy or waits for disk space answers again later.
bool MayPass(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kBusy || code == ErrorCode::kIo ||
         code == ErrorCode::kStorageFull;
}

}  // namespace

Result<int> WatchStudy(const std::filesystem::path& folder, const std::string& study, bool json) {
  std::string number = study;
  if (number.empty()) {
    TRY(number, NewestStudy(folder));
  }
  const Json request{{"command", "status"}, {"study", number}};
  const TerminalStyle style = StyleOf(STDOUT_FILENO);
  LiveScreen screen(style);
  std::string last_line;
  bool answered = false;
  while (true) {
    const Result<Json> reply = AskService(folder, request);
    if (!reply && (!answered || !MayPass(reply.error().code))) {
      return tl::make_unexpected(reply.error());
    }
    const Json view = reply ? (*reply).value("study", Json::object()) : Json::object();
    const std::string state = view.value("state", "");
    const std::string line = !reply ? "waiting: " + Describe(reply.error())
                             : json ? view.dump(-1, ' ', false, Json::error_handler_t::replace)
                                    : FormatStudyLine(view);
    if (style.is_terminal && !json) {
      screen.Show(reply ? FormatStudy(view, style) : line);
    } else if (line != last_line && !(json && !reply)) {
      std::cout << line << std::endl;
    }
    last_line = line;
    answered = true;
    if (state == "finished") return kExitDone;
    if (state == "failed" || state == "stopped") return kExitFailed;
    std::this_thread::sleep_for(kInterval);
  }
}

}  // namespace consilium
