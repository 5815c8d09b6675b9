#pragma once

// An analysis: a federated algorithm bound to one plan, its two halves side by side. `Run` is the
// coordinator's half, a plain loop over Federation::Sum and a deterministic function of the
// aggregates. `Answer` is the site's half, a pure function without I/O, clock or global state.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/fixed_point.h"
#include "common/result.h"
#include "common/settings.h"
#include "protocols/cohort.h"
#include "protocols/contract.h"
#include "protocols/external_trainer.h"
#include "protocols/federation.h"

namespace consilium {

/// Whose secret noise keeps. Two federations are neighbours if one has one patient more; or if all
/// that one site has is exchanged for anything else (who takes part is known).
enum class PrivacyUnit : std::uint8_t { kPatient = 1, kSite = 2 };

/// One run of numbers that leaves a site inside the masked vector.
struct Slice {
  std::string name;     ///< "score"
  std::string shape;    ///< "6" or "21 (upper triangle of 6 x 6)"
  std::string meaning;  ///< For the reviewer, in plain words.
  Slot slot;            ///< Count, encoding and bound, hence the fixed-point scale.
  /// Most that one patient, in one row, changes the slice (L2 norm); 0 where no such bound is
  /// known.
  double patient_l2 = 0;
  /// Most that exchanging all that one site has for anything else changes it (L2 norm); 0 where
  /// nothing is known but patient_l2 of each row.
  double site_l2 = 0;
  /// The slice's part of what a round with noise may tell, relative to the other slices.
  double privacy_weight = 1;
};

std::vector<Slot> SlotsOf(const std::vector<Slice>& slices);
/// How many numbers an answer with these slices has.
std::size_t NumbersIn(const std::vector<Slice>& slices);

/// A site's answer in the clear. It has no encoding: only its masked form can leave the site.
struct Contribution {
  std::vector<double> values;  ///< In the order of the query's slices.
};

/// An answer, and the state that the site has once the answer's round is closed with it.
struct StatefulAnswer {
  Contribution contribution;
  Bytes next_state;
};

/// What saves a site work from one answer to the next; never part of an answer.
class SiteScratch {
 public:
  virtual ~SiteScratch() = default;
};

/// What a virtual site keeps between answers.
struct SiteMemory {
  Bytes state;  ///< The analysis's state at this site, as of the last closed round; empty at first.
  Bytes next_state;                      ///< Of the answer to the open round.
  std::unique_ptr<SiteScratch> scratch;  ///< Of one cohort, which must not change.
};

/// A query that was read once, to be answered for many cohorts; several threads may use it at once.
/// The analysis outlives it.
class PreparedQuery {
 public:
  virtual ~PreparedQuery() = default;
  /// Overwrites `values`, which has exactly the numbers of the query's slices, with what
  /// Analysis::Answer gives for this cohort, bit for bit. After an error they mean nothing.
  virtual Status Answer(const CohortView& cohort, std::span<double> values) const = 0;
  /// The same for a site with a memory: from its state, to its next one. One thread at a time uses
  /// a memory.
  virtual Status Answer(const CohortView& cohort,
                        SiteMemory& memory,
                        std::span<double> values) const;
};

/// What is released at the end of a study.
struct AnalysisResult {
  bool converged = false;
  std::uint64_t patients = 0;
  std::uint32_t sites = 0;  ///< In the last sum.
  std::string json;         ///< A JSON object: the analysis's own fields at full precision.
  std::string table;        ///< The same for people, at most 100 columns.
};

class Analysis {
 public:
  virtual ~Analysis() = default;

