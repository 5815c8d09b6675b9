#include "client/ingestion/csv.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "common/names.h"

namespace consilium {
namespace {

constexpr std::size_t kSampleRecords = 50;
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

// Makes one quote of two in what follows `start`.
void HalveQuotes(std::string& text, std::size_t start) {
  std::size_t end = start;
  for (std::size_t i = start; i < text.size(); ++i) {
    text[end++] = text[i];
    if (text[i] == '"') ++i;
  }
  text.resize(end);
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

CsvReader::CsvReader(std::unique_ptr<ByteStream> bytes, std::string name, TextEncoding encoding)
    : records_(std::move(bytes), std::move(name)), encoding_(encoding) {}

Result<std::unique_ptr<CsvReader>> CsvReader::Open(const std::filesystem::path& file,
                                                   const CsvOptions& options) {
  TRY(std::unique_ptr<ByteStream> bytes, OpenByteStream(file));
  return Over(std::move(bytes), file.string(), options);
}

Result<std::unique_ptr<CsvReader>> CsvReader::Read(std::unique_ptr<std::istream> stream,
                                                   std::string name,
                                                   const CsvOptions& options) {
  std::unique_ptr<ByteStream> bytes = StreamOf(std::move(stream), name);
  return Over(std::move(bytes), std::move(name), options);
}

Result<std::unique_ptr<CsvReader>> CsvReader::Over(std::unique_ptr<ByteStream> bytes,
                                                   std::string name,
                                                   const CsvOptions& options) {
  std::unique_ptr<CsvReader> reader(
      new CsvReader(std::move(bytes), std::move(name), options.encoding));
  TRY_STATUS(reader->Start(options));
  return reader;
}

Status CsvReader::Start(const CsvOptions& options) {
  TRY_STATUS(SkipByteOrderMark());
  TRY(const std::string_view sample, records_.Sample());
  if (sample.empty()) {
    return Fail(ErrorCode::kDataQuality, name() + " is empty",
                "It needs a line of column names and a line per record.");
  }
  delimiter_detected_ = !options.delimiter.has_value();
  if (delimiter_detected_) {
    TRY_STATUS(DetectDelimiter());
  } else {
    records_.set_delimiter(*options.delimiter);
  }
  TRY_STATUS(TakeSeparatorLine());
  return ReadHeader();
}

Status CsvReader::SkipByteOrderMark() {
  TRY(const std::string_view start, records_.Sample());
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
    return records_.FailAtLine(1, "the file is UTF-16",
                               "Save it as \"CSV UTF-8\" (Excel: Save As, CSV UTF-8).");
  }
  constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
  if (!start.starts_with(kUtf8Mark)) return {};
  if (encoding_ != TextEncoding::kUtf8) {
    return records_.FailAtLine(
        1,
        "the file says with its first bytes that it is UTF-8, the source file says " +
            std::string(Name(encoding_)),
        "Set encoding = \"utf-8\" in the source file.");
  }
  records_.Skip(kUtf8Mark.size());
  return {};
}

// Excel reads and writes a first line such as "sep=;" that names the delimiter.
Status CsvReader::TakeSeparatorLine() {
  TRY(const std::string_view start, records_.Sample());
  if (start.size() < 6 || !start.starts_with("sep=") || !IsCsvDelimiter(start[4])) return {};
  if (start[5] != '\n' && start[5] != '\r') return {};
  if (delimiter_detected_) records_.set_delimiter(start[4]);
  records_.Skip(5);
  records_.SkipLineEnd();
  return {};
}

Status CsvReader::DetectDelimiter() {
  TRY(const std::string_view sample, records_.Sample());
  const auto records = CountDelimiters(sample, records_.SampleIsAll());
  std::pair<bool, std::size_t> best{false, 0};  // Same count in every record; that count.
  for (std::size_t i = 0; i < kDelimiters.size(); ++i) {
    const std::size_t count = records.empty() ? 0 : records.front()[i];
    if (count == 0) continue;
    const bool consistent = std::all_of(records.begin(), records.end(),
                                        [&](const Counts& counts) { return counts[i] == count; });
    if (const std::pair candidate{consistent, count}; candidate > best) {
      best = candidate;
      records_.set_delimiter(kDelimiters[i]);
    }
  }
  return {};
}

Status CsvReader::ReadHeader() {
  TRY(const bool any, records_.Next());
  if (!any) {
    return Fail(ErrorCode::kDataQuality, name() + " has only empty lines",
                "It needs a line of column names and a line per record.");
  }
  decoded_.clear();
  for (const CsvSpan& field : records_.fields()) {
    TRY(const std::string_view text, Decode(field));
    header_.emplace_back(Trimmed(text));
  }
  Want(std::vector<bool>(header_.size(), true));
  return CheckHeader(header_, name() + ":" + std::to_string(records_.line()));
}

void CsvReader::Want(const std::vector<bool>& columns) {
  wanted_.clear();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]) wanted_.push_back(i);
  }
}

