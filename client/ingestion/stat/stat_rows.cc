#include "client/ingestion/stat/stat_rows.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include <readstat.h>

#include "client/ingestion/stat/stat_input.h"
#include "client/ingestion/stat/stat_whole.h"

namespace consilium {
namespace {

struct Labels {
  std::map<double, std::string> of_numbers;
  std::map<std::string, std::string, std::less<>> of_texts;
  std::map<char, std::string> of_tags;
};

double NumberOf(const readstat_value_t& value) {
  switch (readstat_value_type(value)) {
    case READSTAT_TYPE_INT8:
      return static_cast<signed char>(readstat_int8_value(value));
    case READSTAT_TYPE_INT16:
      return readstat_int16_value(value);
    case READSTAT_TYPE_INT32:
      return readstat_int32_value(value);
    case READSTAT_TYPE_FLOAT:
      return static_cast<double>(readstat_float_value(value));
    default:
      return readstat_double_value(value);
  }
}

/// The library gives none where a text is empty.
std::string_view TextOf(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}
std::string_view TextOf(const readstat_value_t& value) {
  return TextOf(readstat_string_value(value));
}

StatFaultKind FaultOf(readstat_error_t error) {
  switch (error) {
    case READSTAT_ERROR_READ:
    case READSTAT_ERROR_SEEK:
      return StatFaultKind::kTruncated;
    case READSTAT_ERROR_MALLOC:
      return StatFaultKind::kMemory;
    case READSTAT_ERROR_UNSUPPORTED_CHARSET:
      return StatFaultKind::kUnknownEncoding;
    case READSTAT_ERROR_UNSUPPORTED_COMPRESSION:
    case READSTAT_ERROR_UNSUPPORTED_FILE_FORMAT_VERSION:
      return StatFaultKind::kUnsupported;
    case READSTAT_ERROR_ROW_COUNT_MISMATCH:
      return StatFaultKind::kRowCount;
    case READSTAT_ERROR_CONVERT:
    case READSTAT_ERROR_CONVERT_BAD_STRING:
    case READSTAT_ERROR_CONVERT_SHORT_STRING:
    case READSTAT_ERROR_CONVERT_LONG_STRING:
      return StatFaultKind::kCharacter;
    default:
      return StatFaultKind::kDamaged;
  }
}

/// One reading of the file, or the two that rows need: labels may stand behind them.
class Telling {
 public:
  Telling(const StatQuestion& question, int file, int out)
      : question_(question), file_(file), frames_(out) {}

  bool Tell() {
    if (!ReadVariables()) return frames_.Flush();
    if (question_.wanted.empty()) {
      TellVariables();
    } else {
      TellRows();
    }
    return frames_.Flush();
  }

 private:
  struct Variable {
    std::string name;
    NumberMeaning meaning = NumberMeaning::kNumber;
    std::string labels;
  };
  struct FreesParser {
    void operator()(readstat_parser_t* parser) const { readstat_parser_free(parser); }
  };
  using Parser = std::unique_ptr<readstat_parser_t, FreesParser>;

  // What the library calls. It is C: nothing may be thrown through it, and where memory ends, so
  // does this program.
  static Telling& This(void* context) { return *static_cast<Telling*>(context); }
  static int OnMetadata(readstat_metadata_t* metadata, void* context) noexcept {
    This(context).said_rows_ = metadata->row_count;
    This(context).encoding_ = TextOf(readstat_get_file_encoding(metadata)).substr(0, 100);
    return READSTAT_HANDLER_OK;
  }
  static int OnVariable(int index,
                        readstat_variable_t* variable,
                        const char* labels,
                        void* context) noexcept {
    return This(context).AddVariable(index, *variable, labels);
  }
  static int OnLabel(const char* labels,
                     readstat_value_t value,
                     const char* label,
                     void* context) noexcept {
    This(context).AddLabel(labels, value, label);
    return READSTAT_HANDLER_OK;
  }
  static int OnWantedVariable(int index,
                              readstat_variable_t*,
                              const char*,
                              void* context) noexcept {
    return This(context).IsWanted(index) ? READSTAT_HANDLER_OK : READSTAT_HANDLER_SKIP_VARIABLE;
  }
  static int OnValue(int row,
                     readstat_variable_t* variable,
                     readstat_value_t value,
                     void* context) noexcept {
    return This(context).AddValue(row, *variable, value);
  }
  static int Open(const char*, void*) noexcept { return 0; }
  static int Close(void*) noexcept { return 0; }
  static readstat_off_t Seek(readstat_off_t offset,
                             readstat_io_flags_t whence,
                             void* file) noexcept {
    auto& input = *static_cast<StatInput*>(file);
    const off_t base = whence == READSTAT_SEEK_SET   ? 0
                       : whence == READSTAT_SEEK_CUR ? input.place()
                                                     : input.size();
    off_t place = 0;
    return !__builtin_add_overflow(base, offset, &place) && input.SeekTo(place) ? place : -1;
  }
  static ::ssize_t Read(void* into, std::size_t count, void* file) noexcept {
    return static_cast<StatInput*>(file)->Read({static_cast<char*>(into), count});
  }
  static readstat_error_t Update(long, readstat_progress_handler, void*, void*) noexcept {
    return READSTAT_OK;
  }

