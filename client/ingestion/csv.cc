#include "client/ingestion/csv.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/names.h"

namespace consilium {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kSampleRecords = 50;
constexpr int kEnd = -1;
constexpr std::array<char, 4> kDelimiters = {',', ';', '\t', '|'};

// How often each candidate delimiter occurs outside quotes, a record at a time.
using Counts = std::array<std::size_t, kDelimiters.size()>;

std::vector<Counts> CountDelimiters(std::string_view sample, bool whole_file) {
  std::vector<Counts> records;
  Counts counts{};
  bool quoted = false;
  bool empty = true;
  for (const char c : sample) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '\n' || c == '\r')) {
      if (!empty) records.push_back(counts);
      if (records.size() == kSampleRecords) return records;
      counts = {};
      empty = true;
      continue;
    }
    empty = false;
    if (quoted) continue;
    const auto found = std::find(kDelimiters.begin(), kDelimiters.end(), c);
    if (found != kDelimiters.end()) {
      ++counts[static_cast<std::size_t>(found - kDelimiters.begin())];
    }
  }
  // The sample's last record may be cut off; the header is used however little there is.
  if (!empty && (whole_file || records.empty())) records.push_back(counts);
  return records;
}

std::string Plural(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace

bool IsCsvDelimiter(char c) {
  return std::find(kDelimiters.begin(), kDelimiters.end(), c) != kDelimiters.end();
}

std::string_view DelimiterName(char delimiter) {
  switch (delimiter) {
    case ',':
      return "comma";
    case ';':
      return "semicolon";
    case '\t':
      return "tab";
    case '|':
      return "bar";
    default:
      return "other";
  }
}

CsvReader::CsvReader(std::unique_ptr<std::istream> stream,
                     std::string name,
                     const CsvOptions& options)
    : stream_(std::move(stream)), name_(std::move(name)), encoding_(options.encoding) {}

Result<std::unique_ptr<CsvReader>> CsvReader::Open(const std::filesystem::path& file,
                                                   const CsvOptions& options) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    return Fail(ErrorCode::kNotFound, file.string() + " does not exist",
                "Correct `file` in the source file; a relative path starts at the source file's "
                "folder.");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return Fail(ErrorCode::kInvalidArgument, file.string() + " is not a regular file");
  }
  auto stream = std::make_unique<std::ifstream>(file, std::ios::binary);
  if (!stream->is_open()) {
    return Fail(ErrorCode::kPermission, file.string() + " cannot be opened for reading",
                "Give the account that runs this program the right to read it.");
  }
  return Read(std::move(stream), file.string(), options);
}

Result<std::unique_ptr<CsvReader>> CsvReader::Read(std::unique_ptr<std::istream> stream,
                                                   std::string name,
                                                   const CsvOptions& options) {
  std::unique_ptr<CsvReader> reader(new CsvReader(std::move(stream), std::move(name), options));
  TRY_STATUS(reader->Start(options));
  return reader;
}

Status CsvReader::Start(const CsvOptions& options) {
  Fill();
  TRY_STATUS(SkipByteOrderMark());
  if (Peek() == kEnd) {
    if (stream_->bad()) return Fail(ErrorCode::kIo, name_ + ": reading failed");
    return Fail(ErrorCode::kDataQuality, name_ + " is empty",
                "It needs a line of column names and a line per record.");
  }
  delimiter_detected_ = !options.delimiter.has_value();
  if (delimiter_detected_) {
    DetectDelimiter();
  } else {
    delimiter_ = *options.delimiter;
  }
  TakeSeparatorLine();
  return ReadHeader();
}

Status CsvReader::SkipByteOrderMark() {
  const std::string_view start(buffer_.data(), std::min<std::size_t>(buffer_.size(), 3));
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
    return FailAtLine(1, "the file is UTF-16",
                      "Save it as \"CSV UTF-8\" (Excel: Save As, CSV UTF-8).");
  }
  if (start != "\xEF\xBB\xBF") return {};
  if (encoding_ != TextEncoding::kUtf8) {
    return FailAtLine(1,
                      "the file says with its first bytes that it is UTF-8, the source file says " +
                          std::string(Name(encoding_)),
                      "Set encoding = \"utf-8\" in the source file.");
  }
  position_ += 3;
  return {};
}

