#include "client/quality/calendar_drift.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "client/quality/change_point.h"
#include "client/quality/patient_count.h"
#include "client/quality/units.h"
#include "common/names.h"
#include "common/pages/number_text.h"

namespace consilium {
namespace {

constexpr std::int64_t kSecondsADay = 86'400;
constexpr int kFirstYear = 1900;
constexpr int kLastYear = 2100;
constexpr std::size_t kFewestRows = 20;
constexpr std::uint64_t kFewestPatients = 10;
constexpr double kSure = 0.01;
constexpr double kMissingStep = 0.1;
constexpr double kLevelStep = 0.2;
constexpr double kCliffsDelta = 0.33;
constexpr std::size_t kMostLevels = 20;
constexpr std::size_t kMostMonths = 36;    ///< Drawn one by one; more are drawn by quarter,
constexpr std::size_t kMostQuarters = 40;  ///< and more by year.
constexpr std::size_t kMostYears = 60;
constexpr std::size_t kNoMonth = static_cast<std::size_t>(-1);

/// Months since January 1900.
std::size_t MonthOf(double day) {
  if (!std::isfinite(day) || std::abs(day) > 1e6) return kNoMonth;
  const Date date = DateOf(UtcSeconds{static_cast<std::int64_t>(day) * kSecondsADay});
  if (date.year < kFirstYear || date.year > kLastYear) return kNoMonth;
  return static_cast<std::size_t>(date.year - kFirstYear) * 12 + date.month - 1;
}

std::string MonthName(std::size_t month) {
  char text[24];
  std::snprintf(text, sizeof text, "%d-%02d", kFirstYear + static_cast<int>(month / 12),
                static_cast<int>(month % 12) + 1);
  return text;
}

enum class Grain : std::size_t { kMonth = 1, kQuarter = 3, kYear = 12 };

std::string PeriodName(std::size_t period, Grain grain) {
  if (grain == Grain::kMonth) return MonthName(period);
  if (grain == Grain::kYear) return std::to_string(kFirstYear + static_cast<int>(period));
  return std::to_string(kFirstYear + static_cast<int>(period / 4)) + "-Q" +
         std::to_string(period % 4 + 1);
}

std::optional<std::size_t> DateColumnOf(const Contract& contract) {
  for (std::size_t i = 0; i < contract.columns.size(); ++i) {
    if (contract.columns[i].type != ColumnType::kDate) continue;
    const std::string name = LowerCase(contract.columns[i].name);
    const bool birthday = name.find("birth") != std::string::npos || name == "dob" ||
                          name.ends_with("_dob") || name.starts_with("dob_") ||
                          name.find("geburt") != std::string::npos;
    if (!birthday) return i;
  }
  return std::nullopt;
}

std::string PText(double p) { return p < 1e-12 ? "p < 1e-12" : "p = " + NumberText(p, "%.1g"); }

/// A table's rows by the month of one of its dates.
class Calendar {
 public:
  Calendar(const Contract& contract, const DataTable& table, std::size_t date)
      : contract_(contract), table_(table), date_(date) {
    for (const double day : table.columns[date]) {
      month_of_row_.push_back(MonthOf(day));
      if (month_of_row_.back() == kNoMonth) continue;
      first_ = std::min(first_, month_of_row_.back());
      last_ = std::max(last_, month_of_row_.back());
      ++dated_;
    }
  }

  bool HasEnough() const { return dated_ >= kFewestRows; }

  CalendarFindings Find() {
    CalendarFindings findings;
    findings.view = View();
    tests_ = CountTests();
    for (CalendarColumn& column : findings.view->columns) {
      SeekMissingStep(column, findings.suspicions);
      SeekValueStep(column, findings.suspicions);
    }
    SeekGaps(findings.suspicions);
    return findings;
  }

  CalendarView View();

