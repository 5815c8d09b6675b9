#pragma once

// What the home folders of a coordinator and of a site have in common: they appear complete or not
// at all, and hold one identity and one transport key.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/home.h"
#include "common/ids.h"

namespace consilium {

struct PartyKeys {
  SigningKey identity;
  TransportKey transport;
  SecretKey32 transport_secret;
};

PartyKeys GeneratePartyKeys(RandomSource& random);
Status SavePartyKeys(const std::filesystem::path& home,
                     const PartyKeys& keys,
                     const KeyProtection& protection,
                     RandomSource& random);
/// Asks for a passphrase once at most.
Result<PartyKeys> LoadPartyKeys(const std::filesystem::path& home,
                                const PassphraseProvider& ask_passphrase);

/// A home folder in the making: a folder beside the final one, renamed to it when it is complete.
class NewHome {
 public:
  /// kConflict when `folder` exists and is not empty.
  static Result<NewHome> Begin(const std::filesystem::path& folder);
  NewHome(NewHome&& other) noexcept;
  NewHome& operator=(NewHome&&) = delete;
  NewHome(const NewHome&) = delete;
  NewHome& operator=(const NewHome&) = delete;
  ~NewHome();  ///< Removes what was not finished.

  const std::filesystem::path& folder() const { return temporary_; }  ///< Write files here.
  Status Finish();

 private:
  NewHome(std::filesystem::path final_folder, std::filesystem::path temporary);
  std::filesystem::path final_;
  std::filesystem::path temporary_;
};

struct Endpoint {
  std::string host;  ///< A name, an address, an IPv6 address in brackets, or "*".
  std::uint16_t port = 0;

  std::string ToText() const { return "tcp://" + host + ":" + std::to_string(port); }
};

/// tcp://HOST:PORT with a port of 1 to 65535.
Result<Endpoint> ParseEndpoint(std::string_view text);

}  // namespace consilium
