#pragma once

// Who may connect: the ZAP handler (RFC 27) of a context, on a thread of its own. Closed until a
// list is given, and closed again when it goes: sockets ask nobody then, and refuse
// (ZAP_ENFORCE_DOMAIN).

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "common/ids.h"
#include "common/result.h"
#include "common/transport/context.h"

namespace consilium {

class Admission {
 public:
  /// One per context. `domain` must be what the server sockets present.
  static Result<std::unique_ptr<Admission>> Start(TransportContext& context,
                                                  std::string domain = "consilium");
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// Thread-safe. Holds for handshakes and messages from now on; open connections are cut by
  /// CoordinatorSocket::Disconnect.
  void Replace(std::set<TransportKey> allowed);
  bool Allows(const TransportKey& key) const;         ///< Thread-safe.
  std::uint64_t refused() const { return refused_; }  ///< Handshakes turned away so far.

 private:
  struct Handler;
  explicit Admission(std::string domain);

  std::string domain_;
  mutable std::mutex mutex_;
  std::set<TransportKey> allowed_;
  std::atomic<std::uint64_t> refused_{0};
  std::unique_ptr<Handler> handler_;
};

}  // namespace consilium
