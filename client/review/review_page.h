#pragma once

// The pages that a site's people look at before they decide, as text for a terminal and as HTML for
// a screen or a printer. They hold counts of this site's patients and stay here.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/policy/model_linter.h"
#include "client/policy/patient_codes.h"
#include "client/policy/policy.h"
#include "client/quality/quality_report.h"
#include "client/review/plan_changes.h"
#include "common/result.h"
#include "common/time.h"
#include "protocols/plan.h"

namespace consilium {

struct DataCheck {
  std::optional<QualityReport> report;  ///< Absent when the source could not be read at all.
  std::optional<Policy> policy;         ///< Absent when it could not be read.
  std::string trainer;                  ///< The program here that the study would run, in words.
  std::optional<Error> problem;         ///< Why the study could not be answered as things are.
  std::vector<ModelFinding> model;      ///< What a model could learn by heart here.
  CohortPatients patients;              ///< Of the cohort, where the rules on it are met.
  /// Whether each rule holds that was asked about the cohort or the site's record.
  std::map<PolicyRule, bool> asked;
  bool ok() const { return !problem.has_value(); }
};

/// The study approved here before that this one is held against.
struct EarlierStudy {
  StudyId id;
  std::string title;
  std::string decided;  ///< "approved on 2026-05-03"
  std::vector<PlanChange> changes;
};

struct Review {
  const Plan& plan;
  const DataCheck& check;
  std::string site;        ///< Its name; may be empty.
  std::string federation;  ///< Its name; may be empty.
  UtcSeconds at;           ///< When the page is made.
  std::string decision;    ///< "approved", with who has signed; empty while nobody decided.
  std::string balance;     ///< The privacy budget, in words; empty where it does not matter.
  std::optional<EarlierStudy> earlier;
  std::vector<std::string> commands;  ///< With which to decide.
};

/// What the policy and the plan ask for beside what the study has here, rule by rule: every rule
/// that has something to say about this study. For a terminal of 80 columns a rule has at most 22,
/// what is needed at most 24.
struct RuleCheck {
  std::string rule;    ///< "Patients in the cohort"
  std::string needed;  ///< "at least 20 (plan)"
  std::string here;    ///< "297"; "not known" where the data could not be read.
  bool holds = false;
};
std::vector<RuleCheck> RulesOf(const Review& review);

/// At most `width` columns where words allow, at least 60.
std::string ReviewText(const Review& review, std::size_t width);
/// A page that needs nothing beside it: no script, font, picture or network.
std::string ReviewHtml(const Review& review);

}  // namespace consilium
