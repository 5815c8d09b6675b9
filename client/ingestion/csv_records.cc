#include "client/ingestion/csv_records.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace consilium {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr std::size_t kSampleBytes = 64 * 1024;
// The NUL behind the text, and what a block that starts at it reaches.
constexpr std::size_t kPadding = 1 + kCsvBlock;

}  // namespace

CsvRecords::CsvRecords(std::unique_ptr<ByteStream> bytes, std::string name)
    : bytes_(std::move(bytes)), name_(std::move(name)), text_(kBufferBytes + kPadding) {}

Result<std::string_view> CsvRecords::Sample() {
  if (size_ == 0 && !ended_) TRY_STATUS(More());
  return std::string_view(text_.data() + position_, std::min(size_, kSampleBytes) - position_);
}

bool CsvRecords::SampleIsAll() const { return ended_ && size_ <= kSampleBytes; }

// Moves what was not taken yet to the front and reads on behind it. A record that fills the buffer
// gets one twice as large: CheckRecordSize bounds that.
Status CsvRecords::More() {
  const std::size_t kept = size_ - position_;
  if (position_ > 0) std::memmove(text_.data(), text_.data() + position_, kept);
  position_ = 0;
  std::size_t room = text_.size() - kPadding;
  if (kept == room) {
    room *= 2;
    text_.resize(room + kPadding);
  }
  TRY(const std::size_t count, bytes_->Read(std::span(text_).subspan(kept, room - kept)));
  size_ = kept + count;
  ended_ = size_ < room;
  text_[size_] = '\0';
  return {};
}

Result<bool> CsvRecords::Next() {
  for (;;) {
    TRY(const Found found, ScanRecord());
    if (found != Found::kNeedsMore) return found == Found::kRecord;
    TRY_STATUS(More());
  }
}

CsvRecords::Found CsvRecords::SkipEmptyLines() {
  while (position_ < size_ && (text_[position_] == '\n' || text_[position_] == '\r')) {
    if (!TakeLineEnd(position_)) return Found::kNeedsMore;
  }
  if (position_ < size_) return Found::kRecord;
  return ended_ ? Found::kEnd : Found::kNeedsMore;
}

// Begins at the record's start, too, when more of it had to be read.
Result<CsvRecords::Found> CsvRecords::ScanRecord() {
  const Found start = SkipEmptyLines();
  if (start != Found::kRecord) return start;
  record_ = at_ = position_;
  record_line_ = at_line_ = line_;
  cursor_ = CsvMarkCursor(text_.data(), delimiter_, position_);
  fields_.clear();
  for (;;) {
    TakePlainFields();
    if (fields_.size() == kMaxCsvColumns) {
      return FailAtLine(at_line_, "more than " + std::to_string(kMaxCsvColumns) + " columns");
    }
    CsvSpan& field = fields_.emplace_back();
    field.line = static_cast<std::uint32_t>(at_line_ - record_line_);
    TRY(const After after, text_[at_] == '"' ? ScanQuoted(field) : ScanPlain(field));
    if (after == After::kField) continue;
    if (after == After::kNeedsMore) return Found::kNeedsMore;
    TRY_STATUS(CheckRecordSize(position_));
    return Found::kRecord;
  }
}

// Fields without quotes behind which another follows are most of a file, and nothing can be wrong
// with them: those that are too long, and a record's last, are left to ScanPlain.
void CsvRecords::TakePlainFields() {
  const auto line = static_cast<std::uint32_t>(at_line_ - record_line_);
  const char* const text = text_.data();
  // Copies, which stay in registers.
  CsvMarkCursor cursor = cursor_;
  std::size_t at = at_;
  while (fields_.size() < kMaxCsvColumns && text[at] != '"') {
    const std::size_t mark = cursor.Peek();
    if (text[mark] != delimiter_ || mark - at > kMaxCsvFieldBytes) break;
    cursor.Pass();
    fields_.push_back(
        {static_cast<std::uint32_t>(at - record_), static_cast<std::uint32_t>(mark - at), line});
    at = mark + 1;
  }
  cursor_ = cursor;
  at_ = at;
}

