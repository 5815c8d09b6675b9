#include "client/ingestion/stat/stat_file.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "client/ingestion/text_encoding.h"
#include "common/files.h"
#include "common/names.h"

namespace consilium {
namespace {

constexpr std::string_view kStatReaderProgram = "consilium-table-reader";
constexpr std::chrono::seconds kPatience{300};  // For a next piece of the file.
constexpr std::chrono::hours kMostTime{24};     // Of the processor.

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONSILIUM_SANITIZED
#endif
#endif
#if defined(CONSILIUM_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kMemory = kAnyMemory;
#else
constexpr std::uint64_t kMemory = 4ULL << 30;  // Stata's long texts are all held at once.
#endif

Result<std::filesystem::path> ReaderProgram() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return FailOnFile(error.value(), "find", "/proc/self/exe");
  return FindStatReader(self);
}

Result<FileDescriptor> OpenRegularFile(const std::filesystem::path& file) {
  FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!opened.valid()) return FailOnFile(errno, "open", file);
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0) return FailOnFile(errno, "look at", file);
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, file.string() + " is no regular file");
  }
  return opened;
}

/// A name that iconv may be asked for: it looks for files by it.
bool IsEncodingName(std::string_view name) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";
  return !name.empty() && name.size() <= 40 &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool IsTime(NumberMeaning meaning) {
  return meaning == NumberMeaning::kSecondsFrom1960 || meaning == NumberMeaning::kSecondsFrom1582 ||
         meaning == NumberMeaning::kMillisecondsFrom1960;
}

}  // namespace

Result<std::filesystem::path> FindStatReader(const std::filesystem::path& program) {
  std::string name = program.filename();
  // As the kernel calls a program that was replaced by an upgrade while it runs.
  constexpr std::string_view kReplaced = " (deleted)";
  if (name.ends_with(kReplaced)) name.resize(name.size() - kReplaced.size());
  const std::filesystem::path folder = program.parent_path();
  const std::filesystem::path installed =
      folder.parent_path() / "libexec" / name / kStatReaderProgram;
  std::error_code error;
  for (const auto& reader : {installed, folder / kStatReaderProgram}) {
    if (std::filesystem::exists(reader, error)) return reader;
  }
  return Fail(ErrorCode::kNotFound,
              installed.string() + ", which reads files of SAS, SPSS and Stata, does not exist",
              "It is a part of Consilium's packages: install that of this program again.");
}

Result<StatOptions> ParseStatOptions(const Settings& settings, StatFormat format) {
  StatOptions options;
  options.format = format;
  TRY(options.encoding, settings.TextOr("encoding", ""));
  if (settings.Has("encoding") && !IsEncodingName(options.encoding)) {
    return settings.FailAt("encoding", "\"" + options.encoding + "\" is no name of an encoding",
                           "`iconv --list` shows them, as UTF-8, WINDOWS-1252 or SHIFT_JIS. Leave "
                           "it out if the file is right about itself.");
  }
  TRY(const std::string values, settings.ChoiceOr("values", {"labels", "codes"}, "labels"));
  options.labels = values == "labels";
  TRY(options.exceptions, settings.TextsOr("exceptions", {}));
  TRY(options.days, settings.TextsOr("days", {}));
  TRY(const std::string missing, settings.ChoiceOr("user_missing", {"missing", "keep"}, "missing"));
  options.keep_missing = missing == "keep";
  return options;
}

StatFile::StatFile(FileDescriptor file, std::string name, const StatOptions& options)
    : file_(std::move(file)), name_(std::move(name)), options_(options) {}

Result<std::unique_ptr<StatFile>> StatFile::Open(const std::filesystem::path& file,
                                                 const StatOptions& options) {
  TRY(FileDescriptor opened, OpenRegularFile(file));
  std::unique_ptr<StatFile> table(new StatFile(std::move(opened), file.string(), options));
  TRY_STATUS(table->ReadVariables());
  TRY_STATUS(table->FindOptions());
  return table;
}

