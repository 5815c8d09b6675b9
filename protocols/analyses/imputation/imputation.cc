#include "protocols/analyses/imputation/imputation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/wire.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analyses/imputation/learning.h"
#include "protocols/derived_columns.h"
#include "protocols/wrapped_analysis.h"

namespace consilium::imputation {
namespace {

constexpr std::size_t kMaxColumns = 500;
/// Of another analysis's query: no larger one leaves a coordinator.
constexpr std::size_t kMaxBody = 64U << 20;

enum class Step : std::uint8_t {
  kLearn = 1,  ///< What is put into gaps.
  kAsk = 2     ///< The analysis's own query, of rows without gaps.
};

struct ImputingQuery {
  Step step = Step::kLearn;
  std::vector<double> values;  ///< Of kAsk: one a column.
  Bytes body;                  ///< Of kAsk: the analysis's query.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kLearn, Step::kAsk>(step), AtMost<kMaxColumns>(values),
            AtMost<kMaxBody>(body));
  }
};

/// Whether this can have been put into the column's gaps.
bool Stands(const ImputedColumn& column, double value) {
  if (!glm::RuleOf(column.column).Allows(value)) return false;
  return column.fill == Fill::kMean || column.ValueOf(column.BinOf(value)) == value;
}

std::string Short(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

std::string ValueInWords(const ImputedColumn& column, double value) {
  if (column.column.type == ColumnType::kBoolean) return value == 0 ? "no" : "yes";
  if (column.column.type == ColumnType::kCategory) {
    return column.column.levels[static_cast<std::size_t>(value)];
  }
  return Short(value);
}

class Asking final : public Federation {
 public:
  Asking(Federation& federation, const std::vector<double>& values)
      : federation_(federation), values_(values) {}

  Aggregate Sum(const Query& query) override {
    return federation_.Sum(Query{Encode(ImputingQuery{Step::kAsk, values_, query.body})});
  }

 private:
  Federation& federation_;
  const std::vector<double>& values_;
};

/// A query of the analysis itself, and what it is asked of.
class FilledQuery final : public PreparedQuery {
 public:
  FilledQuery(std::unique_ptr<PreparedQuery> query,
              const std::vector<ImputedColumn>& columns,
              std::vector<double> values)
      : query_(std::move(query)), columns_(columns), values_(std::move(values)) {}

  Status Answer(const CohortView& cohort, std::span<double> values) const override {
    return query_->Answer(Filled(cohort, columns_, values_), values);
  }
  Status Answer(const CohortView& cohort,
                SiteMemory& memory,
                std::span<double> values) const override {
    return query_->Answer(Filled(cohort, columns_, values_), memory, values);
  }

 private:
  std::unique_ptr<PreparedQuery> query_;
  const std::vector<ImputedColumn>& columns_;
  const std::vector<double> values_;
};

class Imputing final : public WrappedAnalysis {
 public:
  Imputing(std::shared_ptr<const Analysis> analysis,
           std::vector<ImputedColumn> columns,
           std::uint64_t maximum_rows)
      : WrappedAnalysis(std::move(analysis)),
        columns_(std::move(columns)),
        maximum_rows_(maximum_rows) {
    const Analysis& on_one_table = inner().OnOneTable();
    if (&on_one_table == &inner()) return;
    // It belongs to what this one shares.
    on_one_table_ = std::make_unique<Imputing>(
        std::shared_ptr<const Analysis>(shared_inner(), &on_one_table), columns_, maximum_rows_);
  }

  std::vector<std::string> columns_with_gaps() const override {
    std::vector<std::string> names;
    for (const ImputedColumn& column : columns_) names.push_back(column.column.name);
    return names;
  }
  std::uint32_t maximum_rounds() const override { return 1 + inner().maximum_rounds(); }
  std::shared_ptr<const Analysis> WithTrainer(
      std::shared_ptr<const ExternalTrainer> trainer) const override {
    return MakeImputing(inner().WithTrainer(std::move(trainer)), columns_, maximum_rows_);
  }
  const Analysis& OnOneTable() const override {
    return on_one_table_ ? static_cast<const Analysis&>(*on_one_table_) : *this;
  }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const ImputingQuery decoded, DecodeHere(query));
    if (decoded.step == Step::kLearn) return LearningSlices(columns_, maximum_rows_);
    return inner().Describe(Query{decoded.body});
  }

  std::vector<Slice> DescribeForReview() const override {
    std::vector<Slice> slices = LearningSlices(columns_, maximum_rows_);
    for (Slice& slice : inner().DescribeForReview()) slices.push_back(std::move(slice));
    return slices;
  }

  std::string InWords() const override {
    std::string text = inner().InWords() + ", gaps filled with the ";
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) text += i + 1 == columns_.size() ? " and the " : ", the ";
      text += (columns_[i].fill == Fill::kMode ? "most frequent value"
                                               : std::string(NameOf(columns_[i].fill))) +
              " of " + columns_[i].column.name;
    }
    return text;
  }
  std::string ReleasedInWords() const override {
    return inner().ReleasedInWords() + ", what was put where values are missing and how often";
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const Learned learned, LearnFrom(columns_, federation.Sum(Query{Encode(ImputingQuery{})})));
    Asking asking(federation, learned.values);
    TRY(AnalysisResult result, inner().Run(asking));
    Add(learned, result);
    return result;
  }

  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(const ImputingQuery decoded, DecodeHere(query));
    if (decoded.step == Step::kLearn) return Learn(cohort);
    return inner().Answer(Query{decoded.body}, Filled(cohort, columns_, decoded.values));
  }

  Result<StatefulAnswer> Answer(const Query& query,
                                const CohortView& cohort,
                                ByteSpan state) const override {
    TRY(const ImputingQuery decoded, DecodeHere(query));
    if (decoded.step == Step::kLearn) {
      TRY(Contribution contribution, Learn(cohort));
      return StatefulAnswer{std::move(contribution), ToBytes(state)};
    }
    return inner().Answer(Query{decoded.body}, Filled(cohort, columns_, decoded.values), state);
  }

  Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const override {
    TRY(ImputingQuery decoded, DecodeHere(query));
    if (decoded.step == Step::kLearn) return Analysis::Prepare(query);
    TRY(std::unique_ptr<PreparedQuery> prepared, inner().Prepare(Query{decoded.body}));
    return std::make_unique<FilledQuery>(std::move(prepared), columns_, std::move(decoded.values));
  }

 private:
  Result<ImputingQuery> DecodeHere(const Query& query) const {
    Result<ImputingQuery> decoded = Decode<ImputingQuery>(query.body);
    if (!decoded) {
      return Fail(ErrorCode::kInvalidArgument,
                  "no query of this analysis: " + decoded.error().message);
    }
    const bool learns = decoded->step == Step::kLearn;
    if (decoded->values.size() != (learns ? 0 : columns_.size()) ||
        (learns && !decoded->body.empty())) {
      return Fail(ErrorCode::kInvalidArgument, "the query is not for this plan's imputed columns");
    }
    for (std::size_t i = 0; i < decoded->values.size(); ++i) {
      if (Stands(columns_[i], decoded->values[i])) continue;
      return Fail(ErrorCode::kInvalidArgument, "the query fills \"" + columns_[i].column.name +
                                                   "\" with what is no value of it");
    }
    return decoded;
  }

  Result<Contribution> Learn(const CohortView& cohort) const {
    Contribution contribution;
    contribution.values.resize(NumbersIn(LearningSlices(columns_, maximum_rows_)));
    TRY_STATUS(AnswerLearning(columns_, cohort, contribution.values));
    return contribution;
  }

  void Add(const Learned& learned, AnalysisResult& result) const {
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(result.json);
    std::string words;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const ImputedColumn& column = columns_[i];
      const double value = learned.values[i];
      const std::string text = ValueInWords(column, value);
      nlohmann::ordered_json line = {{"name", column.column.name},
                                     {"by", NameOf(column.fill)},
                                     {"value", value},
                                     {"missing", learned.missing[i]}};
      if (!column.column.levels.empty()) line["level"] = text;
      json["imputed"].push_back(std::move(line));
      words += (i == 0 ? "Imputed: " : "; ") + column.column.name + " " +
               std::string(NameOf(column.fill)) + " " + text + " in " +
               glm::Counted(learned.missing[i], "row", "rows");
    }
    result.json = json.dump(2);
    result.table += glm::Wrapped(words +
                                 ". Standard errors take imputed values for seen ones, so "
                                 "they are too small where many are missing.");
  }

  const std::vector<ImputedColumn> columns_;
  const std::uint64_t maximum_rows_;
  std::unique_ptr<Imputing> on_one_table_;
};