  virtual std::string_view kind() const = 0;
  /// The contract columns that a complete case needs, in the cohort's order: outcomes first.
  virtual std::vector<std::string> columns() const = 0;
  /// Whether the cohort has kPatientColumn behind them.
  virtual bool TellsPatientsApart() const { return false; }
  /// How many of them are outcomes.
  virtual std::size_t outcomes() const { return 1; }
  /// Free parameters that are estimated, for the rule on parameters per patient.
  virtual std::size_t parameters() const = 0;
  /// What leaves a site for this query. kInvalidArgument for bytes that are no query of this
  /// analysis, has the wrong dimension or holds a number that is not finite.
  virtual Result<std::vector<Slice>> Describe(const Query& query) const = 0;
  /// Every kind of slice over the whole study, before any query is known: for the reviewer.
  virtual std::vector<Slice> DescribeForReview() const = 0;
  /// The largest number of rounds it may ask for.
  virtual std::uint32_t maximum_rounds() const = 0;
  /// "logistic regression of disease on age and sex (3 coefficients with the intercept)"
  virtual std::string InWords() const = 0;
  /// What everybody gets at the end: "coefficients, standard errors and numbers of patients".
  virtual std::string ReleasedInWords() const = 0;
  /// Whether each site has unknowns of its own, such as a baseline hazard, so that two sites' rows
  /// laid together as one site's are another model.
  virtual bool KeepsSitesApart() const { return false; }
  /// What to run on rows that lie in one place: of a method that combines sites' own results, what
  /// it has each site do; of one that treats sites apart, what is left without them. Lives as long
  /// as this.
  virtual const Analysis& OnOneTable() const { return *this; }
  /// Whether a sum shows what one site alone has, so that every site's policy has to allow it.
  virtual bool ShowsSingleSites() const { return false; }
  /// Names of sites that it treats apart from the others.
  virtual std::vector<std::string> NamedSites() const { return {}; }
  /// Whether rounds go on without a lost site where the plan does not say.
  virtual bool GoesOnWithoutASite() const { return false; }
  /// What a round's noised sum tells about a patient, as rho of zero-concentrated differential
  /// privacy (Bun and Steinke 2016); 0 where sums have no noise, and nothing is promised.
  virtual double privacy_loss_of_a_round() const { return 0; }
  /// The largest number of rounds where sums have noise.
  virtual std::uint32_t rounds_with_noise() const { return maximum_rounds(); }
  /// The same analysis asking only for what is bounded for this unit, so that noise can hide it; in
  /// words, at the keys of the plan's [analysis] table, where it cannot. Null where it is the same.
  virtual Result<std::shared_ptr<const Analysis>> Bounded(PrivacyUnit unit,
                                                          const Settings& analysis) const;
  /// Columns whose missing values (NaN) leave a row in the cohort.
  virtual std::vector<std::string> columns_with_gaps() const { return {}; }
  /// Whether a SiteMemory saves a virtual site work.
  virtual bool KeepsMemory() const { return HasState(); }
  /// Whether sites have a state from round to round: then the answer with a state is what counts.
  virtual bool HasState() const { return false; }

  /// The name of the program that learns at each site, which a site's policy must name to answer;
  /// empty where only our own code runs, as everywhere but in a training that asks for another.
  virtual std::string_view trainer() const { return {}; }
  /// For an analysis with trainer(): the same, answering by this program. Without one it refuses
  /// to.
  virtual std::shared_ptr<const Analysis> WithTrainer(
      std::shared_ptr<const ExternalTrainer> trainer) const;

  virtual Result<AnalysisResult> Run(Federation& federation) const = 0;
  virtual Result<Contribution> Answer(const Query& query, const CohortView& cohort) const = 0;
  /// For an analysis whose sites have a state: a pure function of query, cohort and the state after
  /// the last closed round that had this site in it. By default there is none.
  virtual Result<StatefulAnswer> Answer(const Query& query,
                                        const CohortView& cohort,
                                        ByteSpan state) const;
  /// For a simulation's thousands of sites. By default each answer reads the query anew; an
  /// analysis that is to be simulated at scale does better.
  virtual Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const;
};

/// Parses the [analysis] table against the contract: the one place that knows every kind.
/// `minimum_sites` is the plan's.
Result<std::unique_ptr<Analysis>> MakeAnalysis(const Settings& analysis,
                                               const Contract& contract,
                                               std::uint32_t minimum_sites);
/// Names of the built-in kinds, sorted.
std::vector<std::string_view> AnalysisKinds();

}  // namespace consilium
