#include "client/policy/approvers.h"

#include <algorithm>
#include <array>

#include "common/code_points.h"
#include "common/crypto/hash.h"

namespace consilium {
namespace {

constexpr std::array<std::pair<ApprovalKind, std::string_view>, 2> kMeanings = {
    {{ApprovalKind::kApprove, "I have reviewed this study and approve it."},
     {ApprovalKind::kRenew, "I have reviewed this study again and renew its approval."}}};

Digest ApproverDigest(const FederationId& federation,
                      const IdentityKey& site,
                      std::string_view name,
                      const IdentityKey& key) {
  return Hasher("consilium/approver/v1").Add(federation).Add(site).Add(name).Add(key).Finish();
}

Result<ApprovalRules::Person> ParsePerson(const Settings& entry) {
  ApprovalRules::Person person;
  TRY(person.name, entry.Text("name"));
  if (const Status name = CheckPersonName(person.name); !name) {
    return entry.FailAt("name", name.error());
  }
  TRY(const std::string text, entry.Text("key"));
  const Result<Bytes> bytes = FromHex(text);
  if (!bytes || bytes->size() != person.key.bytes.size()) {
    return entry.FailAt("key", "key is not 64 hexadecimal digits",
                        "Copy it from what `consilium-site approver DIR list` shows.");
  }
  std::copy(bytes->begin(), bytes->end(), person.key.bytes.begin());
  TRY_STATUS(entry.RequireNoOtherKeys());
  return person;
}

}  // namespace

Status CheckPersonName(std::string_view name) {
  const auto is_end = [](char c) { return c == ' ' || c == '.'; };
  const bool fits = !name.empty() && name.size() <= kMaxNameBytes && !is_end(name.front()) &&
                    !is_end(name.back()) && name.front() != '-' && IsPlain(name) &&
                    name.find_first_of("/\\\"") == std::string_view::npos;
  if (fits) return {};
  return Fail(ErrorCode::kInvalidArgument, "this is no name for a person who signs",
              "Use 1 to 64 bytes without quotes, slashes and control characters, and no blank or "
              "dot at the ends: Anna Keller.");
}

Status CheckReason(std::string_view reason) {
  if (reason.size() <= kMaxReasonBytes && IsPlain(reason)) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "the reason is longer than 500 bytes or has a line break or control character",
              "Give one short sentence.");
}

Date DayOf(std::int64_t days) {
  constexpr std::int64_t kSecondsOfADay = 86'400;
  return DateOf(UtcSeconds{days * kSecondsOfADay});
}

std::string_view MeaningOf(ApprovalKind kind) {
  return kind == ApprovalKind::kApprove ? kMeanings[0].second : kMeanings[1].second;
}

Result<ApprovalKind> KindOfMeaning(std::string_view meaning) {
  for (const auto& [kind, words] : kMeanings) {
    if (words == meaning) return kind;
  }
  return Fail(ErrorCode::kCorrupt, "a signature has a meaning that this version does not know");
}

Digest DigestToSign(const ApprovalPlace& place, const ApprovalSignature& approval) {
  return Hasher("consilium/approval/v1")
      .Add(place.federation)
      .Add(place.site)
      .Add(place.study)
      .Add(MeaningOf(approval.kind))
      .Add(approval.name)
      .Add(approval.key)
      .Add(static_cast<std::uint64_t>(approval.at.seconds))
      .Add(approval.reason)
      .Add(static_cast<std::uint64_t>(approval.last_day))
      .Finish();
}

void SignApproval(const ApprovalPlace& place,
                  const SigningKey& person,
                  ApprovalSignature& approval) {
  approval.key = person.public_key();
  approval.signature = person.Sign(DigestToSign(place, approval).span());
}

bool VerifyApproval(const ApprovalPlace& place, const ApprovalSignature& approval) {
  return Verify(approval.key, DigestToSign(place, approval).span(), approval.signature);
}

bool IsTimely(UtcSeconds given, UtcSeconds taken, std::optional<UtcSeconds> decided) {
  if (decided && given <= *decided) return false;
  // Any number may come in a request or record: what is subtracted is known to be the smaller one.
  if (given > taken) return decided && given.seconds - 1 == decided->seconds;
  const auto age =
      static_cast<std::uint64_t>(taken.seconds) - static_cast<std::uint64_t>(given.seconds);
  return age <= static_cast<std::uint64_t>(kSignatureSeconds);
}

std::optional<UtcSeconds> NewestOf(const std::vector<ApprovalSignature>& signatures) {
  std::optional<UtcSeconds> newest;
  for (const ApprovalSignature& each : signatures)
    newest = std::max(newest, std::optional(each.at));
  return newest;
}

UtcSeconds DecisionTime(UtcSeconds now,
                        std::optional<UtcSeconds> last,
                        std::optional<UtcSeconds> newest_signature) {
  UtcSeconds at = now;
  if (last && at <= *last) at.seconds = last->seconds + 1;
  return newest_signature ? std::max(at, *newest_signature) : at;
}

Signature ProveApprover(const FederationId& federation,
                        const IdentityKey& site,
                        std::string_view name,
                        const SigningKey& person) {
  return person.Sign(ApproverDigest(federation, site, name, person.public_key()).span());
}

bool VerifyApprover(const FederationId& federation,
                    const IdentityKey& site,
                    const ApproverRecord& approver) {
  const Digest digest = ApproverDigest(federation, site, approver.name, approver.key);
  return Verify(approver.key, digest.span(), approver.proof);
}

bool ApprovalRules::MaySign(const std::string& name, const IdentityKey& key) const {
  return named.empty() || std::any_of(named.begin(), named.end(), [&](const Person& person) {
           return person.name == name && person.key == key;
         });
}

Result<ApprovalRules> ParseApprovalRules(const Settings& settings) {
  ApprovalRules rules;
  TRY(const std::vector<Settings> entries, settings.TablesIfAny("approver"));
  for (const Settings& entry : entries) {
    TRY(ApprovalRules::Person person, ParsePerson(entry));
    for (const ApprovalRules::Person& other : rules.named) {
      if (other.name == person.name || other.key == person.key) {
        return entry.FailHere("two approvers have one name or one key",
                              "Each person signs under one name and one key.");
      }
    }
    rules.named.push_back(std::move(person));
  }
  // Who names people wants one of them to sign, at the least.
  const std::int64_t fewest = rules.named.empty() ? 0 : 1;
  const std::int64_t most =
      rules.named.empty() ? std::int64_t{kMaxSignatures}
                          : static_cast<std::int64_t>(std::min(rules.named.size(), kMaxSignatures));
  TRY(const std::int64_t needed, settings.IntegerBetween("approvers", fewest, most, fewest));
  rules.needed = static_cast<std::uint32_t>(needed);
  return rules;
}

}  // namespace consilium
