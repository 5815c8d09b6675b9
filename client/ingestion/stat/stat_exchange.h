#pragma once

// What this program and the one that reads files of SAS, SPSS and Stata for it say to each other.
// The question is a command line, the answer a stream of frames: a byte that says what it is, its
// length in four bytes (little-endian), its content.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/stat/stat_values.h"
#include "common/bytes.h"
#include "common/result.h"
#include "common/wire.h"

namespace consilium {

inline constexpr std::size_t kMostStatVariables = 32'768;
inline constexpr std::size_t kMostStatFieldBytes = 1U << 20U;
inline constexpr std::size_t kMostStatRowBytes = 8U << 20U;

/// "sas7bdat", "xpt", "sav", "por", "dta".
std::string_view NameOf(StatFormat format);
std::optional<StatFormat> FindStatFormat(std::string_view name);

struct StatQuestion {
  StatFormat format = StatFormat::kSav;
  std::string encoding;       ///< As iconv calls it; "": the file's own.
  bool keep_missing = false;  ///< Values that the user declared missing stay what they are.
  /// Empty: only the variables are told. Otherwise the rows, of these variables.
  std::vector<bool> wanted;
  std::vector<bool> labelled;  ///< Whose labelled values are their labels; as long as `wanted`.
  std::vector<bool> days;      ///< Of which the time of day is left out; as long as `wanted`.
};

std::vector<std::string> ArgumentsOf(const StatQuestion& question);
Result<StatQuestion> QuestionOf(const std::vector<std::string>& arguments);

enum class StatFrame : std::uint8_t { kVariables = 1, kProgress, kRow, kEnd, kFault };
inline constexpr std::size_t kStatFrameHead = 5;
/// Of one frame's content.
inline constexpr std::size_t kMostStatFrameBytes = kMostStatRowBytes + 8 * kMostStatVariables;

enum class StatLabels : std::uint8_t {
  kNone = 1,
  kPresent,
  kLost  ///< The variable names labels that the file does not have.
};

struct StatVariable {
  Bytes name;
  NumberMeaning meaning = NumberMeaning::kNumber;
  StatLabels labels = StatLabels::kNone;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<300>(name),
            EnumBetween<NumberMeaning::kNumber, NumberMeaning::kBusinessDays>(meaning),
            EnumBetween<StatLabels::kNone, StatLabels::kLost>(labels));
  }
};

struct StatVariables {
  std::vector<StatVariable> variables;
  Bytes encoding;  ///< As the file says it; may be empty.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMostStatVariables>(variables), AtMost<300>(encoding));
  }
};

enum class StatFaultKind : std::uint8_t {
  kNotThisKind = 1,  ///< No file of this kind, or damaged so much that it does not look like one.
  kDamaged,
  kTruncated,
  kRowCount,  ///< The file says that it has another number of rows.
  kCharacter,
  kUnknownEncoding,
  kUnsupported,  ///< A version, compression or encryption that is not known.
  kMemory,
  kTooLarge,       ///< A field or row over the caps.
  kSeveralTables,  ///< The file holds more than one data set.
  kDeletedRows     ///< Rows that were deleted are still in the file.
};

struct StatFault {
  StatFaultKind kind = StatFaultKind::kDamaged;
  std::uint64_t record = 0;               ///< At which it happened, from 1; 0 before the rows.
  std::optional<std::uint32_t> variable;  ///< Where that is known.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<StatFaultKind::kNotThisKind, StatFaultKind::kDeletedRows>(kind), record,
            variable);
  }
};

/// Lengths in frames and rows.
void PutLength(std::uint32_t length, std::string& out);
std::uint32_t LengthAt(std::string_view bytes, std::size_t at);

/// Writes frames, a lot of them at a time. Each function is false when nobody reads them any more.
class StatFrameWriter {
 public:
  explicit StatFrameWriter(int out) : out_(out) {}
  bool Put(StatFrame kind, std::string_view content);
  bool Flush();

 private:
  int out_;
  bool open_ = true;
  std::string waiting_;
};

}  // namespace consilium
