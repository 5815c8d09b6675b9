#include "client/program/commands_carried.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/transport/carried_files.h"
#include "protocols/courier/carried_request.h"
#include "protocols/courier/courier_desk.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kPause{100};
constexpr std::string_view kStart = "consilium-site run";

Result<Json> AskSiteService(const CommonOptions& common, const CarriedRequest& request) {
  TRY(const std::string reply, AskRunningService(common.folder, RequestText(request), kStart));
  return Json::parse(reply, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

Result<int> TakeCarriedFiles(const CommonOptions& common, const std::vector<std::string>& places) {
  TRY(const auto files, CarriedFiles(places, kCourierFileEnding));
  TRY(const std::vector<CarriedOutcome> outcomes,
      TakeFiles(common.folder, files, kMostBytesInCourierFile, kStart, [](Bytes file) {
        return RequestText({CarriedRequest::Kind::kTake, std::move(file), ""});
      }));
  PrintReply(common, Json::parse(OutcomesJson(outcomes)),
             OutcomesText(outcomes) + "Next: consilium-site outbox " + common.folder.string() +
                 " --out FOLDER\n");
  const bool any = std::any_of(outcomes.begin(), outcomes.end(),
                               [](const CarriedOutcome& outcome) { return outcome.taken; });
  return any ? kExitDone : kExitFailed;
}

Result<int> WriteCarriedFile(const CommonOptions& common, const std::string& out) {
  const CarriedRequest request{CarriedRequest::Kind::kWrite, {}, ""};
  TRY(Json reply, AskSiteService(common, request));
  while (reply.value("computing", false)) {
    std::this_thread::sleep_for(kPause);
    TRY(reply, AskSiteService(common, request));
  }
  TRY(const Bytes file, FromHex(reply.value("file", "")));
  const std::filesystem::path path = CarriedFileIn(out, reply.value("name", ""));
  TRY_STATUS(WriteFileAtomically(path, file, kCarriedFileMode));
  const auto messages = reply.value("messages", std::uint64_t{0});
  const auto left = reply.value("left", std::uint64_t{0});
  const std::string nothing =
      messages > 0 ? ""
                   : "There is nothing new to tell the coordinator. The file is of use where its "
                     "service was restarted.\n";
  return PrintReply(common, Json{{"file", path.string()}, {"messages", messages}, {"left", left}},
                    "Written: " + path.string() + " (" + std::to_string(messages) + " messages" +
                        (left > 0 ? ", " + std::to_string(left) + " wait for the next file" : "") +
                        "). The coordinator alone can read it; anybody may carry it.\n"
                        "There: consilium-coordinator inbox DIR FILE\n" +
                        nothing);
}

}  // namespace consilium