// Excel reads and writes a first line such as "sep=;" that names the delimiter.
void CsvReader::TakeSeparatorLine() {
  const std::string_view rest(buffer_.data() + position_, buffer_.size() - position_);
  if (rest.size() < 6 || !rest.starts_with("sep=") || !IsCsvDelimiter(rest[4])) return;
  if (rest[5] != '\n' && rest[5] != '\r') return;
  if (delimiter_detected_) delimiter_ = rest[4];
  position_ += 5;
  TakeLineEnd();
}

void CsvReader::DetectDelimiter() {
  const std::string_view sample(buffer_.data() + position_, buffer_.size() - position_);
  const auto records = CountDelimiters(sample, buffer_.size() < kBufferBytes);
  std::pair<bool, std::size_t> best{false, 0};  // Same count in every record; that count.
  for (std::size_t i = 0; i < kDelimiters.size(); ++i) {
    const std::size_t count = records.empty() ? 0 : records.front()[i];
    if (count == 0) continue;
    const bool consistent = std::all_of(records.begin(), records.end(),
                                        [&](const Counts& counts) { return counts[i] == count; });
    if (const std::pair candidate{consistent, count}; candidate > best) {
      best = candidate;
      delimiter_ = kDelimiters[i];
    }
  }
}

Status CsvReader::ReadHeader() {
  Record row;
  TRY(const bool any, ReadRecord(row));
  if (!any) {
    return Fail(ErrorCode::kDataQuality, name_ + " has only empty lines",
                "It needs a line of column names and a line per record.");
  }
  for (const Field& field : row.fields) header_.emplace_back(Trimmed(field.text));
  return CheckHeader(header_, name_ + ":" + std::to_string(row.line));
}

TableFormat CsvReader::format() const {
  return {"line", delimiter_, delimiter_detected_, std::string(Name(encoding_))};
}

bool CsvReader::Fill() {
  buffer_.resize(kBufferBytes);
  stream_->read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.resize(static_cast<std::size_t>(stream_->gcount()));
  position_ = 0;
  return !buffer_.empty();
}

int CsvReader::Peek() {
  if (position_ == buffer_.size() && !Fill()) return kEnd;
  return static_cast<unsigned char>(buffer_[position_]);
}

// Takes LF, CRLF or CR, of which the first character is next.
void CsvReader::TakeLineEnd() {
  const bool carriage_return = Peek() == '\r';
  Advance();
  if (carriage_return && Peek() == '\n') Advance();
  ++line_;
}

Result<bool> CsvReader::Next(TableRow& row) {
  for (;;) {
    TRY(const bool any, ReadRecord(record_));
    if (!any) return false;
    if (record_.fields.size() == header_.size()) break;
    if (IsStrayBlank(record_)) continue;
    std::string remedy = "Quote fields that hold the delimiter or a line break.";
    if (header_.size() == 1) {
      remedy = "The columns were taken to be separated by " +
               std::string(DelimiterName(delimiter_)) +
               "; set `delimiter` in the source file if that is wrong.";
    }
    return FailAtLine(record_.line,
                      Plural(record_.fields.size(), "field") + " where the header has " +
                          std::to_string(header_.size()) + " (" +
                          std::string(DelimiterName(delimiter_)) + "-separated)",
                      remedy);
  }
  row.fields.clear();
  row.field_places.clear();
  row.place = record_.line;
  row.blank = true;
  for (const Field& field : record_.fields) {
    row.fields.push_back(field.text);
    row.field_places.push_back(field.line);
    row.blank = row.blank && Trimmed(field.text).empty();
  }
  return true;
}

// A line of nothing but spaces, as editors leave behind.
bool CsvReader::IsStrayBlank(const Record& row) const {
  return row.fields.size() == 1 && last_row_ended_unquoted_ && Trimmed(row.fields[0].text).empty();
}

