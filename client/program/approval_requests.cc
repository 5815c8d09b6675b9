#include "client/program/approval_requests.h"

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

Result<std::string> TextOf(const Json& object, const char* name) {
  if (object.contains(name) && object[name].is_string()) return object[name].get<std::string>();
  return Fail(ErrorCode::kInvalidArgument, std::string("the request has no text '") + name + "'");
}

template <std::size_t N>
Status ReadHex(const Json& object, const char* name, ByteArray<N>& to) {
  TRY(const std::string text, TextOf(object, name));
  const Result<Bytes> bytes = FromHex(text);
  if (!bytes || bytes->size() != N) {
    return Fail(ErrorCode::kInvalidArgument, std::string("'") + name + "' is not " +
                                                 std::to_string(2 * N) + " hexadecimal digits");
  }
  std::copy(bytes->begin(), bytes->end(), to.begin());
  return {};
}

Result<ApprovalSignature> ReadSignature(const Json& json) {
  ApprovalSignature signature;
  TRY(signature.name, TextOf(json, "name"));
  TRY(signature.reason, TextOf(json, "reason"));
  TRY(const std::string meaning, TextOf(json, "meaning"));
  TRY(signature.kind, KindOfMeaning(meaning));
  TRY(const std::string until, TextOf(json, "until"));
  TRY(const Date day, ParseDate(until));
  signature.last_day = DaysSinceEpoch(day);
  signature.at.seconds = json.at("signed_at").get<std::int64_t>();
  TRY_STATUS(ReadHex(json, "key", signature.key.bytes));
  TRY_STATUS(ReadHex(json, "signature", signature.signature.bytes));
  return signature;
}

Json PeopleJson(const std::vector<ApprovalSignature>& signatures) {
  Json people = Json::array();
  for (const ApprovalSignature& signature : signatures) {
    people.push_back({{"name", signature.name},
                      {"at", ToText(signature.at)},
                      {"reason", signature.reason},
                      {"until", ToText(DayOf(signature.last_day))}});
  }
  return people;
}

}  // namespace

Json ApprovalJson(const SiteStudyView& view,
                  const std::optional<std::string>& lacks,
                  const Moment& now) {
  return {{"signatures_needed", view.signatures_needed},
          {"signatures_counting", view.signatures_counting},
          {"signatures", PeopleJson(view.approval.signatures)},
          {"waiting", PeopleJson(view.approval.pending)},
          {"through", ToText(view.approved_through)},
          {"ended", view.approved_through < DateOf(now.utc)},
          {"lacks", lacks ? Json(*lacks) : Json(nullptr)}};
}

Json SignatureJson(const ApprovalSignature& signature) {
  return {{"name", signature.name},
          {"key", signature.key.ToHex()},
          {"signed_at", signature.at.seconds},
          {"meaning", std::string(MeaningOf(signature.kind))},
          {"reason", signature.reason},
          {"until", ToText(DayOf(signature.last_day))},
          {"signature", ToHex(signature.signature.bytes)}};
}

Result<ApprovalRequest> ReadApprovalRequest(const Json& request) {
  ApprovalRequest approval;
  approval.reason = request.value("reason", "");
  if (request.contains("until")) {
    TRY(const std::string until, TextOf(request, "until"));
    TRY(approval.until, ParseDate(until));
  }
  if (request.contains("signature")) {
    TRY(approval.signature, ReadSignature(request["signature"]));
  }
  return approval;
}

Result<Json> ShowApprovers(const Json&, const SiteCommandContext& context, SiteEffects&) {
  const Result<Policy>& policy = context.core.policy();
  Json reply{{"site", context.site_name},
             {"federation", context.core.federation().ToHex()},
             {"site_key", context.identity.ToHex()},
             {"signatures_needed", policy ? Json(policy->approval.needed) : Json(nullptr)},
             {"approvers", Json::array()}};
  for (const auto& [key, approver] : context.core.approvers()) {
    const bool may = policy && policy->approval.MaySign(approver.name, key);
    reply["approvers"].push_back({{"name", approver.name},
                                  {"key", key.ToHex()},
                                  {"added_at", ToText(approver.added_at)},
                                  {"may_sign", may}});
  }
  return reply;
}

Result<Json> AddApprover(const Json& request,
                         const SiteCommandContext& context,
                         SiteEffects& effects) {
  ApproverRecord approver;
  TRY(approver.name, TextOf(request, "name"));
  TRY_STATUS(ReadHex(request, "key", approver.key.bytes));
  TRY_STATUS(ReadHex(request, "proof", approver.proof.bytes));
  TRY_STATUS(context.core.AddApprover(std::move(approver), context.now, effects));
  return ShowApprovers(request, context, effects);
}

Result<Json> RemoveApprover(const Json& request,
                            const SiteCommandContext& context,
                            SiteEffects& effects) {
  TRY(const std::string name, TextOf(request, "name"));
  TRY_STATUS(context.core.RemoveApprover(name, context.now, effects));
  return ShowApprovers(request, context, effects);
}

}  // namespace consilium
