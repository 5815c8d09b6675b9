#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace consilium {

/// How far a long command has come: a line on stderr that is written over. Nothing where that is no
/// terminal.
class RunProgress {
 public:
  RunProgress();
  RunProgress(const RunProgress&) = delete;
  RunProgress& operator=(const RunProgress&) = delete;
  ~RunProgress() { Clear(); }

  bool IsShown() const { return is_terminal_; }
  /// The done fraction as a bar, `count` of these units a second, the time left, and words before
  /// and after them.
  void Show(double fraction,
            std::uint64_t count,
            std::string_view units,
            const std::string& before = {},
            const std::string& after = {});
  /// Leaves no line behind.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;

  const bool is_terminal_;
  const Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> shown_;
};

/// Writes them to stderr, a line each.
void ShowWarnings(const std::vector<std::string>& warnings);

}  // namespace consilium
