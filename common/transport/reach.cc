#include "common/transport/reach.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/file_descriptor.h"
#include "common/runtime_clock.h"

namespace consilium {
namespace {

/// "HOST:PORT", an IPv6 address in brackets.
struct HostAndPort {
  std::string host;  ///< Without brackets.
  std::string port;

  std::string ToText() const { return host + ", port " + port; }
};

HostAndPort Split(std::string_view text) {
  constexpr std::string_view kScheme = "tcp://";
  if (text.starts_with(kScheme)) text.remove_prefix(kScheme.size());
  const std::size_t colon = std::min(text.rfind(':'), text.size());
  std::string host(text.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return {std::move(host), std::string(text.substr(std::min(colon + 1, text.size())))};
}

tl::unexpected<Error> FailAt(std::string sentence, std::string remedy) {
  return Fail(ErrorCode::kUnavailable, std::move(sentence), std::move(remedy));
}

/// Waits until the socket is ready; false when the time is over.
bool WaitFor(const FileDescriptor& socket, short events, Instant until) {
  pollfd wait{socket.get(), events, 0};
  const Duration left = std::max(Duration(0), until - ReadClocks().monotonic);
  return ::poll(&wait, 1, static_cast<int>(left.count())) > 0;
}

/// 0, or the errno of why there is no connection.
int ConnectBefore(const FileDescriptor& socket, const addrinfo& to, Instant until) {
  if (::connect(socket.get(), to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!WaitFor(socket, POLLOUT, until)) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

tl::unexpected<Error> FailToConnect(int error, const HostAndPort& to) {
  if (error == ECONNREFUSED) {
    return FailAt("nobody listens at " + to.ToText(),
                  "See that the program there runs, and that the port is right.");
  }
  if (error == ETIMEDOUT) {
    return FailAt("no answer from " + to.ToText(),
                  "Let the firewall pass outbound TCP to that host and port.");
  }
  return FailAt("no way to " + to.ToText() + ": " + std::generic_category().message(error),
                "See that this machine has a network and a route there.");
}

Result<FileDescriptor> ConnectTo(const HostAndPort& to, Instant until) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  if (code != 0) {
    return FailAt("the name " + to.host + " cannot be resolved: " + ::gai_strerror(code),
                  "See that the name is right and that this machine's name server knows it.");
  }
  int error = EADDRNOTAVAIL;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    FileDescriptor socket(
        ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    error = socket.valid() ? ConnectBefore(socket, *address, until) : errno;
    if (error == 0) return socket;
  }
  return FailToConnect(error, to);
}

// -- The proxy: SOCKS5 (RFC 1928) with user and password (RFC 1929) ------------------------------

class Proxy {
 public:
  Proxy(FileDescriptor socket, Instant until) : socket_(std::move(socket)), until_(until) {}

  /// False when the proxy is gone or silent.
  bool Say(const std::string& bytes) {
    return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  std::optional<std::array<unsigned char, 2>> HearTwo() {
    std::array<unsigned char, 2> bytes{};
    for (std::size_t got = 0; got < bytes.size();) {
      if (!WaitFor(socket_, POLLIN, until_)) return std::nullopt;
      const ssize_t size = ::recv(socket_.get(), bytes.data() + got, bytes.size() - got, 0);
      if (size <= 0) return std::nullopt;
      got += static_cast<std::size_t>(size);
    }
    return bytes;
  }

 private:
  FileDescriptor socket_;
  Instant until_;
};

constexpr char kVersion = 5;
constexpr char kNobody = 0;
constexpr char kUserAndPassword = 2;

std::string Counted(std::string_view text) {
  return static_cast<char>(text.size()) + std::string(text);
}

std::string_view InWords(unsigned char reply) {
  constexpr std::array<std::string_view, 9> kReplies = {"",
                                                        "it has a fault of its own",
                                                        "its rules do not allow that connection",
                                                        "it has no network there",
                                                        "it cannot reach that host",
                                                        "nobody listens there",
                                                        "no answer came in time",
                                                        "it does not make connections",
                                                        "it does not know that kind of address"};
  return reply < kReplies.size() ? kReplies[reply] : "for a reason of its own";
}

Status LogIn(Proxy& proxy, const SiteSocketOptions& options) {
  const bool has_user = !options.socks_user.empty() && options.socks_password != nullptr;
  const std::string place = "the proxy at " + options.socks_proxy;
  const std::string methods =
      has_user ? std::string{kNobody, kUserAndPassword} : std::string{kNobody};
  const auto method = proxy.Say(kVersion + Counted(methods)) ? proxy.HearTwo() : std::nullopt;
  if (!method || (*method)[0] != kVersion) {
    return FailAt(place + " does not speak SOCKS5",
                  "Name a SOCKS5 proxy in socks_proxy; an HTTP proxy does not serve.");
  }
  if ((*method)[1] == kNobody) return {};
  if ((*method)[1] != kUserAndPassword || !has_user) {
    return FailAt(place + " wants to know who asks",
                  "Write socks_user and socks_password_file into settings.toml; no other way of "
                  "logging in is spoken.");
  }
  const std::string login =
      '\x01' + Counted(options.socks_user) + Counted(options.socks_password->Expose());
  const auto reply = proxy.Say(login) ? proxy.HearTwo() : std::nullopt;
  if (reply && (*reply)[1] == 0) return {};
  return FailAt(place + " does not accept the user or the password",
                "Correct socks_user and the file that socks_password_file names.");
}

Status AskFor(Proxy& proxy, const HostAndPort& target, const std::string& place) {
  std::uint16_t port = 0;
  std::from_chars(target.port.data(), target.port.data() + target.port.size(), port);
  constexpr char kConnect = 1;
  constexpr char kDomainName = 3;
  const std::string request = std::string{kVersion, kConnect, '\0', kDomainName} +
                              Counted(target.host) + static_cast<char>(port >> 8U) +
                              static_cast<char>(port & 0xffU);
  const auto reply = proxy.Say(request) ? proxy.HearTwo() : std::nullopt;
  if (!reply) {
    return FailAt(place + " gave no answer about " + target.ToText(),
                  "Ask who runs the proxy whether that host and port may be reached.");
  }
  if ((*reply)[1] == 0) return {};
  return FailAt(
      place + " did not connect to " + target.ToText() + ": " + std::string(InWords((*reply)[1])),
      "Ask who runs the proxy to let connections to that host and port pass.");
}

}  // namespace

Result<std::string> TryToReach(const SiteSocketOptions& options, Duration patience) {
  const Instant until = ReadClocks().monotonic + patience;
  const HostAndPort target = Split(options.endpoint);
  if (options.socks_proxy.empty()) {
    TRY_STATUS(ConnectTo(target, until));
    return target.ToText() + " takes connections";
  }
  const std::string place = "the proxy at " + options.socks_proxy;
  Result<FileDescriptor> socket = ConnectTo(Split(options.socks_proxy), until);
  if (!socket) {
    Error error = std::move(socket).error();
    error.message = place + " cannot be used: " + error.message;
    return tl::unexpected<Error>(std::move(error));
  }
  Proxy proxy(std::move(*socket), until);
  TRY_STATUS(LogIn(proxy, options));
  TRY_STATUS(AskFor(proxy, target, place));
  return target.ToText() + " takes connections through " + place;
}

}  // namespace consilium
