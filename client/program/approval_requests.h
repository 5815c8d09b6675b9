#pragma once

// Approvals, signatures and approvers as the JSON of requests and replies.

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "client/program/commands.h"
#include "client/site_study.h"
#include "common/result.h"

namespace consilium {

/// What is known of a study's approval: signatures there, those of them that count, waited for and
/// needed, its last day, and why nothing is answered for want of it (`lacks`, in words).
nlohmann::ordered_json ApprovalJson(const SiteStudyView& view,
                                    const std::optional<std::string>& lacks,
                                    const Moment& now);

nlohmann::ordered_json SignatureJson(const ApprovalSignature& signature);
/// The "reason", "until" and "signature" of a request; each may be absent.
Result<ApprovalRequest> ReadApprovalRequest(const nlohmann::ordered_json& request);

// Each is one request; its reply shows all approvers.
Result<nlohmann::ordered_json> ShowApprovers(const nlohmann::ordered_json& request,
                                             const SiteCommandContext& context,
                                             SiteEffects& effects);
Result<nlohmann::ordered_json> AddApprover(const nlohmann::ordered_json& request,
                                           const SiteCommandContext& context,
                                           SiteEffects& effects);
Result<nlohmann::ordered_json> RemoveApprover(const nlohmann::ordered_json& request,
                                              const SiteCommandContext& context,
                                              SiteEffects& effects);

}  // namespace consilium
