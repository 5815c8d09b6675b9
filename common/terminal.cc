#include "common/terminal.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <system_error>
#include <utility>

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/code_points.h"
#include "common/files.h"
#include "common/secret.h"

namespace consilium {
namespace {

constexpr std::size_t kLongestPassphraseFile = 4'096;

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }

/// Switches the terminal's echo off for as long as it lives.
class WithoutEcho {
 public:
  WithoutEcho() : active_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!active_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  WithoutEcho(const WithoutEcho&) = delete;
  WithoutEcho& operator=(const WithoutEcho&) = delete;
  ~WithoutEcho() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_{};
  bool active_;
};

bool CanAsk() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

std::string CutAt(std::string_view line, std::size_t columns) {
  std::size_t used = 0;
  std::size_t i = 0;
  bool escape = false;
  while (i < line.size()) {
    if (line[i] == '\x1b') escape = true;
    if (!escape && StartsCharacter(line[i]) && used++ == columns) break;
    if (escape && line[i] == 'm') escape = false;
    ++i;
  }
  return std::string(line.substr(0, i)) + (i < line.size() ? "\x1b[0m" : "");
}

}  // namespace

TerminalStyle StyleOf(int descriptor) {
  TerminalStyle style;
  style.is_terminal = ::isatty(descriptor) == 1;
  const char* kind = std::getenv("TERM");
  const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
  style.colours = style.is_terminal && !dumb && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (style.is_terminal && ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) {
    style.width = size.ws_col;
  }
  return style;
}

std::string Paint(std::string_view text, Colour colour, bool colours) {
  if (!colours) return std::string(text);
  const char* code = "0";
  switch (colour) {
    case Colour::kGreen:
      code = "32";
      break;
    case Colour::kYellow:
      code = "33";
      break;
    case Colour::kRed:
      code = "31";
      break;
    case Colour::kBold:
      code = "1";
      break;
    case Colour::kFaint:
      code = "2";
      break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::size_t ColumnsOf(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), StartsCharacter));
}

std::string Printable(std::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  while (!text.empty()) {
    const CodePoint first = FirstCodePoint(text);
    const std::size_t taken = std::max<std::size_t>(first.bytes, 1);
    const bool shown = first.bytes > 0 && (first.number == '\n' || !IsControl(first.number));
    if (shown) {
      printable.append(text.substr(0, taken));
    } else {
      printable += '?';
    }
    text.remove_prefix(taken);
  }
  return printable;
}

std::string OneLine(std::string_view text) {
  std::string line = Printable(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string ProgressBar(double fraction, std::size_t width) {
  if (width < 3) return std::string(width, ' ');
  const double held = std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0.0;
  const std::size_t inside = width - 2;
  const auto filled = static_cast<std::size_t>(held * static_cast<double>(inside));
  return "[" + std::string(filled, '#') + std::string(inside - filled, '-') + "]";
}

std::string AlignedTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    if (row.size() > widths.size()) widths.resize(row.size(), 0);
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], ColumnsOf(row[i]));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - ColumnsOf(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string Wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string wrapped;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t start = text.find_first_not_of(' ');
    if (start == std::string_view::npos) break;
    text.remove_prefix(start);
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    const std::size_t columns = ColumnsOf(word);
    if (column > indent && column + 1 + columns > width) {
      wrapped += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!wrapped.empty()) {
      wrapped += ' ';
      ++column;
    }
    wrapped += word;
    column += columns;
  }
  return wrapped;
}

void LiveScreen::Show(std::string_view text) {
  std::string output;
  if (lines_shown_ > 0) output += "\x1b[" + std::to_string(lines_shown_) + "F\x1b[J";
  lines_shown_ = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    output += CutAt(line, style_.width) + "\n";
    ++lines_shown_;
  }
  std::cout << output << std::flush;
}