TableFormat StatFile::format() const { return {.place_unit = "record", .encoding = encoding_}; }

Status StatFile::Ask(const StatQuestion& question) {
  TRY(const std::filesystem::path program, ReaderProgram());
  ChildCommand command;
  command.program = program;
  command.arguments = ArgumentsOf(question);
  command.memory_bytes = kMemory;
  command.time = kMostTime;
  begin_ = end_ = 0;
  auto reader = StartConfined(command, file_);
  if (!reader) return FailIn(name_, std::move(reader).error());
  reader_ = *std::move(reader);
  return {};
}

Status StatFile::ReadVariables() {
  StatQuestion question;
  question.format = options_.format;
  question.encoding = options_.encoding;
  TRY_STATUS(Ask(question));
  TRY(const Frame frame, NextFrame());
  const auto told = frame.kind == StatFrame::kVariables
                        ? Decode<StatVariables>(AsBytes(frame.content))
                        : Result<StatVariables>(Fail(ErrorCode::kCorrupt, "no variables"));
  if (!told) return FailOfEnd();
  for (const StatVariable& variable : told->variables) {
    header_.emplace_back(Trimmed(AsText(variable.name)));
    if (!IsUtf8(header_.back())) return FailOf({StatFaultKind::kCharacter, 0, std::nullopt});
    meanings_.push_back(variable.meaning);
    labels_.push_back(variable.labels);
  }
  if (IsUtf8(AsText(told->encoding))) encoding_ = AsText(told->encoding);
  wanted_.assign(header_.size(), true);
  return CheckHeader(header_, name_);
}

Status StatFile::FindOptions() {
  std::vector<bool> exceptions(header_.size());
  days_.assign(header_.size(), false);
  TRY_STATUS(Mark(options_.exceptions, "exceptions", exceptions));
  TRY_STATUS(Mark(options_.days, "days", days_));
  for (std::size_t i = 0; i < header_.size(); ++i) {
    labelled_.push_back(labels_[i] != StatLabels::kNone && options_.labels != exceptions[i]);
    if (exceptions[i] && labels_[i] == StatLabels::kNone) {
      return Fail(ErrorCode::kInvalidArgument,
                  At(0, i) + "it is listed under `exceptions`, and its values have no labels",
                  "Take it off the list.");
    }
    if (days_[i] && !IsTime(meanings_[i])) {
      return Fail(ErrorCode::kInvalidArgument,
                  At(0, i) + "it is listed under `days`, and is no date with a time by its format",
                  "Take it off the list.");
    }
  }
  return {};
}

Status StatFile::Mark(const std::vector<std::string>& names,
                      std::string_view key,
                      std::vector<bool>& marks) {
  for (const std::string& name : names) {
    const auto found = std::find(header_.begin(), header_.end(), name);
    if (found == header_.end()) {
      const std::string near = NearestName(name, header_);
      return Fail(ErrorCode::kInvalidArgument,
                  name_ + " has no variable \"" + name + "\", which is listed under `" +
                      std::string(key) + "`",
                  near.empty() ? "Correct the list." : "Did you mean \"" + near + "\"?");
    }
    marks[static_cast<std::size_t>(found - header_.begin())] = true;
  }
  return {};
}

Status StatFile::StartRows() {
  asked_for_rows_ = true;
  StatQuestion question;
  question.format = options_.format;
  question.encoding = options_.encoding;
  question.keep_missing = options_.keep_missing;
  question.wanted = wanted_;
  question.labelled = labelled_;
  question.days = days_;
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (!wanted_[i]) continue;
    if (labelled_[i] && labels_[i] == StatLabels::kLost) {
      return Fail(ErrorCode::kDataQuality, At(0, i) + "the file does not have its value labels",
                  "The file may have been cut off. If it has none, list the variable under "
                  "`exceptions` (or `values = \"codes\"`).");
    }
    if (meanings_[i] == NumberMeaning::kLeapSeconds) {
      return Fail(ErrorCode::kDataQuality, At(0, i) + "its format %tC counts leap seconds",
                  "Convert it in Stata: generate double t = cofC(x), format t %tc.");
    }
    if (meanings_[i] == NumberMeaning::kBusinessDays) {
      return Fail(ErrorCode::kDataQuality,
                  At(0, i) + "its format %tb needs a calendar that is not in the file",
                  "Convert it in Stata: generate d = dofb(x, \"CALENDAR\"), format d %td.");
    }
  }
  return Ask(question);
}