 private:
  std::size_t months() const { return last_ - first_ + 1; }
  std::size_t PeriodOf(std::size_t month) const { return month / static_cast<std::size_t>(grain_); }
  std::optional<std::size_t> PlaceOf(std::size_t row) const {
    if (month_of_row_[row] == kNoMonth) return std::nullopt;
    const std::size_t period = PeriodOf(month_of_row_[row]);
    if (period < first_period_ || period > last_period_) return std::nullopt;
    return period - first_period_;
  }
  /// The place of the period that has this month.
  std::size_t PlaceOfMonth(std::size_t month) const {
    return std::clamp(PeriodOf(month), first_period_, last_period_) - first_period_;
  }
  bool Has(std::size_t column, std::size_t row) const {
    return std::isfinite(table_.columns[column][row]);
  }
  /// A value beyond the contract's range is faulty and in no mean: it alone could be worked out.
  bool IsInRange(std::size_t column, double value) const {
    return contract_.columns[column].Contains(value);
  }
  bool IsNumeric(std::size_t column) const {
    const ColumnType type = contract_.columns[column].type;
    return type == ColumnType::kNumber || type == ColumnType::kInteger ||
           type == ColumnType::kDuration;
  }

  void ChooseGrain();
  CalendarColumn ColumnOf(std::size_t column) const;
  std::size_t CountTests() const;
  template <class Scores>
  std::optional<CalendarStep> StepOf(const Scores& score, double least) const;
  void SeekMissingStep(CalendarColumn& column, std::vector<Suspicion>& found) const;
  void SeekValueStep(CalendarColumn& column, std::vector<Suspicion>& found) const;
  void SeekRankStep(CalendarColumn& column, std::vector<Suspicion>& found) const;
  void SeekLevelStep(CalendarColumn& column,
                     std::size_t level,
                     std::vector<Suspicion>& found) const;
  std::string UnitSince(std::size_t column, std::size_t month) const;
  void SeekGaps(std::vector<Suspicion>& found) const;

