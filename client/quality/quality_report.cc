#include "client/quality/quality_report.h"

#include <algorithm>
#include <utility>

namespace consilium {
namespace {

struct FaultWords {
  FaultGroup group;
  std::string_view name;
  std::string_view explanation;
  std::string_view remedy;
};

FaultWords WordsOfPatients(DataFault fault) {
  if (fault == DataFault::kPatientMissing) {
    return {FaultGroup::kMissing, "patient-missing", "without a patient",
            "Every row needs the patient it belongs to."};
  }
  return {FaultGroup::kWrongType, "patient-repeated",
          "beyond a patient's first, and the contract asks for one row per patient",
          "Correct the data, or say with [[rows]] in the source file which of a patient's "
          "values is meant."};
}

FaultWords WordsOf(DataFault fault) {
  switch (fault) {
    case DataFault::kNotANumber:
      return {FaultGroup::kUnparsable, "not-a-number", "not a number",
              "Correct the data, list the code under `missing`, or translate it with `map`."};
    case DataFault::kLooksLikeDecimalComma:
      return {FaultGroup::kUnparsable, "looks-like-decimal-comma",
              "not a number: looks like a decimal comma",
              "Set decimal = \",\" in the source file."};
    case DataFault::kLooksLikeDecimalPoint:
      return {FaultGroup::kUnparsable, "looks-like-decimal-point",
              "not a number: looks like a decimal point where decimal = \",\" was set",
              "Set decimal = \".\" in the source file, or thousands = \".\" if it separates "
              "thousands."};
    case DataFault::kLooksLikeThousands:
      return {FaultGroup::kUnparsable, "looks-like-thousands",
              "not a number: looks like a thousands separator",
              "Set `thousands` in the source file, or export without it; if it is a decimal comma, "
              "set decimal = \",\"."};
    case DataFault::kNotFinite:
      return {FaultGroup::kUnparsable, "not-finite",
              "not a finite number (NaN, Inf, or beyond what a number can hold)",
              "List the code under `missing`, or correct the data."};
    case DataFault::kNotWhole:
      return {FaultGroup::kWrongType, "not-whole", "a fraction where the contract says integer",
              "Correct the data or the mapping (`from`, `factor`)."};
    case DataFault::kNotABoolean:
      return {FaultGroup::kWrongType, "not-a-boolean", "neither yes nor no",
              "Translate the codes with `map`, for instance map = { \"P\" = \"yes\", \"N\" = "
              "\"no\" }."};
    case DataFault::kNotADate:
      return {FaultGroup::kWrongType, "not-a-date", "not a date in the declared format",
              "Set `date_format` in the source file, for instance \"DD.MM.YYYY\"."};
    case DataFault::kOutOfRange:
      return {FaultGroup::kOutOfRange, "out-of-range", "out of range",
              "Correct the data, list a code that means \"not known\" under `missing`, or say "
              "the unit of the data with `unit`."};
    case DataFault::kUnknownLevel:
      return {FaultGroup::kUnknownLevel, "unknown-level", "not a level of the contract",
              "Translate the codes with `map`, list them under `missing`, or correct the data."};
    case DataFault::kLevelInOtherCase:
      return {FaultGroup::kUnknownLevel, "level-in-other-case",
              "a level of the contract but for upper and lower case",
              "Translate it with `map`; levels are compared letter by letter."};
    case DataFault::kRequiredMissing:
      return {FaultGroup::kMissing, "required-missing",
              "missing where the contract requires a value", "Complete the data."};
    case DataFault::kUnknownUnit:
      return {FaultGroup::kUnparsable, "unknown-unit",
              "in a unit that is not known or cannot become the contract's",
              "Translate the rows' units with `unit_map`, or name the analyte; docs/units.md has "
              "the units."};
    case DataFault::kPatientMissing:
    case DataFault::kPatientRepeated:
      return WordsOfPatients(fault);
  }
  return {FaultGroup::kUnparsable, "", "", ""};
}

std::string Count(std::uint64_t count, std::string_view singular, std::string_view plural) {
  return std::to_string(count) + " " + std::string(count == 1 ? singular : plural);
}

// Most values beyond the range at once are rarely all mistakes: the unit is likely another.
bool SuggestsAnotherUnit(const ColumnQuality& column) {
  const auto found = column.problems.find(DataFault::kOutOfRange);
  if (found == column.problems.end()) return false;
  constexpr std::uint64_t kEnoughToTell = 5;
  return found->second.count >= kEnoughToTell && found->second.count > column.values;
}

}  // namespace

FaultGroup GroupOf(DataFault fault) { return WordsOf(fault).group; }
std::string_view Name(DataFault fault) { return WordsOf(fault).name; }
std::string_view Explanation(DataFault fault) { return WordsOf(fault).explanation; }
std::string_view Remedy(DataFault fault) { return WordsOf(fault).remedy; }

std::string_view Name(FaultGroup group) {
  switch (group) {
    case FaultGroup::kUnparsable:
      return "unparsable";
    case FaultGroup::kWrongType:
      return "wrong-type";
    case FaultGroup::kOutOfRange:
      return "out-of-range";
    case FaultGroup::kUnknownLevel:
      return "unknown-level";
    case FaultGroup::kMissing:
      return "missing";
  }
  return "";
}

void DataProblem::Add(std::uint64_t line) {
  ++count;
  if (lines.size() < kPlacesKept) lines.push_back(line);
}

std::uint64_t ColumnQuality::faulty() const {
  std::uint64_t sum = 0;
  for (const auto& [fault, problem] : problems) sum += problem.count;
  return sum;
}

bool QualityReport::HasProblems() const {
  if (patient_missing.count > 0 || patient_repeated.count > 0 || !other_problems.empty()) {
    return true;
  }
  for (const ColumnQuality& column : columns) {
    if (!column.problems.empty()) return true;
  }
  return false;
}

std::vector<std::string> QualityReport::Problems() const {
  std::vector<std::string> problems;
  if (patient_missing.count > 0) {
    problems.push_back(Count(patient_missing.count, "row", "rows") + " without a patient in \"" +
                       patient_header + "\"");
  }
  if (patient_repeated.count > 0) {
    problems.push_back(Count(patient_repeated.count, "row", "rows") + " " +
                       std::string(Explanation(DataFault::kPatientRepeated)));
  }
  for (const ColumnQuality& column : columns) {
    for (const auto& [fault, problem] : column.problems) {
      problems.push_back(column.name + ": " + Count(problem.count, "row", "rows") + " " +
                         std::string(Explanation(fault)));
    }
  }
  problems.insert(problems.end(), other_problems.begin(), other_problems.end());
  return problems;
}

std::vector<std::string> QualityReport::Notes() const {
  std::vector<std::string> notes;
  if (delimiter && delimiter_detected) {
    const std::string shown = *delimiter == '\t' ? "tab" : "\"" + std::string(1, *delimiter) + "\"";
    notes.push_back("The delimiter was found to be " + shown + ".");
  }
  if (blank_rows > 0) {
    notes.push_back(Count(blank_rows, "row", "rows") + " with all fields empty left out.");
  }
  if (rows == 0) notes.push_back("The data have columns and no rows.");
  if (profile && rows_drawn < rows) {
    notes.push_back(
        "Distributions, what is missing together and what is beside the federation are "
        "of the " +
        Count(rows_drawn, "row", "rows") + " that the eligibility rules let in.");
  }
  if (patients_excluded > 0) {
    notes.push_back(
        "This site's list of excluded patients names " + std::to_string(patients_excluded) + "; " +
        std::to_string(excluded_patients_found) + " of them have rows here, which are left out.");
  }
  const bool told = std::any_of(suspicions.begin(), suspicions.end(), [](const Suspicion& one) {
    return one.kind == "repeated-patient";
  });
  if (repeated_patients > 0 && !told && patient_repeated.count == 0) {
    notes.push_back(Count(repeated_patients, "patient has", "patients have") +
                    " more than one row; each counts once for the minimum number of patients.");
  }
  for (const ColumnQuality& column : columns) {
    if (rows > 0 && column.missing == rows) {
      notes.push_back(column.name + " has no value in any row.");
    }
    const bool named =
        std::any_of(suspicions.begin(), suspicions.end(), [&](const Suspicion& suspicion) {
          return suspicion.column == column.name && suspicion.kind == "unit";
        });
    if (!named && SuggestsAnotherUnit(column)) {
      notes.push_back(column.name +
                      ": most values are out of range; is the unit another one? "
                      "The contract says: " +
                      column.contract + ".");
    }
  }
  return notes;
}

}  // namespace consilium
