// What a site's tables say, held against its ledger. The ledger is signed record by record, the
// tables beside it are not: who can write to state.db but lacks the site's key could put an
// approval or a removed approver back, or take back what was told.

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/site_core.h"
#include "common/stored_rows.h"

namespace consilium {
namespace {

using Json = nlohmann::json;

std::string TextIn(const Json& detail, const char* name) {
  return detail.contains(name) && detail[name].is_string() ? detail[name].get<std::string>()
                                                           : std::string();
}

/// 0 where there is none.
std::uint64_t NumberIn(const Json& detail, const char* name) {
  return detail.contains(name) && detail[name].is_number_unsigned()
             ? detail[name].get<std::uint64_t>()
             : 0;
}

/// The last decision on a study. The first version wrote of an approval neither its last day nor
/// how many signed.
struct DecisionOnRecord {
  DecisionKind kind = DecisionKind::kDeclined;
  std::string until;
  std::uint64_t signatures = 0;
};

std::optional<DecisionKind> KindOf(std::string_view event) {
  if (event == "approved" || event == "renewed") return DecisionKind::kApproved;
  if (event == "declined") return DecisionKind::kDeclined;
  if (event == "revoked") return DecisionKind::kRevoked;
  return std::nullopt;
}

bool IsOnRecord(const DecisionOnRecord& record, const SiteStudyView& study) {
  if (!study.decision || study.decision->kind != record.kind) return false;
  if (record.kind != DecisionKind::kApproved) return true;
  const bool same_day = record.until.empty() || record.until == ToText(study.approved_through);
  return same_day && study.approval.signatures.size() == record.signatures;
}

/// Name and time of registration, by key.
using ApproversOnRecord = std::map<std::string, std::pair<std::string, UtcSeconds>>;

/// What the ledger comes to.
struct OnRecord {
  std::map<std::string, DecisionOnRecord> decisions;  ///< By study.
  ApproversOnRecord approvers;
  std::uint64_t excluded = 0;  ///< Patients who take no part.
  std::uint64_t told = 0;      ///< By answers with noise, as rho in billionths, rounded up.

  void Take(const ChainRecord& record, const Json& detail) {
    if (const auto kind = KindOf(record.event)) {
      decisions[TextIn(detail, "study")] = {*kind, TextIn(detail, "until"),
                                            NumberIn(detail, "signatures")};
    }
    if (record.event == "approver-added") {
      approvers[TextIn(detail, "key")] = {TextIn(detail, "name"), record.at};
    }
    if (record.event == "approver-removed") approvers.erase(TextIn(detail, "key"));
    if (record.event == "excluded") excluded = NumberIn(detail, "in_all");
    told = std::max(told, NumberIn(detail, "rho_spent_e9"));
  }
};

tl::unexpected<Error> Altered(const std::string& what) {
  return Fail(ErrorCode::kCorrupt,
              "state.db was altered: " + what + " is not what the signed ledger says",
              "Find out who could write to it. Restore the newest state.db, or have this site "
              "revoked and join anew.");
}

}  // namespace

Status SiteCore::CompareWithLedger(const RecordStore& store) const {
  TRY(const auto rows, LoadRows<ChainRecord>(store, std::string(kLedgerTable)));
  OnRecord on_record;
  for (const auto& [key, record] : rows) {
    const Json detail = Json::parse(record.detail, nullptr, /*allow_exceptions=*/false);
    if (detail.is_object()) on_record.Take(record, detail);
  }
  for (const auto& [id, study] : studies_) {
    const auto decision = on_record.decisions.find(id.ToHex());
    const bool decided = decision != on_record.decisions.end();
    const bool same = decided ? IsOnRecord(decision->second, study->View())
                              : !study->record().decision.has_value();
    if (!same) return Altered("the decision on study " + id.Short());
    if (decided) on_record.decisions.erase(decision);
  }
  if (!on_record.decisions.empty()) {
    return Altered("what is left of study " + on_record.decisions.begin()->first.substr(0, 12));
  }
  ApproversOnRecord approvers;
  for (const auto& [key, person] : approvers_) {
    approvers[key.ToHex()] = {person.name, person.added_at};
  }
  if (approvers != on_record.approvers) return Altered("the list of those who sign approvals");
  if (excluded_.size() < on_record.excluded) {
    return Altered("the list of patients who take no part");
  }
  if (std::ceil(privacy_.rho * 1e9) < static_cast<double>(on_record.told)) {
    return Altered("the privacy budget that was spent");
  }
  return {};
}

}  // namespace consilium
