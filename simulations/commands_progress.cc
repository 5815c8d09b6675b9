#include "simulations/commands_progress.h"

#include <iostream>

#include <unistd.h>

#include "common/terminal.h"

namespace consilium {
namespace {

std::string Whole(double number) { return std::to_string(static_cast<std::uint64_t>(number)); }

}  // namespace

RunProgress::RunProgress() : is_terminal_(StyleOf(STDERR_FILENO).is_terminal) {}

void RunProgress::Show(double fraction,
                       std::uint64_t count,
                       std::string_view units,
                       const std::string& before,
                       const std::string& after) {
  constexpr std::chrono::milliseconds kPause(50);
  const Clock::time_point now = Clock::now();
  if (!is_terminal_ || (shown_ && now - *shown_ < kPause)) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  std::string text = ProgressBar(fraction, 30) + before;
  // The first moments say nothing about the rest.
  if (seconds > 0.2) {
    text += ", " + Whole(static_cast<double>(count) / seconds) + " " + std::string(units) + "/s";
    if (fraction > 0.01) {
      text += ", " + Whole(seconds * (1 - fraction) / fraction + 0.5) + " s left";
    }
  }
  std::cerr << "\r\x1b[K" << text << after << std::flush;
}

void RunProgress::Clear() {
  if (!shown_) return;
  std::cerr << "\r\x1b[K" << std::flush;
  shown_.reset();
}

void ShowWarnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    std::cerr << "consilium-sim: warning: " << warning << std::endl;
  }
}

}  // namespace consilium
