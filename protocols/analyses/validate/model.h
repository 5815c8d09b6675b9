#pragma once

// What the regressions that are validated differ in: how one is fitted, which sums judge it on some
// rows, and what these say. Each has a file of its own.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/evaluate/measures.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analysis.h"

namespace consilium::validate {

using evaluate::Measure;

/// Where the model of a fold is.
enum class Phase : std::uint8_t {
  kFit = 1,       ///< Fitted to the training rows.
  kTraining = 2,  ///< Judged on them, in one round: there it is calibrated by construction.
  kHeldOut = 3    ///< Judged on the rows that it has not seen.
};

/// How a measure of single folds becomes one of all.
enum class Over {
  kNothing,  ///< It does not.
  kFolds,    ///< The mean over folds, each counting the same.
  kRows      ///< Of all held-out rows, each predicted by the model that has not seen it.
};

/// A number that says how good predictions are.
struct MeasureKind {
  const char* field = "";     ///< In results: "auc".
  const char* name = "";      ///< For people: "AUC".
  const char* form = "%.3f";  ///< In tables.
  std::size_t width = 7;      ///< Of its column, where it is shown.
  Over validated = Over::kRows;
  bool held_out_only = false;
  bool has_limits = true;  ///< False: a plain number in results.
  bool has_optimism = false;
  bool is_share = false;  ///< Its limits are cut at 0 and 1.
};

/// What all have, of held-out rows alone.
inline constexpr MeasureKind kInTheLargeKind{.field = "calibration_in_the_large",
                                             .name = "calibration in the large",
                                             .form = "%.2f",
                                             .validated = Over::kFolds,
                                             .held_out_only = true};
inline constexpr MeasureKind kInterceptKind{.field = "calibration_intercept",
                                            .name = "calibration intercept",
                                            .form = "%.2f",
                                            .validated = Over::kNothing,
                                            .held_out_only = true};
inline constexpr MeasureKind kSlopeKind{.field = "calibration_slope",
                                        .name = "calibration slope",
                                        .form = "%.2f",
                                        .validated = Over::kFolds,
                                        .held_out_only = true};

/// The measures of a regression, and what each is for.
struct Layout {
  std::vector<MeasureKind> measures;
  std::vector<std::size_t> shown;           ///< In tables, of training beside held-out rows.
  std::size_t discrimination = 0;           ///< Does not see a lack of calibration.
  std::optional<std::size_t> in_the_large;  ///< Ideally 0.
  std::size_t slope = 0;                    ///< Ideally 1.
  double no_discrimination = 0;             ///< What predictions by chance have.
  bool has_events = true;                   ///< Rows are told apart by an event.
  const char* events = "";  ///< What is counted as events: "in how many rows the outcome is yes".
  const char* measures_in_words = "";   ///< "AUC, Brier score and calibration"
  std::size_t in_the_large_width = 14;  ///< Of the table's column.
};

/// A fit to some rows.
struct Fitted {
  std::vector<double> coefficients;  ///< In the terms' own units; an intercept first.
  std::string trouble;               ///< Why there is no estimate; empty if there is one.
  double outcome_mean = 0;           ///< Of a linear regression's outcome.
  double outcome_deviation = 1;
  std::function<AnalysisResult()> render;  ///< As a study of its own.
};

/// How good predictions are on some rows.
struct Judged {
  std::vector<std::optional<Measure>> measures;  ///< In the layout's order; nothing for none.
  std::optional<double> bin_error;  ///< Of a discrimination from bins: how far it may be off.
  std::string trouble;              ///< Why there is no calibration, if there is none.
  std::string mismatch;             ///< "10.0 events were expected and 20 happened".
  /// A calibration in the large that is off by less than a tenth of it does not matter.
  double unit = 1;
  std::vector<double> sums;  ///< What Model::Together needs.
};

/// A question that a site has read and checked.
struct Asked {
  std::vector<Slice> slices;  ///< What leaves it in answer.
  std::unique_ptr<PreparedQuery> site;
};

class Model {
 public:
  virtual ~Model() = default;

  /// The same regression as a study of its own.
  const Analysis& regression() const { return *regression_; }
  const Layout& layout() const { return layout_; }
  virtual const glm::Design& design() const = 0;
  virtual double confidence() const = 0;
  /// Names of the coefficients, in order.
  virtual std::vector<std::string> Names() const = 0;

  /// How many of a site's rows have the event; 0 where there are no events.
  virtual double EventsIn(const CohortView& rows) const = 0;
  /// Whether these rows of one site add anything to the sums that fit and judge.
  virtual bool Adds(const CohortView& rows) const { return rows.values.rows() > 0; }

  /// Each kind of question of a phase, about the contract's own centres and scales and coefficients
  /// that are 0.
  virtual std::vector<Query> Samples(Phase phase) const = 0;
  /// Most rounds that judging takes, on training and held-out rows together.
  virtual std::uint32_t judging_rounds() const = 0;
  /// The site's half. `coefficients` are those of the model that is judged. kInvalidArgument if
  /// these bytes are no such question, or a bound is too large to be kept. The model outlives it.
  Result<Asked> Read(Phase phase,
                     const std::vector<double>& coefficients,
                     const Query& query) const;

  /// The coordinator's half. kNotEstimable if there is no estimate, kCorrupt for sums that cannot
  /// be; so for all that asks.
  virtual Result<Fitted> Fit(Federation& federation) const = 0;
  /// Judges a model on the rows of a phase.
  virtual Result<Judged> Judge(Federation& federation, const Fitted& fitted, Phase phase) const = 0;
  /// Measures with Over::kRows of all these rows together, at least one of which is.
  virtual Result<Judged> Together(const std::vector<const Judged*>& folds) const = 0;
  /// What a result has of all held-out rows besides.
  virtual void AddCurves(const Judged& together, nlohmann::ordered_json& json) const;

 protected:
  Model(std::unique_ptr<Analysis> regression, Layout layout)
      : regression_(std::move(regression)), layout_(std::move(layout)) {}

  /// A judgement without any measure yet.
  Judged Nothing() const;
  /// Asks one round; kCorrupt for a sum of another length, or a first number, which is a count,
  /// that is negative; kNotEstimable if it is 0.
  static Result<std::vector<double>> Ask(Federation& federation,
                                         const Query& query,
                                         std::size_t numbers);
  static tl::unexpected<Error> NoQuestion(const std::string& why);
  /// "10.0 events were expected and 20 happened"
  static std::string ExpectedAndHappened(double expected, double happened);

 private:
  virtual Result<Asked> ReadJudging(Phase phase,
                                    const std::vector<double>& coefficients,
                                    const Query& query) const = 0;

  std::unique_ptr<Analysis> regression_;
  Layout layout_;
};

/// By the key "model" and that regression's own keys. Asks for every key of the table that the
/// caller has not asked for: others are errors, with line and column.
Result<std::unique_ptr<Model>> MakeModel(const Settings& settings, const Contract& contract);

}  // namespace consilium::validate
