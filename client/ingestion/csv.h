#pragma once

// A streaming reader for delimited text (RFC 4180 and what Excel, R and databases make of it).
// Memory is bounded whatever the file: one buffer, one row, and caps on both.

#include <cstdint>
#include <filesystem>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/ingestion/table_reader.h"
#include "client/ingestion/text_encoding.h"
#include "common/result.h"

namespace consilium {

inline constexpr std::size_t kMaxCsvFieldBytes = 1U << 20U;
inline constexpr std::size_t kMaxCsvRowBytes = 8U << 20U;
inline constexpr std::size_t kMaxCsvColumns = 16'384;

struct CsvOptions {
  std::optional<char> delimiter =
      std::nullopt;  ///< One of , ; | and tab; found out from the file when not given.
  TextEncoding encoding = TextEncoding::kUtf8;
};

/// True for , ; | and tab.
bool IsCsvDelimiter(char c);
/// "comma", "semicolon", "tab", "bar".
std::string_view DelimiterName(char delimiter);

/// Lines end in LF, CRLF or CR. Empty lines are skipped. Every row has as many fields as the
/// header. Errors are kDataQuality with "FILE:LINE: " and never hold a field's content, except
/// names in the header.
class CsvReader final : public TableReader {
 public:
  /// Opens a regular file and reads its header.
  static Result<std::unique_ptr<CsvReader>> Open(const std::filesystem::path& file,
                                                 const CsvOptions& options);
  /// The same over any stream; `name` stands for the file in messages.
  static Result<std::unique_ptr<CsvReader>> Read(std::unique_ptr<std::istream> stream,
                                                 std::string name,
                                                 const CsvOptions& options);

  const std::vector<std::string>& header() const override { return header_; }
  const std::string& name() const override { return name_; }
  TableFormat format() const override;
  void Want(const std::vector<bool>&) override {}
  Result<bool> Next(TableRow& row) override;

 private:
  struct Field {
    std::string text;        // UTF-8, quotes resolved, otherwise as written.
    std::uint64_t line = 0;  // On which it starts.
  };
  struct Record {
    std::vector<Field> fields;
    std::uint64_t line = 0;
  };

  CsvReader(std::unique_ptr<std::istream> stream, std::string name, const CsvOptions& options);

  Status Start(const CsvOptions& options);
  Status SkipByteOrderMark();
  void TakeSeparatorLine();
  void DetectDelimiter();
  Status ReadHeader();

  bool Fill();
  int Peek();
  void Advance() { ++position_; }
  void TakeLineEnd();
  Result<bool> ReadRecord(Record& row);
  Status ReadField(Field& field);
  Status ReadQuoted(Field& field);
  Status ReadPlain(Field& field);
  Status CheckSize(const Field& field) const;
  bool IsStrayBlank(const Record& row) const;
  tl::unexpected<Error> FailAtLine(std::uint64_t line,
                                   std::string message,
                                   std::string remedy = {}) const;

  std::unique_ptr<std::istream> stream_;
  std::string name_;
  TextEncoding encoding_;
  char delimiter_ = ',';
  bool delimiter_detected_ = false;
  std::vector<std::string> header_;
  std::vector<char> buffer_;
  Record record_;
  std::size_t position_ = 0;
  std::uint64_t line_ = 1;
  bool last_row_ended_unquoted_ = true;
};

}  // namespace consilium
