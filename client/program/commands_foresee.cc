#include "client/program/commands_foresee.h"

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/policy/patient_codes.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

/// What one reply has room for, as hexadecimal digits beside a plan.
constexpr std::size_t kMostQuestionBytes = 7U << 20U;

Result<std::uint64_t> CodeIn(const Json& request, const char* name) {
  return ParseCode(request.at(name).get<std::string>());
}

Result<CohortPatients> PatientsIn(const Json& request) {
  const Json& codes = request.at("codes");
  const Json& rows = request.at("rows");
  if (codes.size() != rows.size()) {
    return Fail(ErrorCode::kInvalidArgument, "the request has other numbers of codes and rows");
  }
  CohortPatients patients;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    TRY(const std::uint64_t code, ParseCode(codes[i].get<std::string>()));
    patients.push_back({code, rows[i].get<std::uint32_t>()});
  }
  return Merged(std::move(patients));
}

}  // namespace

Result<Json> ForeseeReply(const Json& request, const SiteCommandContext& context) {
  TRY(const Plan plan, ParsePlan(request.at("plan").get<std::string>(), "plan"));
  Json reply{{"refusals", Json::array()},
             {"answered_cohorts", context.core.cohorts().answered().size()}};
  for (const SiteCore::Foreseen& foreseen : context.core.Foresee(plan, context.now.utc)) {
    reply["refusals"].push_back({{"rule", foreseen.rule}, {"words", foreseen.words}});
  }
  return reply;
}

Result<Json> CompareCohortReply(const Json& request, const SiteCommandContext& context) {
  TRY(const std::uint64_t first, CodeIn(request, "first"));
  TRY(const std::uint64_t last, CodeIn(request, "last"));
  TRY(const CohortPatients patients, PatientsIn(request));
  const auto enough = request.at("enough").get<std::uint64_t>();
  Json reply{{"cohorts", Json::array()}};
  for (const AnsweredCohort& answered : context.core.cohorts().answered()) {
    const std::uint64_t differ =
        CountDifference(Between(answered.patients, first, last), patients, enough);
    reply["cohorts"].push_back(
        {{"study", answered.study.ToHex()}, {"at", answered.at.seconds}, {"differ", differ}});
  }
  return reply;
}

Result<Json> QuestionReply(const Json& request, const SiteCommandContext& context) {
  TRY(const StudyId study, context.core.FindStudy(request.at("study").get<std::string>()));
  TRY(const Plan* const plan, context.core.PlanOf(study));
  TRY(const ComputeAnswer question, context.core.NextQuestion(study));
  if (question.query.body.size() + question.state.size() > kMostQuestionBytes) {
    return Fail(ErrorCode::kInvalidArgument,
                "the question of round " + std::to_string(question.round.value()) +
                    " is too long to be shown",
                "The first round's question of most studies is short: look before the study runs.");
  }
  std::size_t members = 0;
  if (context.core.roster()) {
    for (const Member& member : context.core.roster()->roster.members) {
      if (member.state == MemberState::kActive) ++members;
    }
  }
  return Json{{"study", study.ToHex()},          {"plan", plan->text},
              {"round", question.round.value()}, {"query", ToHex(question.query.body)},
              {"state", ToHex(question.state)},  {"members", members}};
}

}  // namespace consilium