TableFormat CsvReader::format() const {
  return {"line", records_.delimiter(), delimiter_detected_, std::string(Name(encoding_))};
}

Result<bool> CsvReader::Next(TableRow& row) {
  for (;;) {
    TRY(const bool any, records_.Next());
    if (!any) return false;
    if (records_.fields().size() == header_.size()) break;
    if (!IsBlankLine()) TRY_STATUS(FailOfWidth());
  }
  TRY_STATUS(Present(row));
  return true;
}

Status CsvReader::FailOfWidth() const {
  const std::string delimiter(DelimiterName(records_.delimiter()));
  std::string remedy = "Quote fields that hold the delimiter or a line break.";
  if (header_.size() == 1) {
    remedy = "The columns were taken to be separated by " + delimiter +
             "; set `delimiter` in the source file if that is wrong.";
  }
  return records_.FailAtLine(records_.line(),
                             Plural(records_.fields().size(), "field") + " where the header has " +
                                 std::to_string(header_.size()) + " (" + delimiter + "-separated)",
                             remedy);
}

// A line of nothing but spaces, as editors leave behind.
bool CsvReader::IsBlankLine() const {
  const std::vector<CsvSpan>& fields = records_.fields();
  return fields.size() == 1 && !fields[0].quoted && Trimmed(records_.TextOf(fields[0])).empty();
}

bool CsvReader::IsBlank() const {
  const std::vector<CsvSpan>& fields = records_.fields();
  return std::all_of(fields.begin(), fields.end(), [this](const CsvSpan& field) {
    return Trimmed(records_.TextOf(field)).empty();
  });
}

Status CsvReader::Present(TableRow& row) {
  const std::vector<CsvSpan>& fields = records_.fields();
  row.place = records_.line();
  row.fields.resize(fields.size());
  row.field_places.clear();
  decoded_.clear();
  const bool ascii = records_.is_surely_ascii();
  for (const std::size_t i : wanted_) {
    if (ascii && !fields[i].escaped) {
      row.fields[i] = records_.TextOf(fields[i]);
    } else {
      TRY(row.fields[i], Decode(fields[i]));
    }
  }
  row.blank = IsBlank();
  if (fields.back().line > 0) {
    for (const CsvSpan& field : fields) row.field_places.push_back(records_.LineOf(field));
  }
  return {};
}

// The field as it lies in the file where that is UTF-8 already; otherwise in `decoded_`, which is
// empty before a record's first field and never grows within a record.
Result<std::string_view> CsvReader::Decode(const CsvSpan& field) {
  const std::string_view written = records_.TextOf(field);
  const bool ascii = IsAscii(written);
  if (ascii && !field.escaped) [[likely]]
    return written;
  if (decoded_.empty()) decoded_.reserve(kMostUtf8Bytes * records_.record_bytes());
  const std::size_t start = decoded_.size();
  if (!ascii && !AppendAsUtf8(encoding_, written, decoded_)) {
    const bool utf8 = encoding_ == TextEncoding::kUtf8;
    return records_.FailAtLine(
        records_.LineOf(field), "a character is not " + std::string(Name(encoding_)),
        utf8 ? "Save the file as UTF-8, or set encoding = \"windows-1252\" (Excel's plain CSV) or "
               "\"latin-1\" in the source file."
             : "Set the file's true encoding in the source file.");
  }
  if (ascii) decoded_ += written;
  if (field.escaped) HalveQuotes(decoded_, start);
  return std::string_view(decoded_).substr(start);
}

}  // namespace consilium