  const Contract& contract_;
  const DataTable& table_;
  std::size_t date_;
  std::vector<std::size_t> month_of_row_;
  std::size_t first_ = kNoMonth;
  std::size_t last_ = 0;
  std::size_t dated_ = 0;
  Grain grain_ = Grain::kMonth;
  std::size_t first_period_ = 0;
  std::size_t last_period_ = 0;
  std::size_t tests_ = 1;
};

void Calendar::ChooseGrain() {
  grain_ = months() <= kMostMonths         ? Grain::kMonth
           : months() <= kMostQuarters * 3 ? Grain::kQuarter
                                           : Grain::kYear;
  first_period_ = PeriodOf(first_);
  last_period_ = PeriodOf(last_);
  if (last_period_ - first_period_ < kMostYears) return;
  // A few dates far from all others would make a plot of empty years.
  std::vector<std::size_t> years;
  for (const std::size_t month : month_of_row_) {
    if (month != kNoMonth) years.push_back(PeriodOf(month));
  }
  std::sort(years.begin(), years.end());
  first_period_ = years[years.size() / 200];
  last_period_ = years[years.size() - 1 - years.size() / 200];
  if (last_period_ - first_period_ >= kMostYears) first_period_ = last_period_ - kMostYears + 1;
}

CalendarColumn Calendar::ColumnOf(std::size_t column) const {
  const std::size_t periods = last_period_ - first_period_ + 1;
  CalendarColumn series;
  series.column = column;
  series.missing.resize(periods);
  series.means.resize(periods);
  const bool has_means =
      IsNumeric(column) || contract_.columns[column].type == ColumnType::kBoolean;
  std::vector<MonthScores> sums(periods);
  for (std::size_t row = 0; row < month_of_row_.size(); ++row) {
    const std::optional<std::size_t> place = PlaceOf(row);
    if (!place) continue;
    if (!Has(column, row)) {
      ++series.missing[*place];
      continue;
    }
    const double value = table_.columns[column][row];
    if (!IsInRange(column, value)) continue;
    ++sums[*place].rows;
    sums[*place].sum += value;
  }
  if (!has_means) return series;
  // Patients are counted only where there are rows enough: a few periods' marks at a time.
  std::vector<std::vector<std::uint32_t>> patients(periods);
  for (std::size_t row = 0; row < month_of_row_.size(); ++row) {
    const std::optional<std::size_t> place = PlaceOf(row);
    if (!place || !Has(column, row) || patients[*place].size() >= kFewestPatients) continue;
    if (!IsInRange(column, table_.columns[column][row])) continue;
    const std::uint32_t patient = table_.patients.NumberOf(row);
    std::vector<std::uint32_t>& seen = patients[*place];
    if (std::find(seen.begin(), seen.end(), patient) == seen.end()) seen.push_back(patient);
  }
  for (std::size_t i = 0; i < periods; ++i) {
    if (patients[i].size() < kFewestPatients) continue;
    series.means[i] = sums[i].sum / static_cast<double>(sums[i].rows);
  }
  return series;
}

CalendarView Calendar::View() {
  ChooseGrain();
  CalendarView view;
  view.date_column = contract_.columns[date_].name;
  std::vector<PatientCount> patients;
  for (std::size_t period = first_period_; period <= last_period_; ++period) {
    view.periods.push_back({PeriodName(period, grain_), 0, 0});
    patients.emplace_back(table_.patients);
  }
  for (std::size_t row = 0; row < month_of_row_.size(); ++row) {
    if (month_of_row_[row] == kNoMonth) {
      ++(Has(date_, row) ? view.outside : view.without_date);
    } else if (const std::optional<std::size_t> place = PlaceOf(row)) {
      ++view.periods[*place].rows;
      patients[*place].Add(row);
    } else {
      ++view.outside;
    }
  }
  for (std::size_t i = 0; i < patients.size(); ++i) view.periods[i].patients = patients[i].count();
  for (std::size_t i = 0; i < contract_.columns.size(); ++i) {
    if (i != date_ && contract_.columns[i].type != ColumnType::kDate) {
      view.columns.push_back(ColumnOf(i));
    }
  }
  return view;
}

std::size_t Calendar::CountTests() const {
  std::size_t tests = 0;
  for (const ContractColumn& column : contract_.columns) {
    tests += 2 + std::min(column.levels.size(), kMostLevels);
  }
  return tests;
}

/// A sure step of at least this size; `score(row)` has nothing for rows that take no part.
template <class Scores>
std::optional<CalendarStep> Calendar::StepOf(const Scores& score, double least) const {
  std::vector<MonthScores> by_month(months());
  double sum = 0;
  double squares = 0;
  std::uint64_t rows = 0;
  for (std::size_t row = 0; row < month_of_row_.size(); ++row) {
    if (month_of_row_[row] == kNoMonth) continue;
    const std::optional<double> value = score(row);
    if (!value) continue;
    MonthScores& month = by_month[month_of_row_[row] - first_];
    ++month.rows;
    month.sum += *value;
    sum += *value;
    squares += *value * *value;
    ++rows;
  }
  if (rows < 2 * kFewestRows) return std::nullopt;
  const auto n = static_cast<double>(rows);
  const double variance = squares / n - sum / n * (sum / n);
  std::optional<CalendarStep> step = FindStep(by_month, variance);
  if (!step || step->p_value * static_cast<double>(tests_) >= kSure) return std::nullopt;
  if (std::abs(step->since - step->before) < least) return std::nullopt;
  const std::size_t month = first_ + step->after;
  PatientCount before(table_.patients);
  PatientCount since(table_.patients);
  std::size_t rows_before = 0;
  std::size_t rows_since = 0;
  for (std::size_t row = 0; row < month_of_row_.size(); ++row) {
    if (month_of_row_[row] == kNoMonth || !score(row)) continue;
    const bool early = month_of_row_[row] < month;
    ++(early ? rows_before : rows_since);
    (early ? before : since).Add(row);
  }
  const bool enough = rows_before >= kFewestRows && rows_since >= kFewestRows &&
                      before.count() >= kFewestPatients && since.count() >= kFewestPatients;
  if (!enough) return std::nullopt;
  step->after = month;
  return step;
}

std::string SharesInWords(const CalendarStep& step) {
  return PercentText(step.before) + " of the rows before " + MonthName(step.after) + " and in " +
         PercentText(step.since) + " from then on (" + PText(step.p_value) + ")";
}

void Calendar::SeekMissingStep(CalendarColumn& column, std::vector<Suspicion>& found) const {
  const std::optional<CalendarStep> step =
      StepOf([&](std::size_t row) { return std::optional(Has(column.column, row) ? 0.0 : 1.0); },
             kMissingStep);
  if (!step) return;
  column.missing_step = PlaceOfMonth(step->after);
  const bool rises = step->since > step->before;
  const auto concerned = [&](std::size_t row) {
    return month_of_row_[row] != kNoMonth && (month_of_row_[row] >= step->after) == rises &&
           !Has(column.column, row);
  };
  Suspicion suspicion{contract_.columns[column.column].name, "missing-since", 0, {}, {}};
  for (std::size_t row = 0; row < month_of_row_.size(); ++row) {
    suspicion.rows += concerned(row) ? 1U : 0U;
  }
  suspicion.patients = PatientsWhere(table_.patients, concerned);
  suspicion.words = std::string(rises ? "missing since " : "missing before ") +
                    MonthName(step->after) + ": in " + SharesInWords(*step);
  suspicion.remedy = "Ask what changed in " + MonthName(step->after) +
                     ": the form, the laboratory, the export? Map the new field, too.";
  found.push_back(std::move(suspicion));
}

/// Mean ranks of the rows with a date and a value.
std::vector<double> RanksOf(const std::vector<double>& values,
                            const std::vector<std::size_t>& rows) {
  std::vector<std::size_t> order(rows);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = (static_cast<double>(begin + end) + 1) / 2;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
    begin = end;
  }
  return ranks;
}

double MedianOf(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The unit that later values seem to be in, where a change of unit explains the step.
std::string Calendar::UnitSince(std::size_t column, std::size_t month) const {
  const ContractColumn& contract = contract_.columns[column];
  if (contract.unit.empty()) return {};
  std::vector<double> before;
  std::vector<double> since;
  for (std::size_t row = 0; row < month_of_row_.size(); ++row) {
    if (month_of_row_[row] == kNoMonth || !Has(column, row)) continue;
    (month_of_row_[row] < month ? before : since).push_back(table_.columns[column][row]);
  }
  constexpr double kLarge = 1.8;  // A factor below this may be a change of patients.
  constexpr double kNear = 1.25;
  const double old_median = MedianOf(before);
  const double new_median = MedianOf(since);
  for (const UnitConversion& conversion :
       ConversionsTo(contract.unit, contract.name, contract.analyte)) {
    const double converted = new_median * conversion.factor + conversion.offset;
    const bool differs =
        std::max(old_median, new_median) > kLarge * std::min(old_median, new_median);
    if (!(old_median > 0 && converted > 0 && new_median > 0) || !differs) continue;
    if (std::max(converted, old_median) < kNear * std::min(converted, old_median)) {
      return std::string(conversion.other);
    }
  }
  return {};
}

void Calendar::SeekRankStep(CalendarColumn& column, std::vector<Suspicion>& found) const {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < month_of_row_.size(); ++row) {
    if (month_of_row_[row] != kNoMonth && Has(column.column, row)) rows.push_back(row);
  }
  const std::vector<double> ranks = RanksOf(table_.columns[column.column], rows);
  const auto score = [&](std::size_t row) {
    return Has(column.column, row) ? std::optional(ranks[row]) : std::nullopt;
  };
  // Mean ranks of two groups differ by n / 2 times Cliff's delta.
  const double half = static_cast<double>(rows.size()) / 2;
  const std::optional<CalendarStep> step = StepOf(score, kCliffsDelta * half);
  if (!step) return;
  column.value_step = PlaceOfMonth(step->after);
  const double delta = (step->since - step->before) / half;
  const std::string month = MonthName(step->after);
  Suspicion suspicion{contract_.columns[column.column].name, "values-since", 0, {}, {}};
  const auto since = [&](std::size_t row) {
    return month_of_row_[row] != kNoMonth && month_of_row_[row] >= step->after &&
           Has(column.column, row);
  };
  for (std::size_t row = 0; row < month_of_row_.size(); ++row)
    suspicion.rows += since(row) ? 1U : 0U;
  suspicion.patients = PatientsWhere(table_.patients, since);
  suspicion.words = std::string(delta > 0 ? "higher" : "lower") + " since " + month +
                    ": of pairs of a later and an earlier value the later one is " +
                    (delta > 0 ? "higher" : "lower") + " in " +
                    PercentText((1 + std::abs(delta)) / 2) + " (" + PText(step->p_value) + ")";
  const std::string unit = UnitSince(column.column, step->after);
  if (!unit.empty()) suspicion.words += "; are they in " + unit + " since then?";
  suspicion.remedy = unit.empty() ? "Ask what changed in " + month +
                                        ": the device, the laboratory, the unit, the patients?"
                                  : "Convert the later values before the export: one factor holds "
                                    "for a whole column.";
  found.push_back(std::move(suspicion));
}

void Calendar::SeekLevelStep(CalendarColumn& column,
                             std::size_t level,
                             std::vector<Suspicion>& found) const {
  const std::vector<double>& values = table_.columns[column.column];
  const auto wanted = static_cast<double>(level);
  const std::optional<CalendarStep> step = StepOf(
      [&](std::size_t row) {
        if (!Has(column.column, row)) return std::optional<double>();
        return std::optional(values[row] == wanted ? 1.0 : 0.0);
      },
      kLevelStep);
  if (!step) return;
  const ContractColumn& contract = contract_.columns[column.column];
  const bool is_boolean = contract.type == ColumnType::kBoolean;
  if (is_boolean) column.value_step = PlaceOfMonth(step->after);
  const auto since = [&](std::size_t row) {
    return month_of_row_[row] != kNoMonth && month_of_row_[row] >= step->after &&
           values[row] == wanted;
  };
  Suspicion suspicion{contract.name, "level-since", 0, {}, {}};
  for (std::size_t row = 0; row < values.size(); ++row) suspicion.rows += since(row) ? 1U : 0U;
  suspicion.patients = PatientsWhere(table_.patients, since);
  suspicion.words =
      (is_boolean ? "yes" : "\"" + contract.levels[level] + "\"") + " in " + SharesInWords(*step);
  suspicion.remedy = "Ask what changed in " + MonthName(step->after) +
                     ": the coding, the form, the patients? Translate new codes with `map`.";
  found.push_back(std::move(suspicion));
}

void Calendar::SeekValueStep(CalendarColumn& column, std::vector<Suspicion>& found) const {
  const ContractColumn& contract = contract_.columns[column.column];
  if (IsNumeric(column.column)) {
    SeekRankStep(column, found);
  } else if (contract.type == ColumnType::kBoolean) {
    SeekLevelStep(column, 1, found);
  } else {
    for (std::size_t i = 0; i < std::min(contract.levels.size(), kMostLevels); ++i) {
      SeekLevelStep(column, i, found);
    }
  }
}

/// Months without a row where an ordinary month has many.
void Calendar::SeekGaps(std::vector<Suspicion>& found) const {
  constexpr std::uint64_t kManyRows = 10;
  std::vector<std::uint64_t> rows(months());
  for (const std::size_t month : month_of_row_) {
    if (month != kNoMonth) ++rows[month - first_];
  }
  std::vector<std::uint64_t> sorted = rows;
  std::sort(sorted.begin(), sorted.end());
  if (sorted[sorted.size() / 2] < kManyRows) return;
  for (std::size_t begin = 0; begin < rows.size(); ++begin) {
    if (rows[begin] > 0) continue;
    std::size_t end = begin;
    while (rows[end] == 0) ++end;  // The last month has a row.
    Suspicion suspicion{contract_.columns[date_].name, "gap-in-time", 0, {}, {}};
    suspicion.words = "no row in " + MonthName(first_ + begin) +
                      (end - begin > 1 ? " to " + MonthName(first_ + end - 1) : "") +
                      ", where an ordinary month has ten or more";
    suspicion.remedy = "Is a part of the export missing, or was the ward closed?";
    found.push_back(std::move(suspicion));
    begin = end;
  }
}

}  // namespace

CalendarFindings FindDrift(const Contract& contract, const DataTable& table) {
  const std::optional<std::size_t> date = DateColumnOf(contract);
  if (!date) return {};
  Calendar calendar(contract, table, *date);
  return calendar.HasEnough() ? calendar.Find() : CalendarFindings{};
}

}  // namespace consilium