/// Until so many bytes are there; fewer are a program that ended.
Status StatFile::FillTo(std::size_t bytes) {
  constexpr std::size_t kAtOnce = 256 * 1024;
  if (end_ - begin_ >= bytes) return {};
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() < std::max(bytes, kAtOnce)) buffer_.resize(std::max(bytes, kAtOnce));
  while (end_ < bytes) {
    const auto got = reader_->Read(std::span<char>(buffer_).subspan(end_), kPatience);
    if (!got && got.error().code == ErrorCode::kUnavailable) {
      return Fail(ErrorCode::kDataQuality,
                  At(record_ + 1) + "reading made no progress for " +
                      std::to_string(kPatience.count()) + " s",
                  "The file is damaged, or the disk it lies on does not answer.");
    }
    if (!got) return FailIn(name_, got.error());
    if (*got == 0) return FailOfEnd();
    end_ += *got;
  }
  return {};
}

Result<StatFile::Frame> StatFile::NextFrame() {
  for (;;) {
    TRY_STATUS(FillTo(kStatFrameHead));
    const std::string_view head(buffer_.data() + begin_, kStatFrameHead);
    const auto kind = static_cast<StatFrame>(head[0]);
    const std::size_t size = LengthAt(head, 1);
    if (size > kMostStatFrameBytes) return FailOfEnd();
    TRY_STATUS(FillTo(kStatFrameHead + size));
    const std::string_view content(buffer_.data() + begin_ + kStatFrameHead, size);
    begin_ += kStatFrameHead + size;
    if (kind == StatFrame::kFault) {
      const auto fault = Decode<StatFault>(AsBytes(content));
      return fault ? FailOf(*fault) : FailOfEnd();
    }
    if (kind != StatFrame::kProgress) return Frame{kind, content};
    if (size == 4) progress_ = std::min(1.0, LengthAt(content, 0) / 1'000.0);
  }
}

Result<bool> StatFile::Next(TableRow& row) {
  if (ended_) return false;
  if (!asked_for_rows_) TRY_STATUS(StartRows());
  TRY(const Frame frame, NextFrame());
  if (frame.kind == StatFrame::kEnd) {
    ended_ = true;
    reader_.reset();
    return false;
  }
  if (frame.kind != StatFrame::kRow) return FailOfEnd();
  ++record_;
  TRY_STATUS(TakeRow(frame.content, row));
  return true;
}

Status StatFile::TakeRow(std::string_view content, TableRow& row) {
  row.place = record_;
  row.field_places.clear();
  row.fields.assign(header_.size(), std::string_view());
  row.blank = true;
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (!wanted_[i]) continue;
    const std::size_t size = content.size() < 4 ? content.size() : LengthAt(content, 0);
    if (content.size() < 4 || size > content.size() - 4) return FailOfEnd();
    row.fields[i] = content.substr(4, size);
    content.remove_prefix(4 + size);
    if (!IsAscii(row.fields[i]) && !IsUtf8(row.fields[i])) {
      return FailOf({StatFaultKind::kCharacter, record_, static_cast<std::uint32_t>(i)});
    }
    row.blank = row.blank && Trimmed(row.fields[i]).empty();
  }
  return content.empty() ? Status() : FailOfEnd();
}

