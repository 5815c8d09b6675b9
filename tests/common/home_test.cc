#include "common/home.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <type_traits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/files.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

static_assert(!std::is_copy_constructible_v<Passphrase>);
static_assert(std::is_nothrow_move_constructible_v<Passphrase>);

class HomeTest : public ::testing::Test {
 protected:
  HomeTest() {
    std::string pattern = ::testing::TempDir() + "home-test-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    home_ = folder_ / "party";
    EXPECT_TRUE(CreatePrivateFolder(home_));
  }
  ~HomeTest() override { std::filesystem::remove_all(folder_); }

  static SigningKey AKey() {
    SeededRandom random(5);
    return SigningKey::Generate(random);
  }
  static KeyProtection Protected(std::string_view passphrase) {
    KeyProtection protection;
    protection.passphrase.emplace(passphrase);
    protection.cost = PassphraseCost::kInteractive;
    return protection;
  }
  static PassphraseProvider Answering(std::string passphrase) {
    return [passphrase](const std::filesystem::path&) -> Result<Passphrase> {
      return Passphrase(passphrase);
    };
  }
  std::string Contents(const char* file) const {
    std::ifstream stream(home_ / file);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }
  void Overwrite(const char* file, const std::string& text) const {
    std::ofstream(home_ / file, std::ios::trunc) << text;
  }
  void SavePlain() { ASSERT_TRUE(SaveIdentity(home_, AKey(), KeyProtection{}, random_)); }

  std::filesystem::path folder_;
  std::filesystem::path home_;
  SeededRandom random_{1};
};

TEST_F(HomeTest, KeepsAPlainIdentity) {
  SavePlain();

  const Result<SigningKey> loaded = LoadIdentity(home_, NobodyToAsk());

  ASSERT_TRUE(loaded) << Describe(loaded.error());
  EXPECT_EQ(loaded->public_key(), AKey().public_key());
  EXPECT_THAT(Contents("identity.key"), ::testing::StartsWith("consilium-key v1 identity plain\n"));
}

TEST_F(HomeTest, KeepsATransportSecret) {
  SecretKey32 secret(random_.Draw<32>());
  ASSERT_TRUE(SaveTransportSecret(home_, secret, KeyProtection{}, random_));

  const Result<SecretKey32> loaded = LoadTransportSecret(home_, NobodyToAsk());

  ASSERT_TRUE(loaded) << Describe(loaded.error());
  EXPECT_TRUE(EqualInConstantTime(loaded->Expose(), secret.Expose()));
}

TEST_F(HomeTest, OpensAProtectedKeyWithItsPassphraseOnly) {
  ASSERT_TRUE(SaveIdentity(home_, AKey(), Protected("correct horse"), random_));
  EXPECT_THAT(Contents("identity.key"), ::testing::Not(HasSubstr(ToHex(AKey().Seed().Expose()))));

  const Result<SigningKey> right = LoadIdentity(home_, Answering("correct horse"));
  ASSERT_TRUE(right) << Describe(right.error());
  EXPECT_EQ(right->public_key(), AKey().public_key());

  const Result<SigningKey> wrong = LoadIdentity(home_, Answering("battery staple"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kRefused);
  EXPECT_THAT(wrong.error().message, HasSubstr("identity.key"));

  const Result<SigningKey> nobody = LoadIdentity(home_, NobodyToAsk());
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::kPermission);
}

TEST_F(HomeTest, AsksForNoPassphraseWhenNoneIsNeeded) {
  SavePlain();
  int asked = 0;
  EXPECT_TRUE(LoadIdentity(home_, [&](const std::filesystem::path&) -> Result<Passphrase> {
    ++asked;
    return Passphrase("x");
  }));
  EXPECT_EQ(asked, 0);
}