bool IsNumber(const ContractColumn& column) { return column.minimum.has_value(); }

Result<Fill> ParseFill(const Settings& settings,
                       const std::string& key,
                       const ContractColumn& column) {
  TRY(const std::string fill, settings.Choice(key, {"mean", "median", "mode"}));
  const bool number = IsNumber(column);
  if (number == (fill == "mode") || column.type == ColumnType::kDate) {
    return settings.FailAt(key,
                           number ? "the mode of the number \"" + column.name + "\" says little"
                                  : "\"" + column.name + "\" is no number",
                           number ? "say \"mean\" or \"median\"" : "say \"mode\"");
  }
  return fill == "mean" ? Fill::kMean : fill == "median" ? Fill::kMedian : Fill::kMode;
}

/// The analysis's columns that a key stands for.
Result<std::vector<ImputedColumn>> ParseKey(const Settings& settings,
                                            const std::string& key,
                                            const Contract& contract,
                                            const Analysis& analysis) {
  const std::vector<std::string> columns = analysis.columns();
  std::vector<ImputedColumn> imputed;
  for (const std::string& name : contract.ColumnsOf(key)) {
    const auto found = std::find(columns.begin(), columns.end(), name);
    if (found == columns.end()) continue;
    ImputedColumn column;
    column.in_cohort = static_cast<std::size_t>(found - columns.begin());
    column.column = *contract.Find(name);
    if (column.in_cohort < analysis.outcomes()) {
      return settings.FailAt(key, "\"" + name + "\" is an outcome: what happened is not guessed",
                             "rows without it are left out");
    }
    TRY(column.fill, ParseFill(settings, key, column.column));
    imputed.push_back(std::move(column));
  }
  if (!imputed.empty()) return imputed;
  std::string others;
  for (const std::string& name : columns) others += (others.empty() ? "" : ", ") + name;
  return settings.FailAt(key, "the analysis has no column \"" + key + "\"", "it has " + others);
}

