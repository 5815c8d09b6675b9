#include "protocols/common_knowledge.h"

#include <bit>
#include <utility>

#include "common/crypto/hash.h"

namespace consilium {
namespace {

/// Some 100 MB; a round of 5,000 sites has twenty thousand.
constexpr std::size_t kMostVerified = 1U << 20U;

Digest DigestOf(const SignedRoster& roster) {
  return Hasher("consilium/common-knowledge/roster/v1").Add(Encode(roster)).Finish();
}

// Each type is taken apart whole: with one field more it does not compile until that is hashed,
// too.

void AddTo(Hasher& hasher, const Route& route) {
  const auto& [federation, study, round, attempt] = route;
  hasher.Add(federation).Add(study).Add(round).Add(attempt);
}

void AddTo(Hasher& hasher, const Slot& slot) {
  const auto& [encoding, count, bound, dither, step, noise] = slot;
  hasher.Add(static_cast<std::uint64_t>(encoding))
      .Add(std::uint64_t{count})
      .Add(std::bit_cast<std::uint64_t>(bound))
      .Add(dither)
      .Add(std::bit_cast<std::uint64_t>(step))
      .Add(noise);
}

void AddTo(Hasher& hasher, const NormCheck& check) {
  const auto& [first_word, slot, bound, sites] = check;
  hasher.Add(std::uint64_t{first_word});
  AddTo(hasher, slot);
  hasher.Add(std::bit_cast<std::uint64_t>(bound)).Add(std::uint64_t{sites});
}

/// Not of `common`, which is whoever asks.
Digest DigestOf(const SessionSetup& setup) {
  const auto& [route, start, codec, words, own_minimum, identities, check, sketch_nonce, common] =
      setup;
  Hasher hasher("consilium/common-knowledge/setup/v2");
  AddTo(hasher, route);
  hasher.Add(Encode(start))
      .Add(codec)
      .Add(words)
      .Add(std::uint64_t{own_minimum})
      .Add(std::uint64_t{identities.size()});
  for (const auto& [site, identity] : identities) hasher.Add(site).Add(identity);
  hasher.Add(std::uint64_t{check.has_value()}).Add(ByteSpan(sketch_nonce));
  if (check) AddTo(hasher, *check);
  return hasher.Finish();
}

template <class Value>
std::shared_ptr<const Value> ShareIn(std::map<Digest, std::weak_ptr<const Value>>& held,
                                     Value value) {
  std::weak_ptr<const Value>& place = held[DigestOf(value)];
  std::shared_ptr<const Value> shared = place.lock();
  if (shared != nullptr) return shared;
  shared = std::make_shared<const Value>(std::move(value));
  place = shared;
  std::erase_if(held, [](const auto& entry) { return entry.second.expired(); });
  return shared;
}

}  // namespace

std::shared_ptr<const SignedRoster> CommonKnowledge::Share(SignedRoster roster) {
  return ShareIn(rosters_, std::move(roster));
}

std::shared_ptr<const SessionSetup> CommonKnowledge::Share(SessionSetup setup) {
  return ShareIn(setups_, std::move(setup));
}

template <class Ask>
bool CommonKnowledge::Remembered(const Digest& question, Ask ask) {
  if (const auto known = verified_.find(question); known != verified_.end()) return known->second;
  if (verified_.size() >= kMostVerified) verified_.clear();
  const bool answer = ask();
  verified_.emplace(question, answer);
  return answer;
}

bool CommonKnowledge::Verify(MessageKind kind,
                             const Route& route,
                             ByteSpan body,
                             const Signature& signature,
                             const IdentityKey& sender) {
  const Digest question = Hasher("consilium/common-knowledge/signature/v1")
                              .Add(static_cast<std::uint64_t>(kind))
                              .Add(route.federation)
                              .Add(route.study)
                              .Add(route.round)
                              .Add(route.attempt)
                              .Add(body)
                              .Add(ByteSpan(signature.bytes))
                              .Add(sender)
                              .Finish();
  return Remembered(question,
                    [&] { return VerifyForwarded(kind, route, body, signature, sender); });
}

bool CommonKnowledge::Verify(const SignedRoster& roster, const IdentityKey& coordinator) {
  const Digest question = Hasher("consilium/common-knowledge/verified-roster/v1")
                              .Add(DigestOf(roster))
                              .Add(coordinator)
                              .Finish();
  return Remembered(question, [&] { return VerifyRoster(roster, coordinator); });
}

}  // namespace consilium
