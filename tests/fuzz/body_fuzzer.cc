// Bodies alone: the first byte chooses the kind, so that no effort goes into the envelope.

#include "tests/fuzz/message_bodies.h"

namespace consilium {
namespace {

constexpr std::uint8_t kKinds[] = {1,  2,  3,  4,  5,  6,  16, 17, 18, 19, 20, 21,
                                   22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33};

}  // namespace

void FuzzOne(ByteSpan input) {
  if (input.empty()) return;
  const std::size_t choice = std::to_integer<std::size_t>(input[0]) % std::size(kKinds);
  CheckBody(static_cast<MessageKind>(kKinds[choice]), input.subspan(1));
}

std::vector<Bytes> FuzzSeeds() {
  std::vector<Bytes> seeds;
  for (const auto& [kind, body] : SmallBodies()) {
    CHECK(CheckBody(kind, body));
    const auto* position =
        std::find(std::begin(kKinds), std::end(kKinds), static_cast<std::uint8_t>(kind));
    CHECK(position != std::end(kKinds));
    Bytes seed{static_cast<std::byte>(position - std::begin(kKinds))};
    seed.insert(seed.end(), body.begin(), body.end());
    seeds.push_back(seed);
  }
  return seeds;
}

}  // namespace consilium
