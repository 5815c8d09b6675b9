#pragma once

// Structured log: an event name and a few typed fields. A field is a word, a number, an id or a
// hash prefix. There is no overload for bytes, secrets, vectors or doubles, so patient values, keys
// and contributions cannot be logged by mistake.

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/result.h"

namespace consilium {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

class LogField {
 public:
  LogField(std::string_view name, std::string_view word);  ///< Control characters are escaped.
  LogField(std::string_view name, const char* word) : LogField(name, std::string_view(word)) {}
  template <std::integral Number>
  LogField(std::string_view name, Number number) : LogField(name, std::to_string(number)) {}
  template <class Tag, class Rep>
  LogField(std::string_view name, StrongNumber<Tag, Rep> number) : LogField(name, number.value()) {}
  template <class Tag>
  LogField(std::string_view name, const Id32<Tag>& id) : LogField(name, id.Short()) {}
  LogField(std::string_view name, double) = delete;
  LogField(std::string_view name, float) = delete;

  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }

 private:
  std::string name_;
  std::string value_;
};

class Log {
 public:
  virtual ~Log() = default;
  void Info(std::string_view event, std::initializer_list<LogField> fields = {});
  void Warning(std::string_view event, std::initializer_list<LogField> fields = {});
  void Error(std::string_view event, std::initializer_list<LogField> fields = {});
  void Debug(std::string_view event, std::initializer_list<LogField> fields = {});
  /// For fields whose number is not known when the program is written.
  void Record(LogLevel level, std::string_view event, std::span<const LogField> fields);

 protected:
  virtual void Write(LogLevel level, std::string_view event, std::span<const LogField> fields) = 0;
};

/// Whether a log is also written to stderr.
enum class LogEcho { kStderr, kNone };

/// Writes nothing.
std::unique_ptr<Log> MakeSilentLog();
/// "2026-05-01T10:00:00Z info  round-finished study=1f2e.. round=3" to stderr and, where a folder
/// is given, to FOLDER/NAME.log (mode 0600, 10 MiB, 5 files kept).
Result<std::unique_ptr<Log>> MakeLog(std::string_view name,
                                     const std::filesystem::path& folder,
                                     LogLevel threshold,
                                     LogEcho echo = LogEcho::kStderr);

}  // namespace consilium
