#pragma once

// From bytes to the records and fields of delimited text, without looking at what a field means.
// Memory is bounded whatever the file: one buffer that holds a record at least, and caps on fields
// and records.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/byte_stream.h"
#include "client/ingestion/csv_scan.h"
#include "common/result.h"

namespace consilium {

inline constexpr std::size_t kMaxCsvFieldBytes = 1U << 20U;
inline constexpr std::size_t kMaxCsvRowBytes = 8U << 20U;
inline constexpr std::size_t kMaxCsvColumns = 16'384;

/// Where a field lies in the buffer, its quotes not included.
struct CsvSpan {
  std::uint32_t begin = 0;  ///< From the record's start.
  std::uint32_t size = 0;
  std::uint32_t line = 0;  ///< Lines between the record's start and its own.
  bool quoted = false;
  bool escaped = false;  ///< Has quotes written twice.
};

/// Lines end in LF, CRLF or CR; empty lines are skipped. Errors are kDataQuality with
/// "NAME:LINE: ".
class CsvRecords {
 public:
  CsvRecords(std::unique_ptr<ByteStream> bytes, std::string name);

  const std::string& name() const { return name_; }
  std::optional<double> Progress() const { return bytes_->Progress(); }

  /// What comes next, some 64 KiB of it, for a look before the first record.
  Result<std::string_view> Sample();
  /// True if the sample goes to the end.
  bool SampleIsAll() const;
  /// Leaves out bytes of the sample.
  void Skip(std::size_t bytes) { position_ += bytes; }
  /// Leaves out a line end.
  void SkipLineEnd() { TakeLineEnd(position_); }
  void set_delimiter(char delimiter) { delimiter_ = delimiter; }
  char delimiter() const { return delimiter_; }

  /// Finds the next record; false at the end.
  Result<bool> Next();
  /// The record's fields, in memory that the next call of Next() uses again.
  const std::vector<CsvSpan>& fields() const { return fields_; }
  std::string_view TextOf(const CsvSpan& field) const {
    return {text_.data() + record_ + field.begin, field.size};
  }
  /// True if the record is ASCII; false if it, or a few bytes behind it, are not.
  bool is_surely_ascii() const { return cursor_.is_ascii(); }
  std::size_t record_bytes() const { return position_ - record_; }
  /// The line, from 1, on which the record starts.
  std::uint64_t line() const { return record_line_; }
  std::uint64_t LineOf(const CsvSpan& field) const { return record_line_ + field.line; }

  tl::unexpected<Error> FailAtLine(std::uint64_t line,
                                   std::string message,
                                   std::string remedy = {}) const;

 private:
  enum class Found { kRecord, kNeedsMore, kEnd };
  enum class After { kField, kRecord, kNeedsMore };  // What comes after a field.

  Status More();
  Found SkipEmptyLines();
  Result<Found> ScanRecord();
  void TakePlainFields();
  Result<After> ScanPlain(CsvSpan& field);
  Result<After> ScanQuoted(CsvSpan& field);
  Result<After> AfterQuoted(std::size_t next);
  Result<bool> IsMore(std::size_t mark) const;
  Result<After> Unfinished(std::size_t begin, std::uint64_t line) const;
  Status CheckSize(std::size_t begin, std::size_t end, std::uint64_t line) const;
  Status CheckRecordSize(std::size_t end) const;
  bool TakeLineEnd(std::size_t mark);

  std::unique_ptr<ByteStream> bytes_;
  std::string name_;
  char delimiter_ = ',';
  std::vector<char> text_;  // size_ bytes of the file, a NUL, and room to read beyond.
  std::size_t size_ = 0;
  bool ended_ = false;        // No bytes come after those in text_.
  std::size_t position_ = 0;  // Of the next record.
  std::uint64_t line_ = 1;    // Of position_.
  std::size_t record_ = 0;    // Start of the record found.
  std::uint64_t record_line_ = 1;
  std::vector<CsvSpan> fields_;
  CsvMarkCursor cursor_;       // While a record is scanned:
  std::size_t at_ = 0;         // start of the field
  std::uint64_t at_line_ = 1;  // and its line.
};

}  // namespace consilium
