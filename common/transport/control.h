#pragma once

// How the command line talks to the running service of the same home folder: one text request, one
// text answer, over a UNIX socket FOLDER/control.sock (mode 0600) that only this user may use. Long
// folder names work, although a socket address holds 107 characters. A service that was killed
// leaves a socket file behind; the next one replaces it.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/file_descriptor.h"
#include "common/result.h"
#include "common/time.h"
#include "common/transport/poller.h"

namespace consilium {

inline constexpr std::size_t kLargestControlText = 16U << 20;

struct ControlRequest {
  std::uint64_t number = 0;  ///< For Reply().
  std::string text;
};

class ControlServer final : public Pollable {
 public:
  /// kBusy when another process serves this folder. To be called with the lock of the folder's
  /// store held: two that start in the same instant are told apart by that.
  static Result<std::unique_ptr<ControlServer>> Listen(const std::filesystem::path& folder);
  ~ControlServer() override;

  /// The next complete request, if there is one. Never waits; also moves answers on their way. Call
  /// it after each Poller::Wait().
  std::optional<ControlRequest> Receive();
  /// Once for each request; of no effect when the client has gone.
  void Reply(std::uint64_t number, std::string_view text);
  void AppendWaits(std::vector<PollWait>& to) const override;

 private:
  struct Client;
  ControlServer(FileDescriptor folder, FileDescriptor listener);
  void AcceptClients();
  bool Advance(Client& client);  ///< False when the client is done with or must go.

  FileDescriptor folder_;
  FileDescriptor listener_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Client>> clients_;
};

/// Asks the service of this folder and waits for its answer. kUnavailable at once when nobody
/// serves the folder; kBusy when the service did not answer in time; kIo when it went away
/// meanwhile.
Result<std::string> AskControl(const std::filesystem::path& folder,
                               std::string_view request,
                               Duration timeout);

}  // namespace consilium
