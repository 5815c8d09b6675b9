#include "client/policy/trainers.h"

#include <system_error>
#include <utility>

#include <unistd.h>

#include "common/files.h"
#include "protocols/external_trainer.h"

namespace consilium {
namespace {

constexpr std::int64_t kUsualMegabytes = 1'024;
constexpr std::int64_t kMostMegabytes = 1'048'576;
constexpr std::int64_t kUsualSeconds = 60;
constexpr std::int64_t kMostSeconds = 86'400;

/// Absolute; a policy must not mean another file where the program is started from another folder.
Result<std::filesystem::path> PathFrom(const Settings& table,
                                       std::string_view key,
                                       const std::string& text,
                                       const RelativeTo& start) {
  const std::filesystem::path path(text);
  if (path.is_absolute()) return path;
  if (start.folder.empty() || text.empty()) {
    return table.FailAt(key, "\"" + text + "\" is no absolute path", "Begin it with \"/\".");
  }
  return std::filesystem::absolute(start.folder / path).lexically_normal();
}

Result<TrainerProgram> ParseTrainer(const Settings& table, const RelativeTo& start) {
  TrainerProgram trainer;
  TRY(const std::string program, table.Text("program"));
  TRY(trainer.program, PathFrom(table, "program", program, start));
  TRY(trainer.arguments, table.TextsOr("arguments", {}));
  for (const std::string& argument : trainer.arguments) {
    if (argument.find('\0') != std::string::npos) {
      return table.FailAt("arguments", "an argument holds a zero byte");
    }
  }
  TRY(const std::vector<std::string> readable, table.TextsOr("readable", {}));
  for (const std::string& text : readable) {
    TRY(const std::filesystem::path path, PathFrom(table, "readable", text, start));
    trainer.readable.push_back(path.string());
  }
  TRY(const std::int64_t memory,
      table.IntegerBetween("memory_mb", 16, kMostMegabytes, kUsualMegabytes));
  trainer.memory_mb = static_cast<std::uint32_t>(memory);
  TRY(const std::int64_t seconds, table.IntegerBetween("seconds", 1, kMostSeconds, kUsualSeconds));
  trainer.seconds = static_cast<std::uint32_t>(seconds);
  TRY_STATUS(table.RequireNoOtherKeys());
  return trainer;
}

}  // namespace

Result<TrainerPrograms> ParseTrainers(const Settings& settings, const RelativeTo& start) {
  TrainerPrograms trainers;
  TRY(const std::optional<Settings> table, settings.TableIfAny("trainers"));
  if (!table) return trainers;
  for (const std::string& name : table->Keys()) {
    if (!IsTrainerName(name)) {
      return table->FailAt(name, "\"" + name + "\" is no name for a trainer",
                           "Use 1 to 64 letters, digits, \"_\", \"-\" or \".\".");
    }
    TRY(const Settings entry, table->Table(name));
    TRY(TrainerProgram trainer, ParseTrainer(entry, start));
    trainers.emplace(name, std::move(trainer));
  }
  return trainers;
}

Status CheckTrainer(const TrainerProgram& trainer) {
  std::error_code error;
  const std::filesystem::file_status found = std::filesystem::status(trainer.program, error);
  if (!std::filesystem::is_regular_file(found)) {
    return Fail(ErrorCode::kNotFound,
                "the trainer's program " + trainer.program.string() +
                    (std::filesystem::exists(found) ? " is no regular file" : " does not exist"),
                "Install it there, or correct `program`.");
  }
  if (::access(trainer.program.c_str(), X_OK) != 0) {
    return Fail(ErrorCode::kPermission,
                "the trainer's program " + trainer.program.string() + " may not be run",
                "Run: chmod a+x '" + trainer.program.string() + "'");
  }
  return {};
}

Status CheckTrustedTrainer(const TrainerProgram& trainer) {
  TRY_STATUS(CheckTrainer(trainer));
  return CheckUnalterable(trainer.program);
}

std::string InWords(const TrainerProgram& trainer) {
  std::string words = trainer.program.string();
  for (const std::string& argument : trainer.arguments) words += " " + argument;
  return words + ", with at most " + std::to_string(trainer.memory_mb) + " MB of memory and " +
         std::to_string(trainer.seconds) + " s for an answer";
}

}  // namespace consilium
