#pragma once

// What a site's data look like against a study's contract. For the site's own eyes: it holds counts
// and places, never a value, and is never sent.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/quality/calendar_drift.h"
#include "client/quality/data_profile.h"
#include "client/quality/federation_compare.h"
#include "client/quality/plausibility.h"
#include "protocols/cohort.h"
#include "protocols/contract.h"

namespace consilium {

/// Ways in which one cell or row breaks the contract. Each makes the study impossible to run.
enum class DataFault {
  kNotANumber,
  kLooksLikeDecimalComma,
  kLooksLikeDecimalPoint,
  kLooksLikeThousands,
  kNotFinite,  ///< "NaN", "Inf", or a number too large or too small for a double.
  kNotWhole,   ///< A fraction where the contract says integer.
  kNotABoolean,
  kNotADate,
  kOutOfRange,
  kUnknownLevel,
  kLevelInOtherCase,  ///< A level but for upper and lower case.
  kRequiredMissing,
  kPatientMissing,
  kPatientRepeated,  ///< A further row of a patient where the contract asks for one.
  kUnknownUnit       ///< The row names a unit that cannot become the contract's.
};

enum class FaultGroup { kUnparsable, kWrongType, kOutOfRange, kUnknownLevel, kMissing };

FaultGroup GroupOf(DataFault fault);
std::string_view Name(FaultGroup group);        ///< "unparsable", as in the JSON.
std::string_view Name(DataFault fault);         ///< "looks-like-decimal-comma"
std::string_view Explanation(DataFault fault);  ///< "not a number: ..." in words.
std::string_view Remedy(DataFault fault);

/// All cells of one column with one fault.
struct DataProblem {
  static constexpr std::size_t kPlacesKept = 5;
  std::uint64_t count = 0;
  std::vector<std::uint64_t> lines;  ///< The first few, as lines or records of the data.
  std::uint64_t patients = 0;        ///< Whose rows they are.

  void Add(std::uint64_t line);
};

struct ColumnQuality {
  std::string name;    ///< In the contract.
  std::string header;  ///< In the file.
  ColumnType type = ColumnType::kNumber;
  std::string contract;       ///< What it must be: "number in [18, 110] a".
  std::uint64_t values = 0;   ///< Rows with a usable value.
  std::uint64_t missing = 0;  ///< Rows that are empty or hold a missing code.
  std::map<std::string, std::uint64_t> missing_by_code;  ///< "" stands for the empty field.
  std::map<DataFault, DataProblem> problems;
  /// Of the faulty cells those with a usual word for "not known", such as "NA", by word.
  std::map<std::string, std::uint64_t> usual_codes;
  /// Of the rows with an unknown unit those whose unit has the form of one, by unit; "" stands for
  /// rows that name none.
  std::map<std::string, std::uint64_t> unknown_units;

  std::uint64_t lacking = 0;  ///< Of QualityReport::rows_drawn those without a usable value.

  std::uint64_t faulty() const;  ///< Rows with a fault.
};

struct QualityReport {
  std::string file;
  std::string place_unit = "line";  ///< What the places of problems count: "line" or "record".
  std::optional<char> delimiter;    ///< Of delimited text.
  bool delimiter_detected = false;
  std::string encoding;            ///< Of text files.
  std::vector<std::string> files;  ///< Where there are several: the places say which.
  std::uint64_t rows = 0;          ///< Without those of excluded patients, which no count has.
  std::uint64_t blank_rows = 0;    ///< All fields empty; left out.
  std::uint64_t rows_drawn = 0;    ///< Of patients who are eligible: the plots are of these.
  std::uint64_t patients = 0;
  std::uint64_t repeated_patients = 0;  ///< Patients with more than one row.
  std::string patient_header;
  DataProblem patient_missing;
  DataProblem patient_repeated;               ///< Where the contract asks for one row a patient.
  std::uint64_t patients_excluded = 0;        ///< On the site's list of those who take no part,
  std::uint64_t excluded_patients_found = 0;  ///< and here.
  std::vector<ColumnQuality> columns;         ///< In the contract's order.
  std::vector<std::string> other_problems;    ///< "121 patients are more than ..."
  std::vector<Suspicion> suspicions;          ///< Worth a look or a note, no obstacle.
  std::optional<DataProfile> profile;         ///< How the data are spread.
  std::optional<FederationView> federation;   ///< Beside the federation's, if a summary is known.
  std::optional<CalendarView> calendar;       ///< And over time, if the contract has a date.
  std::optional<CohortFlow> flow;             ///< Set when there is no problem.

  /// True: the contract is violated and the study cannot run on this source.
  bool HasProblems() const;
  /// One sentence a problem, without places: for error messages.
  std::vector<std::string> Problems() const;
  /// Worth knowing, no obstacle.
  std::vector<std::string> Notes() const;
};

/// "40 of these rows hold \"NA\": ..." where faulty cells hold usual words for "not known".
std::string UsualCodesInWords(const ColumnQuality& column);
/// "Of these rows 3 name no unit, 12 \"ug/L\" ..."
std::string UnknownUnitsInWords(const ColumnQuality& column);
/// "at patients.csv:2, :3 and 4 more", "at record 2, 3 and 4 more".
std::string PlacesInWords(const QualityReport& report, const DataProblem& problem);
/// The file and line of each place kept, where there are several files.
std::vector<std::string> PlaceNames(const QualityReport& report, const DataProblem& problem);
/// "18.31", "500", "1e+06": for ends of parts and ranges.
/// "1a2b3c4d5e6f, \"Table 1\", 3 sites with 812 patients": the summary that data stand beside.
std::string FederationInWords(const FederationView& federation);
std::string PartsInWords(const ValueParts& parts, const std::string& unit);

/// At most 80 columns wide, as far as names allow.
std::string RenderText(const QualityReport& report);
/// One JSON object, indented.
std::string RenderJson(const QualityReport& report);

}  // namespace consilium
