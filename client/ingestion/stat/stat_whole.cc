#include "client/ingestion/stat/stat_whole.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace consilium {
namespace {

/// "Record Layout of a SAS Version 5 or 6 (and 8 or 9) Data Set in SAS Transport Format", SAS
/// Institute's TS-140: records of 80 bytes, and a head for each data set.
std::optional<StatFaultKind> FaultOfXpt(StatInput& file) {
  std::array<char, 80> record{};
  if (file.size() % static_cast<off_t>(record.size()) != 0) return StatFaultKind::kTruncated;
  int members = 0;
  file.SeekTo(0);
  while (file.Read(record) == static_cast<::ssize_t>(record.size())) {
    const std::string_view text(record.data(), record.size());
    if (text.starts_with("HEADER RECORD*******MEMB") && text.substr(28, 13) == "HEADER RECORD") {
      ++members;
    }
  }
  if (members > 1) return StatFaultKind::kSeveralTables;
  return std::nullopt;
}

/// What stands at the beginning of a SAS data set, as far as that is known: M. Shotwell and C.
/// Cummins, "SAS7BDAT Database Binary Format". Nothing beyond the file's end.
class SasHead {
 public:
  explicit SasHead(StatInput& file) : file_(file) {
    const std::string start = At(0, 38);
    if (start.empty()) return;
    wide_ = start[32] == '3';
    little_ = start[37] == 1;
    padding_ = start[35] == '3' ? 4 : 0;
  }

  /// The subheader "row size" on the first page has the number of deleted rows.
  std::uint64_t DeletedRows() {
    const std::uint64_t page = Number(196 + padding_, 4);
    const std::uint64_t pointers = page + (wide_ ? 40 : 24);
    const std::uint64_t count = Number(page + (wide_ ? 36 : 20), 2);
    const unsigned word = wide_ ? 8 : 4;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t subheader = page + Number(pointers + i * (wide_ ? 24 : 12), word);
      const std::string signature = At(subheader, word);
      if (signature.find("\xF7\xF7\xF7\xF7") != std::string::npos) {
        return Number(subheader + 7 * word, word);
      }
    }
    return 0;
  }

 private:
  std::string At(std::uint64_t place, std::size_t size) {
    std::string bytes(size, '\0');
    const auto there = static_cast<off_t>(place);
    if (there < 0 || there > file_.size() || !file_.SeekTo(there)) return {};
    return file_.Read(bytes) == static_cast<::ssize_t>(size) ? bytes : std::string();
  }
  std::uint64_t Number(std::uint64_t place, std::size_t size) {
    std::uint64_t number = 0;
    const std::string bytes = At(place, size);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const char byte = bytes[little_ ? bytes.size() - 1 - i : i];
      number = number << 8U | static_cast<unsigned char>(byte);
    }
    return number;
  }

  StatInput& file_;
  bool wide_ = false;
  bool little_ = true;
  std::uint64_t padding_ = 0;
};

std::optional<StatFaultKind> FaultOfDta(StatInput& file) {
  constexpr std::string_view kStart = "<stata_dta>";
  constexpr std::string_view kEnd = "</stata_dta>";
  if (!file.Has(0, kStart)) return std::nullopt;
  if (file.Has(file.size() - static_cast<off_t>(kEnd.size()), kEnd)) return std::nullopt;
  return StatFaultKind::kTruncated;
}

}  // namespace

std::optional<StatFaultKind> FaultOfWhole(StatFormat format, StatInput& file) {
  switch (format) {
    case StatFormat::kXpt:
      return FaultOfXpt(file);
    case StatFormat::kDta:
      return FaultOfDta(file);
    case StatFormat::kSas7bdat:
      if (SasHead(file).DeletedRows() == 0) return std::nullopt;
      return StatFaultKind::kDeletedRows;
    case StatFormat::kSav:
    case StatFormat::kPor:
      break;
  }
  return std::nullopt;
}

}  // namespace consilium