TEST_F(HomeTest, APassphraseIsAskedForOnceUntilItIsForgotten) {
  int asked = 0;
  PassphraseMemory memory([&asked](const std::filesystem::path&) -> Result<Passphrase> {
    ++asked;
    return Passphrase("correct horse");
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(memory.provider()("identity.key")->Expose(), "correct horse");
  }
  EXPECT_EQ(asked, 1);
  memory.Forget();
  EXPECT_TRUE(memory.provider()("identity.key"));
  EXPECT_EQ(asked, 2);
}

TEST_F(HomeTest, RefusesAnEmptyPassphrase) {
  EXPECT_FALSE(SaveIdentity(home_, AKey(), Protected(""), random_));
  EXPECT_FALSE(std::filesystem::exists(home_ / "identity.key"));
}

TEST_F(HomeTest, KeepsAPersonsKeyUnderItsPassphrase) {
  const std::filesystem::path file = home_ / "Anna Keller.key";
  ASSERT_TRUE(SavePersonalKey(file, AKey(), Protected("four words of mine"), random_));
  EXPECT_THAT(Contents("Anna Keller.key"),
              ::testing::StartsWith("consilium-key v1 personal argon2id interactive\n"));

  const Result<SigningKey> right = LoadPersonalKey(file, Answering("four words of mine"));
  ASSERT_TRUE(right) << Describe(right.error());
  EXPECT_EQ(right->public_key(), AKey().public_key());
  EXPECT_EQ(LoadPersonalKey(file, Answering("four words")).error().code, ErrorCode::kRefused);
  EXPECT_EQ(LoadPersonalKey(file, NobodyToAsk()).error().code, ErrorCode::kPermission);
  EXPECT_EQ(SavePersonalKey(file, AKey(), Protected("another phrase"), random_).error().code,
            ErrorCode::kConflict);
}

TEST_F(HomeTest, APersonsKeyThatOpensForAnybodyOrWasAlteredIsRefused) {
  SavePlain();
  const std::string plain = Contents("identity.key");
  Overwrite("person.key", plain);
  std::filesystem::permissions(home_ / "person.key", std::filesystem::perms::owner_read |
                                                         std::filesystem::perms::owner_write);
  EXPECT_EQ(LoadPersonalKey(home_ / "person.key", Answering("x")).error().code,
            ErrorCode::kCorrupt);
  const std::filesystem::path file = home_ / "anna.key";
  ASSERT_TRUE(SavePersonalKey(file, AKey(), Protected("four words of mine"), random_));
  const std::string whole = Contents("anna.key");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string altered = whole;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    Overwrite("anna.key", altered);
    const Result<SigningKey> loaded = LoadPersonalKey(file, NobodyToAsk());
    ASSERT_FALSE(loaded) << i;
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt) << i;
  }
}

TEST_F(HomeTest, NeverOverwritesAKey) {
  SavePlain();
  const std::string before = Contents("identity.key");

  const Status again = SaveIdentity(home_, AKey(), KeyProtection{}, random_);

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  EXPECT_EQ(Contents("identity.key"), before);
}

TEST_F(HomeTest, WritesFilesForTheirOwnerAlone) {
  SavePlain();
  struct stat status {};
  ASSERT_EQ(::stat((home_ / "identity.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(HomeTest, RefusesFilesAndFoldersThatOthersMayUse) {
  SavePlain();
  ASSERT_EQ(::chmod((home_ / "identity.key").c_str(), 0640), 0);
  const Result<SigningKey> file = LoadIdentity(home_, NobodyToAsk());
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kPermission);
  EXPECT_THAT(file.error().remedy, HasSubstr("chmod 600"));

  ASSERT_EQ(::chmod((home_ / "identity.key").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(home_.c_str(), 0750), 0);
  const Result<SigningKey> folder = LoadIdentity(home_, NobodyToAsk());
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().remedy, HasSubstr("chmod 700"));
  EXPECT_FALSE(SaveTransportSecret(home_, SecretKey32(), KeyProtection{}, random_));
}

TEST_F(HomeTest, RefusesALinkInPlaceOfAKey) {
  SavePlain();
  std::filesystem::rename(home_ / "identity.key", folder_ / "elsewhere");
  std::filesystem::create_symlink(folder_ / "elsewhere", home_ / "identity.key");
  EXPECT_FALSE(LoadIdentity(home_, NobodyToAsk()));
}

TEST_F(HomeTest, SaysWhenAFileIsTruncatedAtAnyByte) {
  SavePlain();
  const std::string whole = Contents("identity.key");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Overwrite("identity.key", whole.substr(0, length));
    const Result<SigningKey> loaded = LoadIdentity(home_, NobodyToAsk());
    ASSERT_FALSE(loaded) << length;
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt) << length;
    EXPECT_THAT(loaded.error().message, HasSubstr("truncated")) << length;
    EXPECT_THAT(loaded.error().message, HasSubstr("identity.key")) << length;
  }
}

TEST_F(HomeTest, SaysWhenAnyByteWasChanged) {
  SavePlain();
  const std::string whole = Contents("identity.key");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Overwrite("identity.key", changed);
    const Result<SigningKey> loaded = LoadIdentity(home_, NobodyToAsk());
    ASSERT_FALSE(loaded) << i;
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt) << i;
  }
}

TEST_F(HomeTest, ErrorsHoldNoPartOfTheKey) {
  SavePlain();
  std::string changed = Contents("identity.key");
  const std::string secret = ToHex(AKey().Seed().Expose());
  changed.replace(changed.size() - 3, 1, "z");
  Overwrite("identity.key", changed);

  const Result<SigningKey> loaded = LoadIdentity(home_, NobodyToAsk());

  ASSERT_FALSE(loaded);
  EXPECT_THAT(Describe(loaded.error()), ::testing::Not(HasSubstr(secret.substr(0, 8))));
}

TEST_F(HomeTest, RefusesOneKindOfKeyInPlaceOfTheOther) {
  SavePlain();
  std::filesystem::rename(home_ / "identity.key", home_ / "transport.key");
  const Result<SecretKey32> loaded = LoadTransportSecret(home_, NobodyToAsk());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
}

TEST_F(HomeTest, SaysWhenThereIsNoKey) {
  const Result<SigningKey> loaded = LoadIdentity(home_, NobodyToAsk());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(loaded.error().message, HasSubstr("identity.key"));
}

}  // namespace
}  // namespace consilium
