#include "common/log.h"

#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>

#include "common/code_points.h"
#include "common/file_descriptor.h"
#include "common/files.h"

namespace consilium {
namespace {

constexpr std::size_t kLongestWord = 1'024;
constexpr std::size_t kFileBytes = 10U << 20;
constexpr std::size_t kOlderFiles = 4;  ///< Beside the current one.

void AppendEscaped(std::string& to, std::string_view bytes) {
  for (const char byte : bytes) {
    char text[8];
    std::snprintf(text, sizeof text, "\\x%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(byte)));
    to += text;
  }
}

std::string Escaped(std::string_view word) {
  std::string safe;
  while (!word.empty()) {
    if (safe.size() >= kLongestWord) return safe + "...";
    const CodePoint first = FirstCodePoint(word);
    const std::size_t taken = first.bytes == 0 ? 1 : first.bytes;
    if (first.bytes == 0 || IsControl(first.number)) {
      if (word.front() == '\n') {
        safe += "\\n";
      } else {
        AppendEscaped(safe, word.substr(0, taken));
      }
    } else if (first.number == '\\') {
      safe += "\\\\";
    } else {
      safe.append(word.substr(0, taken));
    }
    word.remove_prefix(taken);
  }
  return safe;
}

/// A value with a blank, quote or equals sign is quoted, so that a word cannot pose as a further
/// field.
void AppendValue(std::string& line, const std::string& value) {
  if (!value.empty() && value.find_first_of(" \"=") == std::string::npos) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"') line += '\\';
    line += c;
  }
  line += '"';
}

spdlog::level::level_enum NativeLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

class SilentLog final : public Log {
 protected:
  void Write(LogLevel, std::string_view, std::span<const LogField>) override {}
};

class SpdLog final : public Log {
 public:
  SpdLog(std::string name, std::vector<spdlog::sink_ptr> sinks, LogLevel threshold)
      : logger_(std::move(name), sinks.begin(), sinks.end()) {
    logger_.set_level(NativeLevel(threshold));
    logger_.flush_on(spdlog::level::debug);
    logger_.set_pattern("%Y-%m-%dT%H:%M:%SZ %-7l %v", spdlog::pattern_time_type::utc);
  }

 protected:
  void Write(LogLevel level, std::string_view event, std::span<const LogField> fields) override {
    if (!logger_.should_log(NativeLevel(level))) return;
    std::string line = Escaped(event);
    for (const LogField& field : fields) {
      line += ' ';
      line += field.name();
      line += '=';
      AppendValue(line, field.value());
    }
    logger_.log(NativeLevel(level), spdlog::string_view_t(line));
  }

 private:
  spdlog::logger logger_;
};

/// spdlog opens files with the umask's mode; made beforehand, the file keeps the mode given here.
void CreateLogFile(const spdlog::filename_t& name) {
  const FileDescriptor file(
      ::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.valid()) static_cast<void>(::fchmod(file.get(), 0600));
}

}  // namespace

LogField::LogField(std::string_view name, std::string_view word)
    : name_(Escaped(name)), value_(Escaped(word)) {}

void Log::Debug(std::string_view event, std::initializer_list<LogField> fields) {
  Record(LogLevel::kDebug, event, std::span(fields.begin(), fields.size()));
}
void Log::Info(std::string_view event, std::initializer_list<LogField> fields) {
  Record(LogLevel::kInfo, event, std::span(fields.begin(), fields.size()));
}
void Log::Warning(std::string_view event, std::initializer_list<LogField> fields) {
  Record(LogLevel::kWarning, event, std::span(fields.begin(), fields.size()));
}
void Log::Error(std::string_view event, std::initializer_list<LogField> fields) {
  Record(LogLevel::kError, event, std::span(fields.begin(), fields.size()));
}

void Log::Record(LogLevel level, std::string_view event, std::span<const LogField> fields) {
  Write(level, event, fields);
}

std::unique_ptr<Log> MakeSilentLog() { return std::make_unique<SilentLog>(); }

Result<std::unique_ptr<Log>> MakeLog(std::string_view name,
                                     const std::filesystem::path& folder,
                                     LogLevel threshold,
                                     LogEcho echo) {
  try {
    std::vector<spdlog::sink_ptr> sinks;
    if (echo == LogEcho::kStderr) {
      sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    }
    if (!folder.empty() && !std::filesystem::is_directory(folder)) {
      return Fail(ErrorCode::kNotFound, "the log folder '" + folder.string() + "' does not exist");
    }
    if (!folder.empty()) {
      const std::filesystem::path file = folder / (std::string(name) + ".log");
      spdlog::file_event_handlers handlers;
      handlers.before_open = CreateLogFile;
      sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
          file.string(), kFileBytes, kOlderFiles, false, handlers));
    }
    return std::unique_ptr<Log>(
        std::make_unique<SpdLog>(std::string(name), std::move(sinks), threshold));
  } catch (const spdlog::spdlog_ex& error) {
    return Fail(ErrorCode::kIo,
                "cannot write the log in '" + folder.string() + "': " + error.what(),
                "Check that the folder exists and is writable, and that the disk is not full.");
  }
}

}  // namespace consilium
