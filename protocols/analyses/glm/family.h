#pragma once

// What distinguishes logistic, linear and Poisson regression from one another: one row's part of
// the deviance, score and information, its bounds, and sums of the outcome alone.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analysis.h"

namespace consilium::glm {

/// One row at a linear predictor eta: -2 (log-likelihood minus that of a perfect fit), and the
/// first and the negative second derivative of the log-likelihood by eta.
struct RowTerms {
  double deviance = 0;
  double score = 0;
  double weight = 0;
};

/// One row's part of the weighted least squares that gives the first coefficients: its weight, and
/// weight times working outcome.
struct StartTerms {
  double product = 0;
  double weight = 0;
};

/// Largest magnitude of each over all rows that the contract allows.
struct RowBounds {
  double deviance = 0;
  double score = 0;
  double weight = 0;
};

/// Sums over all rows and sites, as far as a family needs them.
struct Sums {
  double rows = 0;
  std::vector<double> outcome;  ///< In the order of OutcomeSlices.
};

/// What a family says about a finished fit.
struct Likelihood {
  double log_likelihood = 0;
  double null_deviance = 0;
};

class Family {
 public:
  virtual ~Family() = default;
  virtual std::string_view kind() const = 0;
  /// "logistic regression", for people.
  virtual std::string_view title() const = 0;
  /// The outcome is centred and scaled like the terms, and the noise has a variance to be
  /// estimated.
  virtual bool gaussian() const { return false; }
  /// "odds ratio", where exp(coefficient) has a name; and the field's name in the result.
  virtual std::string_view ratio_name() const { return {}; }
  virtual std::string_view ratio_field() const { return {}; }

  /// Whether a column can be the outcome; the message says what can.
  virtual Status CheckOutcome(const ContractColumn& column) const = 0;

  /// Sums of functions of the outcome alone. `largest` is the largest magnitude of an outcome.
  virtual std::vector<Slice> OutcomeSlices(double largest, double rows) const = 0;
  virtual void AddOutcome(double y, std::span<double> sums) const = 0;
  /// Why these sums allow no estimate, if they do not: everybody has the same outcome.
  virtual std::optional<std::string> Degenerate(const Sums& sums) const = 0;

  /// The row's starting point, R's glm's own: with the same start and the same rule to stop,
  /// standard errors equal R's to the last digits. A Gaussian family starts from nothing and is not
  /// asked.
  virtual StartTerms AtStart(double y) const = 0;
  virtual StartTerms StartBounds(double largest_y) const = 0;
  /// The largest linear predictor to evaluate at; larger ones count as this. 0 where none is
  /// needed.
  virtual double EtaCeiling(const Sums& sums) const {
    static_cast<void>(sums);
    return 0;
  }
  virtual RowTerms AtRow(double eta, double y, double eta_ceiling) const = 0;
  virtual RowBounds Bounds(double largest_eta, double largest_y, double eta_ceiling) const = 0;

  virtual Likelihood Finish(double deviance, const Sums& sums) const = 0;

  /// As Analysis::Bounded, of the regression of this design.
  virtual Result<std::shared_ptr<const Analysis>> Bounded(const Design& design,
                                                          const Settings& analysis) const {
    static_cast<void>(design);
    static_cast<void>(analysis);
    return std::shared_ptr<const Analysis>();
  }
};

}  // namespace consilium::glm
