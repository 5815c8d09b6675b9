#pragma once

// The coordinator as a service: one thread that owns the sockets, the state and the core, and
// carries out the core's effects in order. A failed write stops everything that depends on it; the
// core is then built anew from what is stored, as soon as storing works again.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/log.h"
#include "common/log_limiter.h"
#include "common/service_manager.h"
#include "common/storage.h"
#include "common/storage_outage.h"
#include "common/transport/admission.h"
#include "common/transport/control.h"
#include "common/transport/coordinator_socket.h"
#include "common/transport/poller.h"
#include "coordinator/coordinator_core.h"
#include "coordinator/courier_room.h"
#include "coordinator/home.h"
#include "protocols/courier/carried_request.h"

namespace consilium {

class CoordinatorRuntime {
 public:
  /// Takes the home folder's lock, listens, and makes sure that unknown keys are turned away.
  /// `log` and `random` outlive the runtime; `announce` is given sentences for the terminal.
  static Result<std::unique_ptr<CoordinatorRuntime>> Start(
      CoordinatorHome home,
      Log& log,
      RandomSource& random,
      std::function<void(const std::string&)> announce);
  ~CoordinatorRuntime();

  const std::string& endpoint() const { return socket_->endpoint(); }
  /// Until a stop is requested, or the state can no longer be used.
  Status Run(StopSignals& stop, ServiceManager& manager);

 private:
  /// Messages that a connection's queue had no room for, oldest first.
  struct Outbox {
    std::deque<SharedBytes> messages;
    std::size_t bytes = 0;
  };

  CoordinatorRuntime(CoordinatorHome home,
                     Log& log,
                     RandomSource& random,
                     std::function<void(const std::string&)> announce);
  Status Open();
  Status BuildCore();

  std::optional<Duration> TimeToWait() const;
  void ReceiveMessages(ServiceManager& manager);
  void NoteConnection(const TransportKey& key);
  void AnswerControl(ServiceManager& manager);
  std::string Answer(const std::string& request);
  Result<std::string> AnswerCarried(const CarriedRequest& request);
  Result<std::string> TakeFile(ByteSpan file);
  Result<std::string> WriteFile(const std::string& site);
  void Tick();
  Status ProbeStorage();

  /// False when a Persist failed: the later effects were discarded, the core is gone.
  bool Carry(CoordinatorEffects effects);
  bool CarryInOrder(CoordinatorEffects& effects);
  void Degrade(const Error& error);
  void CutOffSite(SiteId site);
  void RefreshAdmission();
  bool KeepConversationStarts();
  void Deliver(SiteId site, SharedBytes message);
  void DeliverCarried(SiteId site, SharedBytes message);
  SendOutcome TrySend(SiteId site, const SharedBytes& message);
  void Retry();
  void Write(const Note& note);
  void ReportRefusals();

  CoordinatorHome home_;
  Log& log_;
  RandomSource& random_;
  std::function<void(const std::string&)> announce_;
  std::unique_ptr<RecordStore> store_;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<TransportContext> context_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<CoordinatorSocket> socket_;
  std::unique_ptr<CoordinatorCore> core_;  ///< Null while degraded.
  std::optional<std::uint64_t> admission_version_;
  std::vector<TransportKey> admitted_;
  std::map<SiteId, Outbox> outboxes_;
  std::unique_ptr<CourierRoom> carried_;  ///< Sites whose messages people carry; as the core.
  UtcSeconds kept_start_;                 ///< The newest start of a conversation that is durable.
  std::deque<SiteId> unreachable_;
  StorageOutage outage_;  ///< While it lasts there is no core.
  LogLimiter limiter_;
  TransportCounters reported_;
  std::uint64_t reported_strangers_ = 0;
};

}  // namespace consilium