Result<bool> CsvReader::ReadRecord(Record& row) {
  int next = Peek();
  while (next == '\n' || next == '\r') {
    TakeLineEnd();
    next = Peek();
  }
  if (next == kEnd) {
    if (stream_->bad()) return Fail(ErrorCode::kIo, name_ + ": reading failed");
    return false;
  }
  row.line = line_;
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (;;) {
    if (count == kMaxCsvColumns) {
      return FailAtLine(line_, "more than " + std::to_string(kMaxCsvColumns) + " columns");
    }
    if (row.fields.size() == count) row.fields.emplace_back();
    Field& field = row.fields[count++];
    TRY_STATUS(ReadField(field));
    bytes += field.text.size();
    if (bytes > kMaxCsvRowBytes) {
      return FailAtLine(row.line,
                        "a record of more than " + std::to_string(kMaxCsvRowBytes) + " bytes");
    }
    next = Peek();
    if (next == kEnd) break;
    if (next == '\n' || next == '\r') {
      TakeLineEnd();
      break;
    }
    Advance();
  }
  row.fields.resize(count);
  return true;
}

// Leaves the delimiter, line end or end of the file that closes the field as the next character.
Status CsvReader::ReadField(Field& field) {
  field.text.clear();
  field.line = line_;
  const bool quoted = Peek() == '"';
  last_row_ended_unquoted_ = !quoted;
  TRY_STATUS(quoted ? ReadQuoted(field) : ReadPlain(field));
  if (!ConvertToUtf8(encoding_, field.text)) {
    const bool utf8 = encoding_ == TextEncoding::kUtf8;
    return FailAtLine(field.line, "a character is not " + std::string(Name(encoding_)),
                      utf8 ? "Save the file as UTF-8, or set encoding = \"windows-1252\" (Excel's "
                             "plain CSV) or \"latin-1\" in the source file."
                           : "Set the file's true encoding in the source file.");
  }
  return {};
}

Status CsvReader::ReadQuoted(Field& field) {
  Advance();
  for (;;) {
    const int next = Peek();
    if (next == kEnd) {
      return FailAtLine(field.line, "a quoted field starts here and never ends",
                        "Add the closing quote.");
    }
    if (next == '\0') return FailAtLine(line_, "a NUL byte", "The file is no text, or damaged.");
    if (next == '\n' || next == '\r') {
      field.text.push_back(static_cast<char>(next));
      Advance();
      if (next == '\r' && Peek() == '\n') {
        field.text.push_back('\n');
        Advance();
      }
      ++line_;
    } else {
      Advance();
      if (next == '"') {
        if (Peek() != '"') break;
        Advance();
      }
      field.text.push_back(static_cast<char>(next));
    }
    TRY_STATUS(CheckSize(field));
  }
  const int next = Peek();
  if (next == kEnd || next == '\n' || next == '\r' || next == delimiter_) return {};
  return FailAtLine(line_, "text follows the closing quote of a field",
                    "A quote inside a quoted field is written twice.");
}

Status CsvReader::ReadPlain(Field& field) {
  for (int next = Peek(); next != kEnd; next = Peek()) {
    if (next == delimiter_ || next == '\n' || next == '\r') return {};
    if (next == '\0') {
      return FailAtLine(line_, "a NUL byte",
                        "The file is no text, damaged, or UTF-16: save it as UTF-8.");
    }
    if (next == '"') {
      return FailAtLine(line_, "a quote in the middle of a field that does not start with one",
                        "Put the whole field in quotes and write the inner quote twice.");
    }
    field.text.push_back(static_cast<char>(next));
    Advance();
    TRY_STATUS(CheckSize(field));
  }
  return {};
}

Status CsvReader::CheckSize(const Field& field) const {
  if (field.text.size() <= kMaxCsvFieldBytes) [[likely]]
    return {};
  return FailAtLine(
      field.line,
      "a field that starts here has more than " + std::to_string(kMaxCsvFieldBytes) + " bytes",
      "A closing quote may be missing.");
}

tl::unexpected<Error> CsvReader::FailAtLine(std::uint64_t line,
                                            std::string message,
                                            std::string remedy) const {
  return Fail(ErrorCode::kDataQuality, name_ + ":" + std::to_string(line) + ": " + message,
              std::move(remedy));
}

}  // namespace consilium