Result<CsvRecords::After> CsvRecords::ScanPlain(CsvSpan& field) {
  const std::size_t begin = at_;
  const std::size_t mark = cursor_.Next();
  field.begin = static_cast<std::uint32_t>(begin - record_);
  field.size = static_cast<std::uint32_t>(mark - begin);
  if (field.size > kMaxCsvFieldBytes) [[unlikely]] {
    TRY_STATUS(CheckSize(begin, mark, at_line_));
  }
  const char c = text_[mark];
  if (c == '\n' || c == '\r') {
    const std::uint64_t before = std::exchange(line_, at_line_);
    if (TakeLineEnd(mark)) return After::kRecord;
    line_ = before;
    return After::kNeedsMore;
  }
  if (c == '"') {
    return FailAtLine(at_line_, "a quote in the middle of a field that does not start with one",
                      "Put the whole field in quotes and write the inner quote twice.");
  }
  TRY(const bool more, IsMore(mark));
  if (more) return Unfinished(begin, at_line_);
  line_ = at_line_;
  position_ = size_;
  return After::kRecord;
}

Result<CsvRecords::After> CsvRecords::ScanQuoted(CsvSpan& field) {
  const std::uint64_t first_line = at_line_;
  const std::size_t begin = at_ + 1;
  field.quoted = true;
  field.begin = static_cast<std::uint32_t>(begin - record_);
  cursor_.Next();  // The opening quote.
  for (;;) {
    const std::size_t mark = cursor_.Next();
    TRY_STATUS(CheckSize(begin, mark, first_line));
    const char c = text_[mark];
    if (c == '\n' || c == '\r') {
      const bool second_half = c == '\n' && mark > begin && text_[mark - 1] == '\r';
      if (!second_half) ++at_line_;
    } else if (c == '"') {
      if (mark + 1 == size_ && !ended_) return Unfinished(begin, first_line);
      if (text_[mark + 1] != '"') {
        field.size = static_cast<std::uint32_t>(mark - begin);
        return AfterQuoted(mark + 1);
      }
      field.escaped = true;
      cursor_.Next();
    } else if (c == '\0') {
      TRY(const bool more, IsMore(mark));
      if (more) return Unfinished(begin, first_line);
      return FailAtLine(first_line, "a quoted field starts here and never ends",
                        "Add the closing quote.");
    }
  }
}

Result<CsvRecords::After> CsvRecords::AfterQuoted(std::size_t next) {
  const char c = text_[next];
  const bool end = next == size_;  // And of the file: otherwise more was asked for before.
  if (!end && c == delimiter_) {
    cursor_.Next();
    at_ = next + 1;
    return After::kField;
  }
  if (!end && c != '\n' && c != '\r') {
    return FailAtLine(at_line_, "text follows the closing quote of a field",
                      "A quote inside a quoted field is written twice.");
  }
  const std::uint64_t before = std::exchange(line_, at_line_);
  if (end) {
    position_ = size_;
    return After::kRecord;
  }
  if (TakeLineEnd(next)) return After::kRecord;
  line_ = before;
  return After::kNeedsMore;
}

// What a NUL at `mark` means: the end of the text so far, of the file, or damage.
Result<bool> CsvRecords::IsMore(std::size_t mark) const {
  if (mark == size_) return !ended_;
  return FailAtLine(at_line_, "a NUL byte", "The file is no text, or UTF-16: save it as UTF-8.");
}

Result<CsvRecords::After> CsvRecords::Unfinished(std::size_t begin, std::uint64_t line) const {
  TRY_STATUS(CheckSize(begin, size_, line));
  TRY_STATUS(CheckRecordSize(size_));
  return After::kNeedsMore;
}

Status CsvRecords::CheckSize(std::size_t begin, std::size_t end, std::uint64_t line) const {
  if (end - begin <= kMaxCsvFieldBytes) [[likely]]
    return {};
  return FailAtLine(
      line,
      "a field that starts here has more than " + std::to_string(kMaxCsvFieldBytes) + " bytes",
      "A closing quote may be missing.");
}

Status CsvRecords::CheckRecordSize(std::size_t end) const {
  if (end - record_ <= kMaxCsvRowBytes) [[likely]]
    return {};
  return FailAtLine(record_line_,
                    "a record of more than " + std::to_string(kMaxCsvRowBytes) + " bytes");
}

// Goes behind the LF, CRLF or CR at `mark`; false if an LF might follow that was not read yet.
bool CsvRecords::TakeLineEnd(std::size_t mark) {
  const bool carriage_return = text_[mark] == '\r';
  if (carriage_return && mark + 1 == size_ && !ended_) return false;
  position_ = mark + 1;
  if (carriage_return && position_ < size_ && text_[position_] == '\n') ++position_;
  ++line_;
  return true;
}

tl::unexpected<Error> CsvRecords::FailAtLine(std::uint64_t line,
                                             std::string message,
                                             std::string remedy) const {
  return Fail(ErrorCode::kDataQuality, name_ + ":" + std::to_string(line) + ": " + message,
              std::move(remedy));
}

}  // namespace consilium
