#pragma once

// The key files of a party's home folder: "identity.key" (Ed25519) and "transport.key" (CURVE).
// They are made there and never leave it. Folder and files belong to one user alone (0700, 0600);
// anything wider is refused, not repaired. A key file is text:
//
//   consilium-key v1 identity plain     or  transport, personal; and argon2id interactive|moderate
//   <hexadecimal secret, or salt and sealed secret>
//   <checksum of the two lines above>
//
// A person's key ("personal", Ed25519) lies in a file of its own and always has a passphrase.
//
// With a passphrase the secret is sealed (XChaCha20-Poly1305) under a key that Argon2id makes of
// it; the first line is authenticated with it. The checksum tells a truncated file from a wrong
// passphrase.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/crypto/passphrase.h"
#include "common/crypto/signing.h"
#include "common/random.h"
#include "common/result.h"
#include "common/secret.h"

namespace consilium {

/// What a person typed. Move-only, wiped when it goes.
class Passphrase {
 public:
  /// Copies the text; the caller wipes its own.
  explicit Passphrase(std::string_view text);
  Passphrase(const Passphrase&) = delete;
  Passphrase& operator=(const Passphrase&) = delete;
  Passphrase(Passphrase&& other) noexcept = default;  ///< Takes the buffer; no copy stays behind.
  Passphrase& operator=(Passphrase&& other) noexcept;
  ~Passphrase();

  std::string_view Expose() const { return AsText(text_); }

 private:
  Bytes text_;
};

/// Asked only when a key file needs it, with the file's path for the prompt.
using PassphraseProvider = std::function<Result<Passphrase>(const std::filesystem::path& file)>;

/// What was typed, for as long as one command runs: the key files of a home folder open with one
/// passphrase, and nobody is asked for it twice.
class PassphraseMemory {
 public:
  explicit PassphraseMemory(PassphraseProvider ask) : ask_(std::move(ask)) {}
  PassphraseMemory(const PassphraseMemory&) = delete;
  PassphraseMemory& operator=(const PassphraseMemory&) = delete;

  /// Asks the first time. The memory outlives it.
  PassphraseProvider provider();
  /// Wipes it: a service that has its keys runs on for years.
  void Forget() { known_.reset(); }

 private:
  PassphraseProvider ask_;
  std::optional<Passphrase> known_;
};

/// How a key file is to be protected.
struct KeyProtection {
  std::optional<Passphrase> passphrase;  ///< None: the file's mode is all that protects it.
  PassphraseCost cost = PassphraseCost::kModerate;
};

/// kConflict when the file exists: a lost identity cannot be made again.
Status SaveIdentity(const std::filesystem::path& home,
                    const SigningKey& key,
                    const KeyProtection& protection,
                    RandomSource& random);
Status SaveTransportSecret(const std::filesystem::path& home,
                           const SecretKey32& secret,
                           const KeyProtection& protection,
                           RandomSource& random);

/// kPermission for a folder or file that others may use, kNotFound, kCorrupt for a damaged or
/// truncated file, kRefused for a wrong passphrase. Each names the file and has a remedy.
Result<SigningKey> LoadIdentity(const std::filesystem::path& home,
                                const PassphraseProvider& ask_passphrase);
Result<SecretKey32> LoadTransportSecret(const std::filesystem::path& home,
                                        const PassphraseProvider& ask_passphrase);

/// A person's key; the folder must exist and be private. Errors as above.
Status SavePersonalKey(const std::filesystem::path& file,
                       const SigningKey& key,
                       const KeyProtection& protection,
                       RandomSource& random);
/// Asks for the passphrase each time: kCorrupt for a file that would open without one.
Result<SigningKey> LoadPersonalKey(const std::filesystem::path& file,
                                   const PassphraseProvider& ask_passphrase);

/// For services without a terminal: a passphrase is needed and there is nobody to ask.
PassphraseProvider NobodyToAsk();

}  // namespace consilium
