#pragma once

// A streaming reader for delimited text (RFC 4180 and what Excel, R and databases make of it), also
// of what gzip packed.

#include <cstdint>
#include <filesystem>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/ingestion/csv_records.h"
#include "client/ingestion/table_reader.h"
#include "client/ingestion/text_encoding.h"
#include "common/result.h"

namespace consilium {

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
/// names in the header. Columns that are not wanted are not decoded: only their quotes and line
/// breaks count.
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
  const std::string& name() const override { return records_.name(); }
  TableFormat format() const override;
  void Want(const std::vector<bool>& columns) override;
  Result<bool> Next(TableRow& row) override;
  std::optional<double> Progress() const override { return records_.Progress(); }

 private:
  CsvReader(std::unique_ptr<ByteStream> bytes, std::string name, TextEncoding encoding);
  static Result<std::unique_ptr<CsvReader>> Over(std::unique_ptr<ByteStream> bytes,
                                                 std::string name,
                                                 const CsvOptions& options);

  Status Start(const CsvOptions& options);
  Status SkipByteOrderMark();
  Status TakeSeparatorLine();
  Status DetectDelimiter();
  Status ReadHeader();

  Status FailOfWidth() const;
  bool IsBlankLine() const;
  bool IsBlank() const;
  Status Present(TableRow& row);
  Result<std::string_view> Decode(const CsvSpan& field);

  CsvRecords records_;
  TextEncoding encoding_;
  bool delimiter_detected_ = false;
  std::vector<std::string> header_;
  std::vector<std::size_t> wanted_;  // Places of columns.
  std::string decoded_;              // Fields of the row that are not in the file as they are.
};

}  // namespace consilium
