// docs/spec/vectors: sessions of three sites with every input and intermediate, for whoever writes
// a second implementation. UPDATE_GOLDEN=1 writes them; otherwise they are compared.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/crypto/mask_stream.h"
#include "common/fixed_point_integers.h"
#include "protocols/secure_sum/secret_sharing.h"
#include "tests/support/combine_shares.h"
#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kSeed = 20'260'101;
constexpr const char* kFolder = CONSILIUM_SOURCE_DIR "/docs/spec/vectors";

template <class Message>
std::string Encoded(const Message& message) {
  return ToHex(Encode(message));
}
std::string Shown(const SecretKey32& secret) { return ToHex(secret.Expose()); }

std::vector<std::string> ShownWords(const RingVector& words) {
  std::vector<std::string> shown;
  for (const std::uint64_t word : words) shown.push_back(std::to_string(word));
  return shown;
}

RingVector MaskOf(const SecretKey32& key, std::size_t words) {
  RingVector mask(words, 0);
  ApplyMasks(std::array{MaskTerm{key.Clone()}}, mask);
  return mask;
}

Json Inputs(const SumFixture& fixture, SumRun& run) {
  const SessionSetup& setup = fixture.setup();
  Json json;
  json["federation"] = setup.route.federation.ToHex();
  json["study"] = setup.route.study.ToHex();
  json["round"] = setup.route.round.value();
  json["attempt"] = setup.route.attempt.value();
  json["slots"] = Json::array({Json{{"encoding", 1}, {"count", setup.words}, {"bound", 1000.0}}});
  json["codec"] = setup.codec.ToHex();
  json["round_start_body"] = Encoded(setup.start);
  json["context"] = run.coordinator().context().ToHex();
  return json;
}

Json SiteInputs(SumFixture& fixture, SumRun& run, std::size_t i) {
  const TestSite& site = fixture.site(i);
  Json json;
  json["site"] = site.id.value();
  json["identity_seed"] = Shown(site.identity.Seed());
  json["identity"] = site.identity.public_key().ToHex();
  json["encryption_secret"] = Shown(site.prekey.encryption);
  json["masking_seed"] = ToHex(site.prekey.masking_seed.Expose());
  json["masking_secret"] = Shown(site.prekey.masking);
  json["prekey_body"] = Encoded(site.prekey.prekey);
  json["prekey_signature"] = Encoded(fixture.setup().start.participants[i].signature);
  json["contribution"] = ShownWords(run.contribution(i));
  return json;
}

Json Pairs(SumFixture& fixture, const Digest& context) {
  Json pairs = Json::array();
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = a + 1; b < 3; ++b) {
      const TestSite& low = fixture.site(a);
      const TestSite& high = fixture.site(b);
      const SecretKey32 encryption =
          *ExchangeSecret(low.prekey.encryption, high.prekey.prekey.encryption);
      const SecretKey32 masking = *ExchangeSecret(low.prekey.masking, high.prekey.prekey.masking);
      const SecretKey32 mask_key = PairwiseMaskKey(masking, context, low.id, high.id);
      Json pair;
      pair["sites"] = {low.id.value(), high.id.value()};
      pair["x25519_encryption"] = Shown(encryption);
      pair["share_key"] = Shown(ShareKey(encryption, context, low.id, high.id));
      pair["x25519_masking"] = Shown(masking);
      pair["mask_key"] = Shown(mask_key);
      pair["mask"] = ShownWords(MaskOf(mask_key, fixture.setup().words));
      pairs.push_back(pair);
    }
  }
  return pairs;
}

