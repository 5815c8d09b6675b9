#include "coordinator/commands_carried.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/transport/carried_files.h"
#include "protocols/courier/carried_request.h"
#include "protocols/courier/courier_desk.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kStart = "consilium-coordinator serve";

Result<Json> AskServing(const CommonOptions& common, const CarriedRequest& request) {
  TRY(const std::string reply, AskRunningService(common.folder, RequestText(request), kStart));
  return Json::parse(reply, nullptr, /*allow_exceptions=*/false);
}

Result<std::vector<std::string>> SitesWithNews(const CommonOptions& common) {
  TRY(const Json reply, AskServing(common, {CarriedRequest::Kind::kList, {}, ""}));
  std::vector<std::string> sites;
  for (const Json& site : reply.at("sites")) {
    if (site.value("news", false)) sites.push_back(site.value("site", ""));
  }
  return sites;
}

}  // namespace

Result<int> TakeSitesFiles(const CommonOptions& common, const std::vector<std::string>& places) {
  TRY(const auto files, CarriedFiles(places, kCourierFileEnding));
  TRY(const std::vector<CarriedOutcome> outcomes,
      TakeFiles(common.folder, files, kMostBytesInCourierFile, kStart, [](Bytes file) {
        return RequestText({CarriedRequest::Kind::kTake, std::move(file), ""});
      }));
  PrintReply(common, Json::parse(OutcomesJson(outcomes)),
             OutcomesText(outcomes) + "Next: consilium-coordinator outbox " +
                 common.folder.string() + " --out FOLDER\n");
  const bool any = std::any_of(outcomes.begin(), outcomes.end(),
                               [](const CarriedOutcome& outcome) { return outcome.taken; });
  return any ? kExitDone : kExitFailed;
}

Result<int> WriteSitesFiles(const CommonOptions& common,
                            const std::string& site,
                            const std::string& out) {
  std::vector<std::string> sites{site};
  if (site.empty()) {
    TRY(sites, SitesWithNews(common));
  }
  const std::filesystem::path place = out.empty() ? "." : out;
  std::error_code error;
  if (sites.size() > 1 && !std::filesystem::is_directory(place, error)) {
    return Fail(ErrorCode::kInvalidArgument,
                place.string() + " is no folder, and there are files for several sites",
                "Name a folder, or one site with --site.");
  }
  Json all{{"files", Json::array()}};
  std::string text;
  for (const std::string& name : sites) {
    TRY(const Json reply, AskServing(common, {CarriedRequest::Kind::kWrite, {}, name}));
    TRY(const Bytes file, FromHex(reply.value("file", "")));
    if (file.empty()) continue;
    const std::filesystem::path path = CarriedFileIn(place, reply.value("name", ""));
    TRY_STATUS(WriteFileAtomically(path, file, kCarriedFileMode));
    const auto messages = reply.value("messages", std::uint64_t{0});
    all["files"].push_back({{"site", name}, {"file", path.string()}, {"messages", messages}});
    text += "Written: " + path.string() + " (" + std::to_string(messages) + " messages for " +
            name + ")\n";
  }
  if (text.empty()) text = "There is nothing to tell any site whose messages are carried.\n";
  return PrintReply(common, all, text);
}

}  // namespace consilium
