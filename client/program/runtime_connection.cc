#include "client/program/runtime_connection.h"

#include <utility>

#include "common/terminal.h"

namespace consilium {
namespace {

constexpr std::size_t kLongestSocksPassword = 255;  // RFC 1929: its length is one byte.

}  // namespace

Result<SiteSocketOptions> ConnectionOptionsOf(const SiteSettings& settings) {
  SiteSocketOptions options;
  options.endpoint = settings.endpoint;
  options.socks_proxy = settings.socks_proxy;
  options.reconnect_first = settings.reconnect_after;
  if (settings.socks_user.empty()) return options;
  TRY(Passphrase password, ReadPassphraseFile(settings.socks_password_file));
  if (password.Expose().empty() || password.Expose().size() > kLongestSocksPassword) {
    return Fail(ErrorCode::kInvalidArgument,
                settings.socks_password_file.string() +
                    ": the proxy's password has not 1 to 255 "
                    "bytes",
                "Write it, and nothing else, into the file's first line.");
  }
  options.socks_user = settings.socks_user;
  options.socks_password = std::make_shared<const Passphrase>(std::move(password));
  return options;
}

Result<std::unique_ptr<SiteSocket>> ConnectToCoordinator(const SiteHome& home,
                                                         SiteSocketOptions options,
                                                         TransportContext& context,
                                                         RandomSource& random) {
  const TransportKeyPair pair{home.keys.transport, home.keys.transport_secret.Clone()};
  return SiteSocket::Connect(context, pair, home.settings.coordinator_transport, std::move(options),
                             random);
}

}  // namespace consilium
