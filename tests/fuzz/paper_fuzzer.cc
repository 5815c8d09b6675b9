// Texts that people hand to the programs: an invitation, a request to join, a site's policy, a
// released model, dates and spans of time. The first byte chooses what the rest is taken for.

#include <string>

#include "client/policy.h"
#include "common/time.h"
#include "protocols/analyses/train/released_model.h"
#include "protocols/roster.h"
#include "tests/fuzz/fuzz_target.h"

namespace consilium {
namespace {

constexpr std::size_t kPapers = 5;

/// Read, or refused with a sentence.
template <class T>
bool CheckRead(const Result<T>& read) {
  CHECK(read.has_value() || !read.error().message.empty());
  return read.has_value();
}

Bytes Paper(std::size_t kind, std::string_view text) {
  Bytes paper{static_cast<std::byte>(kind)};
  const Bytes bytes = ToBytes(text);
  paper.insert(paper.end(), bytes.begin(), bytes.end());
  return paper;
}

}  // namespace

void FuzzOne(ByteSpan input) {
  if (input.empty()) return;
  const std::string text(AsText(input.subspan(1)));
  switch (std::to_integer<std::size_t>(input[0]) % kPapers) {
    case 0:
      CheckRead(ReadInvitation(text, "north.invite"));
      return;
    case 1:
      CheckRead(ReadJoinRequest(text, "north.request"));
      return;
    case 2:
      CheckRead(ParsePolicy(text, "policy.toml"));
      return;
    case 3:
      CheckRead(train::ReadReleasedModel(text));
      return;
    default:
      if (CheckRead(ParseDate(text))) CHECK(ToText(*ParseDate(text)) == text);
      CheckRead(ParseDuration(text));
  }
}

std::vector<Bytes> FuzzSeeds() {
  const SigningKey key = SigningKey::FromSeed(SecretKey32());
  const FederationId federation = FederationOf(key.public_key());
  return {Paper(0, WriteInvitation({federation,
                                    "heart",
                                    "north",
                                    "tcp://127.0.0.1:7700",
                                    key.public_key(),
                                    TransportKey{},
                                    {}},
                                   key)),
          Paper(1, WriteJoinRequest({federation, "north", key.public_key(), {}, {}}, key)),
          Paper(2,
                "preset = \"standard\"\nanalyses = [\"linear\", \"logistic\"]\nminimum_patients = "
                "20\nmaximum_rounds = 60\nexpires = 2099-06-30\n"),
          Paper(3, R"({"model":{"kind":"linear","inputs":[{"name":"age","centre":1.5,"scale":2}],)"
                   R"("layers":[{"inputs":1,"outputs":1,"weights":[0.5],"biases":[0.25]}]}})"),
          Paper(4, "2027-06-30"),
          Paper(4, "500ms")};
}

}  // namespace consilium