/// Contract columns without which a row is left out, although [impute] fills others, and one of the
/// columns that need each.
std::map<std::string, std::string> Indispensable(const Contract& contract,
                                                 const Analysis& analysis,
                                                 const std::vector<ImputedColumn>& imputed) {
  std::map<std::string, std::string> needed;
  const auto need = [&](const std::string& name, const std::string& by) {
    for (const std::string& from : NeededBy(contract, *contract.PlaceOf(name))) {
      needed.emplace(from, by);
    }
  };
  for (const EligibilityRule& rule : contract.eligibility) {
    need(rule.column, "the eligibility rule on \"" + rule.column + "\"");
  }
  for (const std::string& name : analysis.columns()) {
    const bool filled =
        std::any_of(imputed.begin(), imputed.end(),
                    [&](const ImputedColumn& column) { return column.column.name == name; });
    if (!filled) need(name, "\"" + name + "\"");
  }
  return needed;
}

/// Fails for a column none of whose gaps is in a row that stays.
Status CheckThatGapsStay(const Settings& settings,
                         const std::string& key,
                         const Contract& contract,
                         const ImputedColumn& column,
                         const std::map<std::string, std::string>& needed) {
  std::string by;
  for (const std::string& from : NeededBy(contract, *contract.PlaceOf(column.column.name))) {
    const auto found = needed.find(from);
    if (found == needed.end()) return {};
    by = found->second;
  }
  if (by.empty()) return settings.FailAt(key, "\"" + column.column.name + "\" has no gaps");
  return settings.FailAt(key,
                         "no gap of \"" + column.column.name + "\" would be filled: " + by +
                             " leaves out the same rows",
                         "fill or drop that, too; eligibility looks before gaps are filled");
}

}  // namespace