std::string ProgressText(std::string_view words,
                         std::optional<double> share,
                         std::string_view detail,
                         std::size_t width) {
  constexpr std::size_t kBar = 20;
  std::string text(words);
  if (share) {
    const double held = std::isfinite(*share) ? std::clamp(*share, 0.0, 1.0) : 0.0;
    text += " " + ProgressBar(held, kBar) + " " + std::to_string(std::lround(100 * held)) + " %";
  }
  text += " " + std::string(detail);
  return CutAt(Printable(text), width);
}

ProgressLine::ProgressLine(std::string words)
    : style_(StyleOf(STDERR_FILENO)),
      words_(std::move(words)),
      next_(std::chrono::steady_clock::now() + std::chrono::milliseconds(500)) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
}

void ProgressLine::Show(std::optional<double> share, std::string_view detail) {
  const auto now = std::chrono::steady_clock::now();
  if (!style_.is_terminal || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  shown_ = true;
  std::cerr << "\r" << ProgressText(words_, share, detail, style_.width - 1) << "\x1b[K"
            << std::flush;
}

Result<bool> Confirm(std::string_view question) {
  if (!CanAsk()) {
    return Fail(ErrorCode::kInvalidArgument, "there is no terminal to ask for confirmation on",
                "Add --yes to confirm on the command line.");
  }
  std::cerr << question << " Type yes to confirm: " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

Result<Passphrase> ReadPassphraseFile(const std::filesystem::path& file) {
  TRY_STATUS(CheckPrivate(file));
  TRY(Bytes content, ReadFile(file, kLongestPassphraseFile));
  std::string_view line = AsText(content);
  line = line.substr(0, line.find_first_of("\r\n"));
  const bool empty = line.empty();
  Passphrase passphrase(line);
  Wipe(content);
  if (empty) {
    return Fail(ErrorCode::kInvalidArgument, "the passphrase file '" + file.string() + "' is empty",
                "Write the passphrase on its first line.");
  }
  return passphrase;
}

Result<Passphrase> ReadPassphraseFrom(int descriptor) {
  ByteArray<kLongestPassphraseFile> line{};
  std::size_t length = 0;
  bool ended = false;
  while (!ended && length < line.size()) {
    const ssize_t count = ::read(descriptor, line.data() + length, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      Wipe(line);
      return Fail(ErrorCode::kIo,
                  "no passphrase can be read from descriptor " + std::to_string(descriptor) + ": " +
                      std::generic_category().message(errno),
                  "Pass it as your shell does: consilium-site ... 3< FILE, and 3 here.");
    }
    ended = count == 0 || line[length] == std::byte{'\n'};
    if (!ended) ++length;
  }
  Passphrase passphrase(AsText(ByteSpan(line).first(length)));
  Wipe(line);
  if (length == 0 || !ended) {
    return Fail(ErrorCode::kInvalidArgument,
                "descriptor " + std::to_string(descriptor) + " gave " +
                    (ended ? "an empty" : "no end of the") + " passphrase",
                "Write the passphrase as one line.");
  }
  return passphrase;
}

Result<Passphrase> AskNewPassphrase(const std::filesystem::path& key_file) {
  const PassphraseProvider ask = PassphraseFrom(std::nullopt);
  TRY(Passphrase first, ask("the new key " + key_file.string()));
  TRY(const Passphrase second, ask("the new key, once more"));
  if (EqualInConstantTime(AsBytes(first.Expose()), AsBytes(second.Expose()))) return first;
  return Fail(ErrorCode::kInvalidArgument, "the two passphrases differ; no key was made",
              "Try again.");
}

PassphraseProvider PassphraseFrom(std::optional<std::filesystem::path> file) {
  if (file) return [path = *file](const auto&) { return ReadPassphraseFile(path); };
  if (!CanAsk()) return NobodyToAsk();
  return [](const std::filesystem::path& key_file) -> Result<Passphrase> {
    std::cerr << "Passphrase of " << key_file.string() << ": " << std::flush;
    std::string typed;
    {
      const WithoutEcho silent;
      std::getline(std::cin, typed);
    }
    std::cerr << std::endl;
    Passphrase passphrase(typed);
    Wipe(std::as_writable_bytes(std::span(typed)));
    return passphrase;
  };
}

}  // namespace consilium
