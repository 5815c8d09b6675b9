// What people hand to the programs: an invitation, requests to join and for another key, a site's
// policy, a released model, dates and spans of time, a file of carried messages and the letter in
// it. The first byte chooses what the rest is taken for.

#include <string>

#include "client/policy/policy.h"
#include "common/crypto/key_exchange.h"
#include "common/random.h"
#include "common/time.h"
#include "protocols/analyses/train/released_model.h"
#include "protocols/courier/courier.h"
#include "protocols/courier/courier_file.h"
#include "protocols/roster.h"
#include "tests/fuzz/fuzz_target.h"

namespace consilium {
namespace {

constexpr std::size_t kPapers = 8;

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

/// The writer and the reader of carried files, the same in each run.
struct Carrying {
  SigningKey identity = SigningKey::FromSeed(SecretKey32());
  FederationId federation = FederationOf(identity.public_key());
  SeededRandom random{3};
  ExchangeKeyPair writer = GenerateExchangeKey(random);
  ExchangeKeyPair reader = GenerateExchangeKey(random);

  CourierKeys Of(const ExchangeKeyPair& own, const ExchangeKeyPair& peer) const {
    return {federation,
            identity,
            TransportKey{own.public_key.bytes},
            own.secret,
            identity.public_key(),
            TransportKey{peer.public_key.bytes}};
  }
};

void CheckCourierFile(ByteSpan file) {
  const Carrying carrying;
  const CourierKeys keys = carrying.Of(carrying.reader, carrying.writer);
  const bool named = CheckRead(WriterOf(file, keys.federation, keys.own));
  if (CheckRead(ReadCourierFile(file, keys))) CHECK(named);
}

Letter SmallLetter() {
  Letter letter;
  letter.conversation.fill(std::byte{1});
  letter.started_at = UtcSeconds{5};
  letter.answers.fill(std::byte{2});
  letter.messages = {{ToBytes("hello")}, {ToBytes("shares")}};
  return letter;
}

/// Read or not, and then taken in, a side does not hand on more than came, and goes on.
void CheckLetter(ByteSpan bytes) {
  if (!CheckDecoder<Letter>(bytes)) return;
  const Letter letter = *Decode<Letter>(bytes);
  for (const auto side : {Courier::Side::kSite, Courier::Side::kCoordinator}) {
    Courier courier(side, {SmallLetter().answers, UtcSeconds{1}});
    courier.Send(SharedBytes(ToBytes("waits")));
    for (int time = 0; time < 2; ++time) {
      const Result<Courier::Taken> taken = courier.Take(letter, {{}, UtcSeconds{2}});
      CHECK(!CheckRead(taken) || taken->messages.size() <= letter.messages.size());
      CHECK(!taken || time == 0 || taken->messages.empty());
      CHECK(courier.Write().messages.size() == courier.waiting());
    }
  }
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
    case 4:
      if (CheckRead(ReadRotationRequest(text, "north.rotation"))) CHECK(IsRotationRequest(text));
      return;
    case 5:
      return CheckCourierFile(input.subspan(1));
    case 6:
      return CheckLetter(input.subspan(1));
    default:
      if (CheckRead(ParseDate(text))) CHECK(ToText(*ParseDate(text)) == text);
      CheckRead(ParseDuration(text));
  }
}

std::vector<Bytes> FuzzSeeds() {
  const SigningKey key = SigningKey::FromSeed(SecretKey32());
  const FederationId federation = FederationOf(key.public_key());
  Carrying carrying;
  const Bytes file = *WriteCourierFile(SmallLetter(), carrying.Of(carrying.writer, carrying.reader),
                                       carrying.random);
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
          Paper(4, WriteRotationRequest({federation, "north", key.public_key(), {}, {}}, key)),
          Paper(5, AsText(file)),
          Paper(6, AsText(Encode(SmallLetter()))),
          Paper(7, "2027-06-30"),
          Paper(7, "500ms")};
}

}  // namespace consilium