/// Plays the session and writes every step down as it goes.
Json Session() {
  SumFixture fixture(3, 6, 3, kSeed);
  SumRun run(fixture);
  Json json;
  json["about"] =
      "One attempt of the secure sum; see docs/spec/secure-sum.md. Bodies are those of "
      "docs/spec/wire.md, in hexadecimal; words are decimal.";
  json["setup"] = Inputs(fixture, run);
  const Digest context = run.coordinator().context();
  for (std::size_t i = 0; i < 3; ++i) json["sites"].push_back(SiteInputs(fixture, run, i));
  json["pairs"] = Pairs(fixture, context);
  run.Dealing();
  for (std::size_t i = 0; i < 3; ++i) {
    json["sites"][i]["shares_body"] = Encoded(run.session(i).shares());
    json["sites"][i]["shares_digest"] = DigestOfShares(run.session(i).shares()).ToHex();
    json["sites"][i]["delivery_body"] = Encoded(run.coordinator().DeliveryFor(fixture.id(i)));
  }
  run.MaskAll();
  for (std::size_t i = 0; i < 3; ++i) {
    const UploadHeader& header = run.session(i).upload_header();
    json["delivery_root"] = header.delivery_root.ToHex();
    json["sites"][i]["masked"] = ShownWords(run.session(i).masked_vector());
    json["sites"][i]["upload_header_body"] = Encoded(header);
    json["sites"][i]["upload_header_signature"] =
        Encoded(fixture.Sign(i, MessageKind::kUploadHeader, header));
    CHECK(!run.SendHeader(i) && !run.SendVector(i));
  }
  run.coordinator().Close();
  json["survivors_body"] = Encoded(run.coordinator().SurvivorList());
  for (std::size_t i = 0; i < 3; ++i) json["transcript"] = run.Confirm(i).transcript.ToHex();
  run.Confirming();
  json["quorum_body"] = Encoded(run.coordinator().QuorumList());
  std::vector<std::vector<ShamirShare>> revealed(3);
  for (std::size_t i = 0; i < 3; ++i) {
    const Unmasking unmasking = run.Release(i);
    json["sites"][i]["unmasking_body"] = Encoded(unmasking);
    for (std::size_t dealer = 0; dealer < 3; ++dealer) {
      revealed[dealer].push_back(
          ShamirShare{static_cast<std::uint32_t>(i) + 1,
                      *Scalar::FromCanonical(unmasking.shares[dealer].share)});
    }
  }
  run.Unmask();
  for (std::size_t i = 0; i < 3; ++i) {
    const Scalar seed = *CombineShares(revealed[i]);
    const SecretKey32 key = SelfMaskKey(seed, context);
    json["sites"][i]["self_seed"] = ToHex(seed.Expose());
    json["sites"][i]["commitment"] = SelfSeedCommitment(context, fixture.id(i), seed).ToHex();
    json["sites"][i]["self_mask_key"] = Shown(key);
    json["sites"][i]["self_mask"] = ShownWords(MaskOf(key, fixture.setup().words));
  }
  json["sum"] = ShownWords(run.coordinator().sum());
  EXPECT_EQ(run.coordinator().sum(), run.ExpectedSum());
  return json;
}

/// The file holds exactly this, or is written where that is asked for.
void ExpectGolden(const std::string& name, const std::string& content) {
  const std::filesystem::path path = std::filesystem::path(kFolder) / name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file.is_open()) << path << " is missing; UPDATE_GOLDEN=1 writes it";
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(content, golden) << "the protocol's bytes have changed: old sites would not understand";
}

TEST(SecureSumVectorsTest, AreTheBytesOfAWholeSession) {
  ExpectGolden("secure_sum.json", Session().dump(1) + "\n");
}

/// What norms checked add to a session: the same three sites, with vectors that may be sketched.
Json SketchedSession(Encoding encoding) {
  SumFixture fixture(3, 8, 3, kSeed);
  fixture.CheckNorms(100, encoding);
  SumRun run(fixture);
  const NormCheck& check = *fixture.setup().check;
  Json json;
  json["encoding"] = static_cast<int>(encoding);
  json["first_word"] = check.first_word;
  json["numbers"] = check.slot.count;
  json["bound"] = check.bound;
  for (std::size_t i = 0; i < 3; ++i) run.contribution(i) = fixture.WordsOfLength(100);
  run.Dealing();
  run.Committing();
  json["context"] = run.coordinator().context().ToHex();
  json["delivery_root"] = run.session(0).upload_header().delivery_root.ToHex();
  json["sketch_request_body"] = Encoded(run.coordinator().sketch_request());
  const Digest seed = run.SketchOf(0).seed;
  json["seed"] = seed.ToHex();
  const SecretKey32 key =
      Hasher("consilium/secure-sum/sketch-signs/v1").Add(seed).Add(std::uint64_t{0}).FinishSecret();
  json["signs_key"] = Shown(key);
  json["signs"] = ShownWords(MaskOf(key, check.slot.count));
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<std::int64_t> integers(check.slot.count);
    IntegersOf(std::span(run.contribution(i)).subspan(check.first_word), check.slot, 0, integers);
    Json site;
    site["contribution"] = ShownWords(run.contribution(i));
    site["integers"] = integers;
    site["sketch_body"] = Encoded(run.SketchOf(i));
    json["sites"].push_back(site);
  }
  run.Sketching();
  run.Sending();
  json["transcript"] = run.Confirm(0).transcript.ToHex();
  run.Confirming();
  run.Unmask();
  json["sum"] = ShownWords(run.coordinator().sum());
  EXPECT_EQ(run.coordinator().sum(), run.ExpectedSum());
  return json;
}

TEST(SecureSumVectorsTest, AreTheBytesOfSketches) {
  Json json;
  json["about"] =
      "What norms checked add to an attempt of the secure sum; see docs/spec/secure-sum.md. Bodies "
      "are those of docs/spec/wire.md, in hexadecimal; words and integers are decimal.";
  json["sessions"] = {SketchedSession(Encoding::kReal), SketchedSession(Encoding::kShort)};
  ExpectGolden("sketch.json", json.dump(1) + "\n");
}

}  // namespace
}  // namespace consilium