std::string_view NameOf(Fill fill) {
  switch (fill) {
    case Fill::kMean:
      return "mean";
    case Fill::kMedian:
      return "median";
    case Fill::kMode:
      return "mode";
  }
  return "";
}

bool ImputedColumn::IsWhole() const { return glm::RuleOf(column).whole; }

bool ImputedColumn::IsExact() const {
  if (!IsNumber(column)) return true;
  return IsWhole() && *column.maximum - *column.minimum < static_cast<double>(kMostBins);
}

std::size_t ImputedColumn::bins() const {
  if (fill == Fill::kMean) return 0;
  if (column.type == ColumnType::kBoolean) return 2;
  if (column.type == ColumnType::kCategory) return column.levels.size();
  return IsExact() ? static_cast<std::size_t>(*column.maximum - *column.minimum) + 1 : kMostBins;
}

std::size_t ImputedColumn::BinOf(double value) const {
  if (!IsNumber(column)) return static_cast<std::size_t>(value);
  const double from_low = value - *column.minimum;
  if (IsExact()) return static_cast<std::size_t>(from_low);
  const double share = from_low / (*column.maximum - *column.minimum);
  const auto bin = static_cast<std::size_t>(share * static_cast<double>(bins()));
  return std::min(bin, bins() - 1);
}

double ImputedColumn::ValueOf(std::size_t bin) const {
  if (!IsNumber(column)) return static_cast<double>(bin);
  if (IsExact()) return *column.minimum + static_cast<double>(bin);
  const double share = (static_cast<double>(bin) + 0.5) / static_cast<double>(bins());
  const double middle = *column.minimum + share * (*column.maximum - *column.minimum);
  return IsWhole() ? std::floor(middle + 0.5) : middle;
}

Result<std::vector<ImputedColumn>> ParseImputation(const Settings& settings,
                                                   const Contract& contract,
                                                   const Analysis& analysis) {
  if (!analysis.columns_with_gaps().empty()) {
    return settings.FailHere("\"" + std::string(analysis.kind()) +
                                 "\" says what is missing: nothing is put in its place",
                             "leave [impute] out");
  }
  std::vector<ImputedColumn> columns;
  std::vector<std::string> keys;
  for (const std::string& key : settings.Keys()) {
    TRY(std::vector<ImputedColumn> found, ParseKey(settings, key, contract, analysis));
    for (ImputedColumn& column : found) {
      const bool again = std::any_of(
          columns.begin(), columns.end(),
          [&](const ImputedColumn& other) { return other.in_cohort == column.in_cohort; });
      if (again) return settings.FailAt(key, "\"" + column.column.name + "\" is filled twice");
      columns.push_back(std::move(column));
      keys.push_back(key);
    }
  }
  if (columns.empty()) return settings.FailHere("[impute] names no column", "leave it out");
  const std::map<std::string, std::string> needed = Indispensable(contract, analysis, columns);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    TRY_STATUS(CheckThatGapsStay(settings, keys[i], contract, columns[i], needed));
  }
  return columns;
}

std::shared_ptr<const Analysis> MakeImputing(std::shared_ptr<const Analysis> analysis,
                                             std::vector<ImputedColumn> columns,
                                             std::uint64_t maximum_rows) {
  return std::make_shared<const Imputing>(std::move(analysis), std::move(columns), maximum_rows);
}

void FillGaps(Cohort& cohort, std::size_t column, double value) {
  for (double& entry : cohort.values.col(static_cast<Eigen::Index>(column))) {
    if (std::isnan(entry)) entry = value;
  }
}

Cohort Filled(const CohortView& cohort,
              const std::vector<ImputedColumn>& columns,
              const std::vector<double>& values) {
  Cohort filled;
  filled.columns.assign(cohort.columns.begin(), cohort.columns.end());
  filled.values = cohort.values;
  filled.patients = cohort.patients;
  filled.site = cohort.site;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    FillGaps(filled, columns[i].in_cohort, values[i]);
  }
  return filled;
}

}  // namespace consilium::imputation
