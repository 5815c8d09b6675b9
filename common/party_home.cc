#include "common/party_home.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <sys/stat.h>

#include "common/crypto/key_exchange.h"
#include "common/files.h"

namespace consilium {

PartyKeys GeneratePartyKeys(RandomSource& random) {
  SigningKey identity = SigningKey::Generate(random);
  // CURVE's keys are those of crypto_box: X25519.
  ExchangeKeyPair pair = GenerateExchangeKey(random);
  return PartyKeys{std::move(identity), TransportKey{pair.public_key.bytes},
                   std::move(pair.secret)};
}

Status SavePartyKeys(const std::filesystem::path& home,
                     const PartyKeys& keys,
                     const KeyProtection& protection,
                     RandomSource& random) {
  TRY_STATUS(SaveIdentity(home, keys.identity, protection, random));
  return SaveTransportSecret(home, keys.transport_secret, protection, random);
}

Result<PartyKeys> LoadPartyKeys(const std::filesystem::path& home,
                                const PassphraseProvider& ask_passphrase) {
  PassphraseMemory memory(ask_passphrase);
  const PassphraseProvider once = memory.provider();
  TRY(SigningKey identity, LoadIdentity(home, once));
  TRY(SecretKey32 secret, LoadTransportSecret(home, once));
  ExchangeKeyPair pair = ExchangeKeyFromSecret(std::move(secret));
  return PartyKeys{std::move(identity), TransportKey{pair.public_key.bytes},
                   std::move(pair.secret)};
}

NewHome::NewHome(std::filesystem::path final_folder, std::filesystem::path temporary)
    : final_(std::move(final_folder)), temporary_(std::move(temporary)) {}

NewHome::NewHome(NewHome&& other) noexcept
    : final_(std::move(other.final_)), temporary_(std::move(other.temporary_)) {
  other.temporary_.clear();
}

NewHome::~NewHome() {
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

Result<NewHome> NewHome::Begin(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::path target = std::filesystem::absolute(folder, error).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  const auto status = std::filesystem::symlink_status(target, error);
  const bool exists = status.type() != std::filesystem::file_type::not_found;
  const bool empty_folder =
      std::filesystem::is_directory(status) && std::filesystem::is_empty(target, error);
  if (exists && !empty_folder) {
    return Fail(ErrorCode::kConflict, "'" + folder.string() + "' exists already",
                "Choose a folder that does not exist; keys are never overwritten.");
  }
  std::string temporary = target.string() + ".new-XXXXXX";
  if (::mkdtemp(temporary.data()) == nullptr) {
    return FailOnFile(errno, "create the folder", folder);
  }
  NewHome home(target, temporary);
  if (::chmod(temporary.c_str(), 0700) != 0) return FailOnFile(errno, "set the mode of", temporary);
  return home;
}

Status NewHome::Finish() {
  TRY_STATUS(SyncFolder(temporary_));
  if (::rename(temporary_.c_str(), final_.c_str()) != 0) {
    return FailOnFile(errno, "create the folder", final_);
  }
  temporary_.clear();
  return SyncFolder(final_.parent_path());
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const auto wrong = [&] {
    return Fail(ErrorCode::kInvalidArgument, "an endpoint is not of the form tcp://HOST:PORT",
                "Write it like tcp://coordinator.example.org:7700, with a port of 1 to 65535.");
  };
  constexpr std::string_view kScheme = "tcp://";
  const std::size_t colon = text.rfind(':');
  if (!text.starts_with(kScheme) || colon < kScheme.size() + 1) return wrong();
  Endpoint endpoint;
  endpoint.host = std::string(text.substr(kScheme.size(), colon - kScheme.size()));
  const bool bracketed = endpoint.host.front() == '[' && endpoint.host.back() == ']';
  const bool characters = std::all_of(endpoint.host.begin(), endpoint.host.end(), [&](char c) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || c == '-' || c == '.' || c == '_' ||
           (bracketed && (c == ':' || c == '[' || c == ']' || c == '%'));
  });
  if (endpoint.host != "*" && (!characters || endpoint.host.size() > 255)) return wrong();
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc() || end != port.data() + port.size() || endpoint.port == 0) {
    return wrong();
  }
  return endpoint;
}

}  // namespace consilium
