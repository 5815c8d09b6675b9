// A site's part in checking norms: the only numbers of its own that leave unmasked.

#include "client/site_study.h"
#include "protocols/norm_check.h"

namespace consilium {

using R = RefusalReason;

/// What is durable before a sketch leaves: that it was given, in words for people as well.
RecordBatch SiteStudy::RecordSketch(const Digest& question, const Moment& now) {
  const Route& route = session_->sum.route();
  SketchedRecord& sketched = (*environment_.sketched)[question];
  sketched = {plan_.id, route.round, sketched.times + 1};
  return {PutRecord{"sketched", ToBytes(question.span()), Encode(sketched)},
          environment_.ledger->Append(now.utc, "sketched",
                                      R"({"study":")" + plan_.id.ToHex() + R"(","round":)" +
                                          std::to_string(route.round.value()) + R"(,"attempt":)" +
                                          std::to_string(route.attempt.value()) +
                                          R"(,"projections":)" + std::to_string(kSketchRows) +
                                          R"(,"times":)" + std::to_string(sketched.times) + "}",
                                      *environment_.identity)};
}

/// Each sketch of one answer tells more of it, whatever attempt or study asks for it, so they are
/// counted by the question.
Judged<void> SiteStudy::OnSketchRequest(const OpenedMessage& message,
                                        const Moment& now,
                                        SiteEffects& effects) {
  const Judged<Session*> session = SessionOf(message);
  if (!session) return tl::unexpected<Refusal>(session.error());
  const auto request = Decode<SketchRequest>(message.body);
  if (!request) return Refuse(R::kMalformed);
  const Policy& policy = **environment_.policy;
  if (request->committed.headers.size() < MinimumSites(policy, plan_)) {
    return Refuse(R::kSurvivorsTooFew);
  }
  const bool first = !(*session)->sum.HasSketched();
  // Unmasked numbers leave: what was asked before the vector left is asked again.
  if (first) {
    if (auto allowed = MayAnswer(now); !allowed) return allowed;
    if (const PolicyStatus in_time = CheckTimes(policy, now.utc); !in_time) {
      return Forbid(in_time.error());
    }
  }
  const Digest question = QuestionDigest(plan_, (*session)->query);
  const auto known = environment_.sketched->find(question);
  const std::uint32_t times = known == environment_.sketched->end() ? 0 : known->second.times;
  if (first && times >= policy.norm_checks) return Refuse(R::kSecondSketch);
  const Judged<Sketch> sketch = (*session)->sum.OnSketchRequest(*request);
  if (!sketch) return tl::unexpected<Refusal>(sketch.error());
  if (first) {
    effects.emplace_back(consilium::Persist{RecordSketch(question, now)});
    SayLedgerHead(message.route, *environment_.ledger, *environment_.identity, effects);
  }
  Say(MessageKind::kSketch, message.route, Encode(*sketch), effects);
  return {};
}

}  // namespace consilium