std::string StatFile::At(std::uint64_t record, std::optional<std::size_t> variable) const {
  std::string place = name_ + ": ";
  if (record > 0) place += "record " + std::to_string(record);
  if (variable && *variable < header_.size()) {
    place += (record > 0 ? ", " : "") + ("variable \"" + header_[*variable] + "\"");
  }
  return place.ends_with(": ") ? place : place + ": ";
}

std::string StatFile::MadeBy() const {
  switch (options_.format) {
    case StatFormat::kSas7bdat:
    case StatFormat::kXpt:
      return "SAS";
    case StatFormat::kSav:
    case StatFormat::kPor:
      return "SPSS";
    case StatFormat::kDta:
      return "Stata";
  }
  return {};
}

tl::unexpected<Error> StatFile::FailOf(const StatFault& fault) const {
  const std::string at = At(fault.record, fault.variable);
  const std::string again = "Have " + MadeBy() + " write the file again, or copy it again.";
  const std::string type(NameOf(options_.format));
  switch (fault.kind) {
    case StatFaultKind::kNotThisKind:
      return Fail(ErrorCode::kDataQuality, at + "this is no file of the type \"" + type + "\"",
                  "Correct `type` or `file`; a damaged file has to be copied again.");
    case StatFaultKind::kDamaged:
      return Fail(ErrorCode::kDataQuality, at + "the file is damaged", again);
    case StatFaultKind::kTruncated:
      return Fail(ErrorCode::kDataQuality, at + "the file ends too early", again);
    case StatFaultKind::kRowCount:
      return Fail(ErrorCode::kDataQuality,
                  at + "the file says that it has another number of records", again);
    case StatFaultKind::kCharacter:
      return Fail(ErrorCode::kDataQuality,
                  at + "a text is not in the encoding that the file says it has",
                  "Set `encoding` in the source file to what it really is, as \"WINDOWS-1252\" "
                  "or \"UTF-8\".");
    case StatFaultKind::kUnknownEncoding:
      return Fail(ErrorCode::kDataQuality, at + "there is no encoding of the name it gives",
                  "Set `encoding` in the source file to one of `iconv --list`.");
    case StatFaultKind::kUnsupported:
      return Fail(ErrorCode::kDataQuality,
                  at + "this version, compression or encryption of " + type + " files is not read",
                  "Save it without, or in an older version.");
    case StatFaultKind::kMemory:
      return Fail(ErrorCode::kDataQuality, at + "reading it takes more memory than it may", again);
    case StatFaultKind::kTooLarge:
      return Fail(ErrorCode::kDataQuality,
                  at + "more than 32,768 variables, 1 MiB in a field or 8 MiB in a record",
                  "Save only the variables that studies need.");
    case StatFaultKind::kSeveralTables:
      return Fail(ErrorCode::kDataQuality, at + "the file holds several data sets",
                  "Have SAS write the one that is meant into a file of its own.");
    case StatFaultKind::kDeletedRows:
      return Fail(ErrorCode::kDataQuality,
                  at + "observations that were deleted in SAS are still in the file, with a mark",
                  "Write a copy without them: data COPY; set ORIGINAL; run;");
  }
  return FailOnFile(EINVAL, "understand", name_);
}

/// The program that reads ended, or said what no such program says: the library in it was brought
/// down by the file, or taken over.
tl::unexpected<Error> StatFile::FailOfEnd() {
  std::string how = "answered what it should not";
  if (reader_ != nullptr) {
    const ChildOutcome outcome = reader_->Finish();
    reader_.reset();
    if (outcome.end == ChildEnd::kSignalled) {
      how = "was ended by signal " + std::to_string(outcome.code);
      if (outcome.code == SIGABRT) how += ", as when memory runs out";
    }
  }
  ended_ = true;
  return Fail(ErrorCode::kDataQuality,
              At(asked_for_rows_ ? record_ + 1 : 0) + "the program that reads it " + how +
                  ": the file is damaged, or made to do harm",
              "Nothing of it was used. Have " + MadeBy() + " write the file again.");
}

}  // namespace consilium
