#pragma once

// What the programs show to people. Colours, cursor movements and questions only on a terminal;
// plain lines everywhere else.

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/home.h"
#include "common/result.h"

namespace consilium {

enum class Colour { kGreen, kYellow, kRed, kBold, kFaint };

/// What the stream behind a descriptor can show.
struct TerminalStyle {
  bool is_terminal = false;
  bool colours = false;  ///< Not when NO_COLOR is set or TERM is "dumb".
  std::size_t width = 80;
};
TerminalStyle StyleOf(int descriptor);

std::string Paint(std::string_view text, Colour colour, bool colours);
/// Columns of UTF-8 text, one a code point.
std::size_t ColumnsOf(std::string_view text);
/// What a file or a peer's text may hold to fool a reader, as '?': control characters, overrides of
/// direction (common/code_points.h) and bytes that are no UTF-8. Keeps line ends, so a peer's text
/// among one's own lines goes through OneLine.
std::string Printable(std::string_view text);
/// The same with a blank for each line end: what one peer says cannot look like a line of ours.
std::string OneLine(std::string_view text);
/// "[########------------]" of `width` columns; `fraction` is held within 0 and 1.
std::string ProgressBar(double fraction, std::size_t width);
/// Rows of cells in aligned columns, the first row as the heading. No blanks at line ends.
std::string AlignedTable(const std::vector<std::vector<std::string>>& rows);
/// The text broken at blanks into lines of at most `width` columns, those after the first indented.
std::string Wrapped(std::string_view text, std::size_t width, std::size_t indent);

/// Text on stdout that is replaced by the next one: a live view.
class LiveScreen {
 public:
  explicit LiveScreen(TerminalStyle style) : style_(style) {}
  /// Shows `text` in place of what was shown before. Lines are cut at the terminal's width.
  void Show(std::string_view text);

 private:
  TerminalStyle style_;
  std::size_t lines_shown_ = 0;
};

/// One line on stderr that says how far something long has come. Shows nothing where stderr is no
/// terminal, nor before the first half second; gone when it is destroyed.
class ProgressLine {
 public:
  explicit ProgressLine(std::string words);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `share` from 0 to 1, where it is known; `detail` stands behind the bar.
  void Show(std::optional<double> share, std::string_view detail);

 private:
  TerminalStyle style_;
  std::string words_;
  std::chrono::steady_clock::time_point next_;
  bool shown_ = false;
};
/// "Reading patients.csv [####----]  45 % 1200000 rows", at most `width` columns.
std::string ProgressText(std::string_view words,
                         std::optional<double> share,
                         std::string_view detail,
                         std::size_t width);

/// Asks on the terminal and waits for "yes"; kInvalidArgument when there is no terminal to ask on.
Result<bool> Confirm(std::string_view question);

/// How a key file's passphrase is found: the file if one is given, else a question on the terminal.
PassphraseProvider PassphraseFrom(std::optional<std::filesystem::path> file);
/// The first line of a file that nobody else may read.
Result<Passphrase> ReadPassphraseFile(const std::filesystem::path& file);
/// The first line that comes over an open descriptor, at most 4096 bytes; reads no byte behind it.
Result<Passphrase> ReadPassphraseFrom(int descriptor);
/// Asks twice for the passphrase of a key that is to be made; kPermission without a terminal,
/// kInvalidArgument when the two differ.
Result<Passphrase> AskNewPassphrase(const std::filesystem::path& key_file);

}  // namespace consilium