  Parser NewParser() {
    Parser parser(readstat_parser_init());
    if (parser == nullptr) return parser;
    readstat_set_open_handler(parser.get(), Open);
    readstat_set_close_handler(parser.get(), Close);
    readstat_set_seek_handler(parser.get(), Seek);
    readstat_set_read_handler(parser.get(), Read);
    readstat_set_update_handler(parser.get(), Update);
    readstat_set_io_ctx(parser.get(), &file_);
    readstat_set_metadata_handler(parser.get(), OnMetadata);
    if (!question_.encoding.empty()) {
      readstat_set_file_character_encoding(parser.get(), question_.encoding.c_str());
    }
    return parser;
  }

  readstat_error_t Parse(readstat_parser_t* parser) {
    file_.SeekTo(0);
    switch (question_.format) {
      case StatFormat::kSas7bdat:
        return readstat_parse_sas7bdat(parser, "", this);
      case StatFormat::kXpt:
        return readstat_parse_xport(parser, "", this);
      case StatFormat::kSav:
        return readstat_parse_sav(parser, "", this);
      case StatFormat::kPor:
        return readstat_parse_por(parser, "", this);
      case StatFormat::kDta:
        return readstat_parse_dta(parser, "", this);
    }
    return READSTAT_ERROR_PARSE;
  }

  bool ReadVariables() {
    if (const auto fault = FaultOfWhole(question_.format, file_))
      return TellFault(*fault, std::nullopt);
    const Parser parser = NewParser();
    if (parser == nullptr) return TellFault(StatFaultKind::kMemory, std::nullopt);
    readstat_set_variable_handler(parser.get(), OnVariable);
    readstat_set_value_label_handler(parser.get(), OnLabel);
    const readstat_error_t error = Parse(parser.get());
    if (too_large_) return TellFault(StatFaultKind::kTooLarge, std::nullopt);
    if (error == READSTAT_OK && !variables_.empty()) return true;
    const StatFaultKind kind = error == READSTAT_OK ? StatFaultKind::kNotThisKind : FaultOf(error);
    // Before there is a variable nothing shows that it is a file of this kind at all.
    const bool any = kind == StatFaultKind::kTruncated || kind == StatFaultKind::kDamaged;
    return TellFault(any && variables_.empty() ? StatFaultKind::kNotThisKind : kind, std::nullopt);
  }

  int AddVariable(int index, const readstat_variable_t& variable, const char* labels) {
    if (index < 0 || static_cast<std::size_t>(index) >= kMostStatVariables) {
      too_large_ = true;
      return READSTAT_HANDLER_ABORT;
    }
    const auto place = static_cast<std::size_t>(index);
    if (place >= variables_.size()) variables_.resize(place + 1);
    Variable& added = variables_[place];
    added.name = TextOf(readstat_variable_get_name(&variable)).substr(0, 300);
    const bool numeric = readstat_variable_get_type_class(&variable) == READSTAT_TYPE_CLASS_NUMERIC;
    if (numeric) {
      added.meaning = MeaningOf(question_.format, TextOf(readstat_variable_get_format(&variable)));
    }
    added.labels = TextOf(labels);
    return READSTAT_HANDLER_OK;
  }

