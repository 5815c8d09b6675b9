#include "client/approval_ledger.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/policy/approvers.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(const Json& detail, const char* name) {
  return detail.contains(name) && detail[name].is_string() ? detail[name].get<std::string>()
                                                           : std::string();
}

template <std::size_t N>
bool ReadHex(const Json& detail, const char* name, ByteArray<N>& to) {
  const Result<Bytes> bytes = FromHex(Text(detail, name));
  if (!bytes || bytes->size() != N) return false;
  std::copy(bytes->begin(), bytes->end(), to.begin());
  return true;
}

/// Goes through a ledger record by record, knowing who may sign and who has.
class Verifier {
 public:
  Verifier(const FederationId& federation, const IdentityKey& site)
      : federation_(federation), site_(site) {}

  /// Empty, or what is wrong with the record.
  std::string Take(const ChainRecord& record) {
    const Json detail = Json::parse(record.detail, nullptr, /*allow_exceptions=*/false);
    if (!detail.is_object()) return "";
    if (record.event == "approver-added") return Added(detail);
    if (record.event == "approver-removed") Removed(Text(detail, "name"));
    if (record.event == "signed") return Signed(detail, record.at);
    if (record.event == "answered") return Answered(Text(detail, "study"), record.at);
    const bool approved = record.event == "approved" || record.event == "renewed";
    if (!approved && record.event != "revoked" && record.event != "declined") return "";
    const std::string study = Text(detail, "study");
    std::string wrong = approved ? Approved(record.event, detail, study) : std::string();
    if (approved) {
      const Result<Date> until = ParseDate(Text(detail, "until"));
      approved_[study] = until ? std::optional(DaysSinceEpoch(*until)) : std::nullopt;
    } else {
      approved_.erase(study);
    }
    decided_[study] = DecisionTime(record.at, LastDecision(study), NewestOf(signed_[study]));
    signed_.erase(study);
    return wrong;
  }
  const LedgerSignatures& found() const { return found_; }

 private:
  std::string Added(const Json& detail) {
    ApproverRecord approver;
    approver.name = Text(detail, "name");
    if (!ReadHex(detail, "key", approver.key.bytes) ||
        !ReadHex(detail, "proof", approver.proof.bytes) ||
        !VerifyApprover(federation_, site_, approver)) {
      return "the key registered for " + approver.name + " did not sign for that name here";
    }
    persons_[approver.name] = approver.key;
    ++found_.approvers;
    return "";
  }

  /// What this person has signed counts no more, nor does it once somebody has the name again.
  void Removed(const std::string& name) {
    persons_.erase(name);
    for (auto& [study, signatures] : signed_) {
      std::erase_if(signatures, [&](const ApprovalSignature& each) { return each.name == name; });
    }
  }

  std::string Signed(const Json& detail, UtcSeconds written) {
    ApprovalPlace place{federation_, site_, {}};
    ApprovalSignature signature;
    signature.name = Text(detail, "name");
    signature.reason = Text(detail, "reason");
    const Result<ApprovalKind> kind = KindOfMeaning(Text(detail, "meaning"));
    const Result<Date> until = ParseDate(Text(detail, "until"));
    const bool whole = kind && until && detail.contains("signed_at") &&
                       detail["signed_at"].is_number_integer() &&
                       ReadHex(detail, "study", place.study.bytes) &&
                       ReadHex(detail, "key", signature.key.bytes) &&
                       ReadHex(detail, "signature", signature.signature.bytes);
    if (!whole) return "a signature is not whole";
    signature.kind = *kind;
    signature.last_day = DaysSinceEpoch(*until);
    signature.at.seconds = detail["signed_at"].get<std::int64_t>();
    const auto person = persons_.find(signature.name);
    if (person == persons_.end() || person->second != signature.key) {
      return signature.name + " was not registered under the key that signs";
    }
    if (!VerifyApproval(place, signature)) {
      return "the signature is not that of " + signature.name + " for this study";
    }
    // One that was written down again would make up an approval from an older one.
    const std::string study = place.study.ToHex();
    if (!IsTimely(signature.at, written, LastDecision(study))) {
      return "the signature of " + signature.name + " was given at another time";
    }
    ++found_.signatures;
    signed_[study].push_back(std::move(signature));
    return "";
  }

  std::string Answered(const std::string& study, UtcSeconds at) const {
    const auto approval = approved_.find(study);
    if (approval == approved_.end()) return "the study was not approved when it was answered";
    if (!approval->second || DaysSinceEpoch(DateOf(at)) <= *approval->second) return "";
    return "the study's approval had ended when it was answered";
  }

  std::optional<UtcSeconds> LastDecision(const std::string& study) const {
    const auto last = decided_.find(study);
    return last == decided_.end() ? std::nullopt : std::optional(last->second);
  }

  /// As many different people must have signed this very thing, to hold as long as is claimed.
  std::string Approved(const std::string& event, const Json& detail, const std::string& study) {
    const bool counted = detail.contains("signatures") && detail["signatures"].is_number_unsigned();
    if (!counted || detail["signatures"].get<std::uint64_t>() == 0) return "";
    const Result<Date> until = ParseDate(Text(detail, "until"));
    if (!until) return "an approval has no last day";
    const ApprovalKind kind = event == "approved" ? ApprovalKind::kApprove : ApprovalKind::kRenew;
    std::set<std::string> names;
    for (const ApprovalSignature& each : signed_[study]) {
      const bool counts = each.kind == kind && each.last_day >= DaysSinceEpoch(*until);
      if (counts) names.insert(each.name);
    }
    if (detail["signatures"].get<std::uint64_t>() <= names.size()) return "";
    return "an approval claims " + detail["signatures"].dump() + " signatures, and " +
           std::to_string(names.size()) + " for it and its last day stand before it";
  }

  FederationId federation_;
  IdentityKey site_;
  LedgerSignatures found_;
  std::map<std::string, IdentityKey> persons_;
  /// By study, since its last decision.
  std::map<std::string, std::vector<ApprovalSignature>> signed_;
  std::map<std::string, UtcSeconds> decided_;  ///< Which time that counts from.
  /// Studies that are approved, and until which day; none: the plan's, which is not in the ledger.
  std::map<std::string, std::optional<std::int64_t>> approved_;
};

}  // namespace

Result<LedgerSignatures> VerifySignatures(const std::vector<ChainRecord>& records,
                                          const FederationId& federation,
                                          const IdentityKey& site) {
  Verifier verifier(federation, site);
  for (const ChainRecord& record : records) {
    const std::string wrong = verifier.Take(record);
    if (wrong.empty()) continue;
    return Fail(ErrorCode::kCorrupt,
                "record " + std::to_string(record.number) + " of the ledger (" + record.event +
                    ") does not hold: " + wrong,
                "Who holds this site's key wrote it, but not the person named. Have the study "
                "revoked, and find out who could write to state.db.");
  }
  return verifier.found();
}

}  // namespace consilium
