#pragma once

// Files of SAS (sas7bdat, XPORT), SPSS (sav, zsav, por) and Stata (dta) as tables. They are read by
// the program consilium-table-reader, which is started for one file and can do nothing but read it:
// a file made to do harm meets no key, no network and no other patient.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/ingestion/stat/stat_exchange.h"
#include "client/ingestion/table_reader.h"
#include "common/child_process.h"
#include "common/settings.h"

namespace consilium {

struct StatOptions {
  StatFormat format = StatFormat::kSav;
  std::string encoding = {};                 ///< As iconv calls it; "": the file's own.
  bool labels = true;                        ///< A value that has a label is its label.
  std::vector<std::string> exceptions = {};  ///< Variables for which it is the other way round.
  std::vector<std::string> days = {};        ///< Variables of which the time of day is left out.
  bool keep_missing = false;                 ///< Values declared missing stay what they are.
};

/// The program that reads for this one, which lies at `program` (as /proc/self/exe has it): where a
/// package installs it, in ../libexec/NAME, so that each program has its own; or beside it, where
/// it was built. kNotFound where it is in neither.
Result<std::filesystem::path> FindStatReader(const std::filesystem::path& program);

/// The keys that only these sources have.
Result<StatOptions> ParseStatOptions(const Settings& settings, StatFormat format);

/// Rows of texts in memory that does not grow with their number. Numbers have every digit; dates
/// are ISO. Missing values are empty: the system's, those with a letter (.a to .z), and those that
/// SPSS users declared.
class StatFile final : public TableReader {
 public:
  static Result<std::unique_ptr<StatFile>> Open(const std::filesystem::path& file,
                                                const StatOptions& options);

  const std::vector<std::string>& header() const override { return header_; }
  const std::string& name() const override { return name_; }
  TableFormat format() const override;
  void Want(const std::vector<bool>& columns) override { wanted_ = columns; }
  Result<bool> Next(TableRow& row) override;
  std::optional<double> Progress() const override { return progress_; }

 private:
  struct Frame {
    StatFrame kind = StatFrame::kEnd;
    std::string_view content;  ///< Until the next one.
  };

  StatFile(FileDescriptor file, std::string name, const StatOptions& options);
  Status ReadVariables();
  Status FindOptions();
  Status Mark(const std::vector<std::string>& names,
              std::string_view key,
              std::vector<bool>& marks);
  Status StartRows();
  Status Ask(const StatQuestion& question);
  Status FillTo(std::size_t bytes);
  Result<Frame> NextFrame();
  Status TakeRow(std::string_view content, TableRow& row);
  tl::unexpected<Error> FailOf(const StatFault& fault) const;
  tl::unexpected<Error> FailOfEnd();
  std::string At(std::uint64_t record, std::optional<std::size_t> variable = std::nullopt) const;
  std::string MadeBy() const;

  FileDescriptor file_;
  std::string name_;
  StatOptions options_;
  std::string encoding_;
  std::vector<std::string> header_;
  std::vector<NumberMeaning> meanings_;
  std::vector<StatLabels> labels_;
  std::vector<bool> labelled_;
  std::vector<bool> days_;
  std::vector<bool> wanted_;
  std::unique_ptr<ChildReader> reader_;
  bool asked_for_rows_ = false;
  bool ended_ = false;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // Of what has come and was not looked at,
  std::size_t end_ = 0;    // and its end.
  std::uint64_t record_ = 0;
  std::optional<double> progress_;
};

}  // namespace consilium