  void AddLabel(const char* name, const readstat_value_t& value, const char* label) {
    if (name == nullptr || label == nullptr) return;
    Labels& labels = labels_[name];
    if (readstat_value_type_class(value) == READSTAT_TYPE_CLASS_STRING) {
      labels.of_texts[std::string(TextOf(value))] = label;
    } else if (readstat_value_is_tagged_missing(value) != 0) {
      labels.of_tags[readstat_value_tag(value)] = label;
    } else if (readstat_value_is_system_missing(value) == 0) {
      labels.of_numbers[NumberOf(value)] = label;
    }
  }

  void TellVariables() {
    StatVariables told;
    told.encoding = ToBytes(encoding_);
    for (const Variable& variable : variables_) {
      told.variables.push_back({ToBytes(variable.name), variable.meaning, LabelsOf(variable)});
    }
    frames_.Put(StatFrame::kVariables, AsText(Encode(told)));
  }

  /// What SAS calls labels is a format, most of them its own.
  StatLabels LabelsOf(const Variable& variable) const {
    if (labels_.contains(variable.labels)) return StatLabels::kPresent;
    const bool lost = question_.format == StatFormat::kDta && !variable.labels.empty();
    return lost ? StatLabels::kLost : StatLabels::kNone;
  }

  bool IsWanted(int index) const {
    return index >= 0 && static_cast<std::size_t>(index) < question_.wanted.size() &&
           question_.wanted[static_cast<std::size_t>(index)];
  }

  void TellRows() {
    slots_.assign(variables_.size(), 0);
    labels_of_.assign(variables_.size(), nullptr);
    std::size_t wanted = 0;
    for (std::size_t i = 0; i < variables_.size(); ++i) {
      if (!IsWanted(static_cast<int>(i))) continue;
      slots_[i] = wanted++;
      const auto labels = labels_.find(variables_[i].labels);
      if (question_.labelled[i] && labels != labels_.end()) labels_of_[i] = &labels->second;
    }
    fields_.assign(wanted, std::string());
    const Parser parser = NewParser();
    if (parser == nullptr) {
      TellFault(StatFaultKind::kMemory, std::nullopt);
      return;
    }
    readstat_set_variable_handler(parser.get(), OnWantedVariable);
    readstat_set_value_handler(parser.get(), OnValue);
    const readstat_error_t error = Parse(parser.get());
    if (row_ >= 0 && !too_large_ && !WantedAfter(last_variable_ + 1)) FinishRow();
    if (too_large_) {
      TellFault(StatFaultKind::kTooLarge, last_variable_);
    } else if (error != READSTAT_OK) {
      // Texts are converted one after the other, each before it is given.
      const bool text = FaultOf(error) == StatFaultKind::kCharacter;
      TellFault(FaultOf(error),
                text ? WantedAfter(row_ < 0 ? 0 : last_variable_ + 1) : std::nullopt);
    } else if (said_rows_ >= 0 && static_cast<std::uint64_t>(said_rows_) != rows_) {
      TellFault(StatFaultKind::kRowCount, std::nullopt);
    } else {
      frames_.Put(StatFrame::kEnd, {});
    }
  }

  int AddValue(int row, const readstat_variable_t& variable, const readstat_value_t& value) {
    const int index = readstat_variable_get_index(&variable);
    if (!IsWanted(index) || static_cast<std::size_t>(index) >= variables_.size()) {
      return READSTAT_HANDLER_OK;
    }
    if (row != row_ && !FinishRow()) return READSTAT_HANDLER_ABORT;
    row_ = row;
    last_variable_ = static_cast<std::uint32_t>(index);
    const auto place = static_cast<std::size_t>(index);
    std::string& field = fields_[slots_[place]];
    field.clear();
    Write(place, variable, value, field);
    row_bytes_ += field.size();
    too_large_ = field.size() > kMostStatFieldBytes || row_bytes_ > kMostStatRowBytes;
    return too_large_ ? READSTAT_HANDLER_ABORT : READSTAT_HANDLER_OK;
  }

