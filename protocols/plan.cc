#include "protocols/plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/crypto/hash.h"
#include "common/settings.h"
#include "protocols/analyses/imputation/imputation.h"
#include "protocols/derived_columns.h"
#include "protocols/norm_check.h"
#include "protocols/secure_sum/limits.h"

namespace consilium {
namespace {

constexpr Duration kShortestDeadline{1'000};
constexpr Duration kLongestDeadline{30 * 24 * 60 * 60 * 1000LL};

/// A line of text that people read: bounded, and no control characters to fool a terminal with.
Status CheckLine(const Settings& settings,
                 std::string_view key,
                 const std::string& text,
                 bool required) {
  if (required && text.empty()) return settings.FailAt(key, std::string(key) + " is empty");
  if (text.size() > 500)
    return settings.FailAt(key, std::string(key) + " is longer than 500 bytes");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return settings.FailAt(key,
                             std::string(key) + " holds a line break or another control character");
    }
  }
  return {};
}

Status ParseStudy(const Settings& settings, Plan& plan) {
  TRY(plan.title, settings.Text("title"));
  TRY_STATUS(CheckLine(settings, "title", plan.title, true));
  TRY(plan.question, settings.TextOr("question", ""));
  TRY_STATUS(CheckLine(settings, "question", plan.question, false));
  TRY(plan.requested_by, settings.Text("requested_by"));
  TRY_STATUS(CheckLine(settings, "requested_by", plan.requested_by, true));
  TRY(plan.permit, settings.TextOr("permit", ""));
  TRY_STATUS(CheckLine(settings, "permit", plan.permit, false));
  TRY(plan.expires, settings.Day("expires"));
  TRY(const std::int64_t sites, settings.IntegerOr("minimum_sites", 5));
  if (sites < kFewestSites || sites > static_cast<std::int64_t>(kMaxSites)) {
    return settings.FailValueAt(
        "minimum_sites",
        "it must be between " + std::to_string(kFewestSites) + " and " + std::to_string(kMaxSites),
        "with fewer than three sites, each could subtract its own numbers and "
        "see the other's");
  }
  plan.minimum_sites = static_cast<std::uint32_t>(sites);
  return settings.RequireNoOtherKeys();
}

/// Noise in every sum, of an analysis that asks for nothing that noise cannot hide.
Status ParseNoise(const Settings& dp, const Settings& analysis, Plan& plan) {
  TRY(const PrivacyUnit unit, ParsePrivacyUnit(dp));
  TRY(std::shared_ptr<const Analysis> bounded, plan.analysis->Bounded(unit, analysis));
  if (bounded != nullptr) plan.analysis = std::move(bounded);
  TRY(plan.dp, ParsePrivacySettings(dp, *plan.analysis));
  Result<std::shared_ptr<const Analysis>> noised =
      MakePrivate(plan.analysis, *plan.dp, plan.contract.maximum_patients);
  if (!noised) return dp.FailHere(noised.error().message, noised.error().remedy);
  plan.analysis = *std::move(noised);
  return {};
}

Status ParsePrivacy(const Settings& settings, const Settings& analysis, Plan& plan) {
  TRY(const std::int64_t patients, settings.IntegerOr("minimum_patients", 20));
  if (patients < 1 || static_cast<std::uint64_t>(patients) > plan.contract.maximum_patients) {
    return settings.FailValueAt(
        "minimum_patients", "it must be at least 1 and at most the contract's maximum_patients");
  }
  plan.minimum_patients = static_cast<std::uint64_t>(patients);
  TRY(const std::optional<Settings> dp, settings.TableIfAny("dp"));
  if (dp) TRY_STATUS(ParseNoise(*dp, analysis, plan));
  return settings.RequireNoOtherKeys();
}

Status ParseRound(const Settings& settings, Plan& plan) {
  TRY(plan.deadline, settings.SpanOr("deadline", Duration(60'000)));
  if (plan.deadline < kShortestDeadline || plan.deadline > kLongestDeadline) {
    return settings.FailValueAt("deadline", "it must be between 1s and 720h (30 days)");
  }
  TRY(const std::string on_loss,
      settings.ChoiceOr("on_loss", {"wait", "continue"},
                        plan.on_loss == OnLoss::kWait ? "wait" : "continue"));
  plan.on_loss = on_loss == "wait" ? OnLoss::kWait : OnLoss::kContinue;
  return settings.RequireNoOtherKeys();
}

Status ParseRelease(const Settings& settings) {
  TRY(const std::int64_t reviewers, settings.IntegerOr("reviewers", 0));
  if (reviewers != 0) {
    return settings.FailAt("reviewers",
                           "this version releases results without reviewers' signatures, so it "
                           "cannot carry out " +
                               std::to_string(reviewers) + " reviewers",
                           "set reviewers = 0");
  }
  return settings.RequireNoOtherKeys();
}

Status ParseImpute(const Settings& settings, Plan& plan) {
  TRY(std::vector<imputation::ImputedColumn> columns,
      imputation::ParseImputation(settings, plan.contract, *plan.analysis));
  plan.analysis =
      imputation::MakeImputing(plan.analysis, std::move(columns), plan.contract.maximum_patients);
  return {};
}

Status ParseOptionalTables(const Settings& settings, const Settings& analysis, Plan& plan) {
  TRY(const std::optional<Settings> impute, settings.TableIfAny("impute"));
  if (impute) TRY_STATUS(ParseImpute(*impute, plan));
  TRY(const std::optional<Settings> privacy, settings.TableIfAny("privacy"));
  if (privacy) TRY_STATUS(ParsePrivacy(*privacy, analysis, plan));
  TRY(const std::optional<Settings> round, settings.TableIfAny("round"));
  if (round) TRY_STATUS(ParseRound(*round, plan));
  TRY(const std::optional<Settings> release, settings.TableIfAny("release"));
  if (release) TRY_STATUS(ParseRelease(*release));
  return {};
}

/// A feature that says whether a column is missing is the same for everybody where rows without
/// that column are left out.
Status CheckIndicators(const Settings& analysis, const Plan& plan) {
  const std::vector<std::string> gaps = plan.analysis->columns_with_gaps();
  std::set<std::string> needed;
  for (const std::string& name : plan.analysis->columns()) {
    if (std::find(gaps.begin(), gaps.end(), name) != gaps.end()) continue;
    needed.merge(NeededBy(plan.contract, *plan.contract.PlaceOf(name)));
  }
  for (const EligibilityRule& rule : plan.contract.eligibility) {
    needed.merge(NeededBy(plan.contract, *plan.contract.PlaceOf(rule.column)));
  }
  for (const std::string& name : plan.analysis->columns()) {
    const std::size_t place = *plan.contract.PlaceOf(name);
    if (place < plan.contract.columns.size()) continue;
    const DerivedColumn& derived = plan.contract.derived[place - plan.contract.columns.size()];
    if (derived.how != Derivation::kMissing) continue;
    const std::set<std::string> said = NeededBy(plan.contract, derived.first.place);
    if (!std::includes(needed.begin(), needed.end(), said.begin(), said.end())) continue;
    const std::string& from = plan.contract.At(derived.first.place).name;
    return analysis.FailHere(
        "\"" + name + "\" says whether \"" + from + "\" is missing, and rows without \"" + from +
            "\" are left out",
        "leave \"" + name + "\" out, or let [impute] fill the gaps of \"" + from + "\"");
  }
  return {};
}

}  // namespace

Result<Plan> ParsePlan(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxPlanBytes) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(file_name) + ": a plan has at most 200 KiB");
  }
  TRY(const Settings settings, Settings::Parse(text, file_name));
  Plan plan;
  plan.text = std::string(text);
  TRY(const Settings study, settings.Table("study"));
  TRY_STATUS(ParseStudy(study, plan));
  TRY(const Settings contract, settings.Table("contract"));
  TRY(plan.contract, ParseContract(contract));
  TRY(const Settings analysis, settings.Table("analysis"));
  TRY(std::unique_ptr<Analysis> made, MakeAnalysis(analysis, plan.contract, plan.minimum_sites));
  plan.on_loss = made->GoesOnWithoutASite() ? OnLoss::kContinue : OnLoss::kWait;
  plan.analysis = std::move(made);
  const bool checks_norms = CheckedInReview(*plan.analysis).has_value();
  TRY_STATUS(ParseOptionalTables(settings, analysis, plan));
  if (checks_norms && !CheckedInReview(*plan.analysis)) {
    return analysis.FailAt("norm_check", "norm_check cannot be had together with [impute]",
                           "leave one of the two out");
  }
  TRY_STATUS(CheckIndicators(analysis, plan));
  TRY_STATUS(settings.RequireNoOtherKeys());
  plan.id.bytes = HashBytes(settings.CanonicalBytes()).bytes;
  return plan;
}

std::vector<std::string> CohortColumns(const Analysis& analysis) {
  std::vector<std::string> columns = analysis.columns();
  if (analysis.TellsPatientsApart()) columns.emplace_back(kPatientColumn);
  return columns;
}

Result<CohortWithFlow> CohortOf(const Plan& plan, const DataTable& table) {
  return BuildCohort(plan.contract, table, CohortColumns(*plan.analysis),
                     plan.analysis->columns_with_gaps());
}

Result<CohortWithFlow> CohortOf(const Plan& plan, DataTable&& table) {
  return BuildCohort(plan.contract, std::move(table), CohortColumns(*plan.analysis),
                     plan.analysis->columns_with_gaps());
}

}  // namespace consilium
