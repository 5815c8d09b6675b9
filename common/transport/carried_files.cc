#include "common/transport/carried_files.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/command_errors.h"
#include "common/files.h"
#include "common/terminal.h"
#include "common/time.h"
#include "common/transport/control.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kControlTimeout{120'000};

}  // namespace

Result<std::vector<std::filesystem::path>> CarriedFiles(const std::vector<std::string>& places,
                                                        std::string_view ending) {
  std::vector<std::filesystem::path> files;
  for (const std::string& place : places) {
    std::error_code error;
    if (!std::filesystem::is_directory(place, error)) {
      files.emplace_back(place);
      continue;
    }
    std::vector<std::filesystem::path> in_folder;
    std::filesystem::directory_iterator entry(place, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      if (entry->path().extension() == ending) in_folder.push_back(entry->path());
    }
    if (error) return Fail(ErrorCode::kIo, "cannot read " + place + ": " + error.message());
    std::sort(in_folder.begin(), in_folder.end());
    files.insert(files.end(), in_folder.begin(), in_folder.end());
  }
  if (files.empty()) {
    return Fail(ErrorCode::kNotFound,
                "there is no file that ends in " + std::string(ending) + " in " + places.front(),
                "Name the file or folder that `outbox` wrote to on the other side.");
  }
  return files;
}

std::filesystem::path CarriedFileIn(const std::filesystem::path& out, std::string_view name) {
  std::error_code error;
  if (!std::filesystem::is_directory(out, error)) return out;
  const std::filesystem::path file(name);
  std::filesystem::path path = out / file;
  for (int number = 2; std::filesystem::exists(path, error) && !error; ++number) {
    path = out / (file.stem().string() + "-" + std::to_string(number) + file.extension().string());
  }
  return path;
}

Result<std::vector<CarriedOutcome>> TakeFiles(const std::filesystem::path& folder,
                                              const std::vector<std::filesystem::path>& files,
                                              std::size_t most_bytes,
                                              std::string_view start,
                                              const std::function<std::string(Bytes)>& request) {
  std::vector<CarriedOutcome> outcomes;
  for (const std::filesystem::path& file : files) {
    TRY(Bytes bytes, ReadFile(file, most_bytes));
    const Result<std::string> reply = AskRunningService(folder, request(std::move(bytes)), start);
    CarriedOutcome outcome{file, reply.has_value(), ""};
    if (reply) {
      const Json json = Json::parse(*reply, nullptr, /*allow_exceptions=*/false);
      outcome.words = "from " + json.value("from", "") + ", " +
                      std::to_string(json.value("messages", std::uint64_t{0})) + " new messages" +
                      (json.value("anew", false) ? "; its service has started anew" : "");
    } else if (reply.error().code == ErrorCode::kRefused ||
               reply.error().code == ErrorCode::kCorrupt) {
      outcome.words = "not taken: " + Printable(Describe(reply.error()));
    } else {
      return tl::make_unexpected(reply.error());
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

std::string OutcomesJson(const std::vector<CarriedOutcome>& outcomes) {
  Json json{{"files", Json::array()}};
  for (const CarriedOutcome& outcome : outcomes) {
    json["files"].push_back(
        {{"file", outcome.file.string()}, {"taken", outcome.taken}, {"words", outcome.words}});
  }
  return json.dump();
}

std::string OutcomesText(const std::vector<CarriedOutcome>& outcomes) {
  std::string text;
  for (const CarriedOutcome& outcome : outcomes) {
    text += outcome.file.string() + ": " + outcome.words + "\n";
  }
  return text;
}

Result<std::string> AskRunningService(const std::filesystem::path& folder,
                                      std::string_view request,
                                      std::string_view start) {
  Result<std::string> reply = AskControl(folder, request, kControlTimeout);
  if (!reply) {
    Error error = std::move(reply).error();
    if (error.code == ErrorCode::kUnavailable) {
      error.remedy =
          "Start it first and leave it running while files are under way, since it "
          "holds the one-time keys of open rounds: " +
          std::string(start) + " " + folder.string();
    }
    return tl::make_unexpected(std::move(error));
  }
  if (auto error = ErrorIn(*reply)) return tl::make_unexpected(std::move(*error));
  return reply;
}

}  // namespace consilium
