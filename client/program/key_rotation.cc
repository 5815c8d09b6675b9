#include "client/program/key_rotation.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include "common/crypto/key_exchange.h"
#include "common/files.h"

namespace consilium {
namespace {

constexpr const char* kFolder = "next";
constexpr const char* kFile = "transport.key";

}  // namespace

bool HasNextKey(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder / kFolder / kFile, error);
}

Result<NextKey> LoadNextKey(const std::filesystem::path& folder,
                            const PassphraseProvider& ask_passphrase) {
  TRY(SecretKey32 secret, LoadTransportSecret(folder / kFolder, ask_passphrase));
  ExchangeKeyPair pair = ExchangeKeyFromSecret(std::move(secret));
  return NextKey{TransportKey{pair.public_key.bytes}, std::move(pair.secret)};
}

Result<std::string> BeginRotation(const SiteHome& home,
                                  const KeyProtection& protection,
                                  const PassphraseProvider& ask_passphrase,
                                  RandomSource& random) {
  if (home.settings.carried) {
    return Fail(ErrorCode::kConflict,
                "people carry this site's messages, and files cannot tell it of a new key yet",
                "Connect it once to replace its key, or let it join under another name.");
  }
  const std::filesystem::path waiting = home.folder / kFolder;
  if (!std::filesystem::exists(waiting)) TRY_STATUS(CreatePrivateFolder(waiting));
  if (!HasNextKey(home.folder)) {
    const ExchangeKeyPair pair = GenerateExchangeKey(random);
    TRY_STATUS(SaveTransportSecret(waiting, pair.secret, protection, random));
  }
  TRY(const NextKey next, LoadNextKey(home.folder, ask_passphrase));
  return WriteRotationRequest(
      RotationRequest{home.settings.federation, home.settings.name, home.keys.identity.public_key(),
                      home.keys.transport, next.transport},
      home.keys.identity);
}

Status FinishRotation(const std::filesystem::path& folder) {
  const std::filesystem::path waiting = folder / kFolder / kFile;
  if (std::rename(waiting.c_str(), (folder / kFile).c_str()) != 0) {
    return FailOnFile(errno, "take up the key", waiting);
  }
  TRY_STATUS(SyncFolder(folder));
  std::error_code ignored;
  std::filesystem::remove(folder / kFolder, ignored);
  return {};
}

}  // namespace consilium