  void Write(std::size_t place,
             const readstat_variable_t& variable,
             const readstat_value_t& value,
             std::string& field) const {
    const Labels* labels = labels_of_[place];
    if (readstat_value_is_system_missing(value) != 0 ||
        readstat_value_is_tagged_missing(value) != 0) {
      if (question_.keep_missing) WriteTag(readstat_value_tag(value), labels, field);
      return;
    }
    // The library takes it by pointer to what it may change, and does not.
    auto& its_variable = const_cast<readstat_variable_t&>(variable);
    if (!question_.keep_missing && readstat_value_is_defined_missing(value, &its_variable) != 0) {
      return;
    }
    if (readstat_value_type_class(value) == READSTAT_TYPE_CLASS_STRING) {
      const std::string_view text = TextOf(value);
      const std::string* label = labels == nullptr ? nullptr : LabelOf(labels->of_texts, text);
      field += label == nullptr ? text : std::string_view(*label);
      return;
    }
    const double number = NumberOf(value);
    const std::string* label = labels == nullptr ? nullptr : LabelOf(labels->of_numbers, number);
    if (label != nullptr) {
      field += *label;
    } else {
      AppendNumber(number, variables_[place].meaning, question_.days[place], field);
    }
  }

  /// A missing value that has a letter: ".a", or what it is called. Others are just missing.
  static void WriteTag(char tag, const Labels* labels, std::string& field) {
    if (tag == '\0' || tag == '.') return;
    const std::string* label = labels == nullptr ? nullptr : LabelOf(labels->of_tags, tag);
    field = label == nullptr ? std::string(".") + tag : *label;
  }

  template <class Map, class Key>
  static const std::string* LabelOf(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
  }

  /// False when nobody reads on.
  bool FinishRow() {
    if (row_ < 0) return true;
    content_.clear();
    for (std::string& field : fields_) {
      PutLength(static_cast<std::uint32_t>(field.size()), content_);
      content_ += field;
      field.clear();
    }
    row_ = -1;
    row_bytes_ = 0;
    ++rows_;
    return frames_.Put(StatFrame::kRow, content_) && TellProgress();
  }

  bool TellProgress() {
    const double share = said_rows_ > 0
                             ? static_cast<double>(rows_) / static_cast<double>(said_rows_)
                             : file_.share();
    const auto per_mille = static_cast<std::uint32_t>(std::clamp(share, 0.0, 1.0) * 1'000);
    if (per_mille == progress_) return true;
    progress_ = per_mille;
    std::string content;
    PutLength(per_mille, content);
    return frames_.Put(StatFrame::kProgress, content);
  }

  /// The first wanted variable from this one on.
  std::optional<std::uint32_t> WantedAfter(std::uint32_t first) const {
    for (std::uint32_t i = first; i < variables_.size(); ++i) {
      if (IsWanted(static_cast<int>(i))) return i;
    }
    return std::nullopt;
  }

  /// False, for the caller to hand on.
  bool TellFault(StatFaultKind kind, std::optional<std::uint32_t> variable) {
    const StatFault fault{kind, slots_.empty() ? 0 : rows_ + 1, variable};
    frames_.Put(StatFrame::kFault, AsText(Encode(fault)));
    return false;
  }

  const StatQuestion& question_;
  StatInput file_;
  StatFrameWriter frames_;
  std::int64_t said_rows_ = -1;
  std::string encoding_;
  std::vector<Variable> variables_;
  std::map<std::string, Labels, std::less<>> labels_;  // By the name of their set.
  bool too_large_ = false;

  std::vector<std::size_t> slots_;        // Of a wanted variable among the fields.
  std::vector<const Labels*> labels_of_;  // Of a variable, where its labels are wanted.
  std::vector<std::string> fields_;
  std::string content_;
  int row_ = -1;  // Of which fields_ has values.
  std::size_t row_bytes_ = 0;
  std::uint32_t last_variable_ = 0;
  std::uint64_t rows_ = 0;
  std::uint32_t progress_ = 0;
};

}  // namespace

bool TellStatFile(const StatQuestion& question, int file, int out) {
  return Telling(question, file, out).Tell();
}

}  // namespace consilium
