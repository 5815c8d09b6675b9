#pragma once

// The site as a service: one thread that owns the socket, the state and the core, and carries out
// the core's effects in order; a worker that computes answers. Outbound connections only, or none
// at all where people carry the messages (protocols/courier). A failed
// write stops everything that depends on it; the core is built anew from what is stored as soon as
// storing works again.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/program/answerer.h"
#include "client/program/home.h"
#include "client/site_core.h"
#include "common/log.h"
#include "common/log_limiter.h"
#include "common/service_manager.h"
#include "common/sleep_watch.h"
#include "common/storage.h"
#include "common/storage_outage.h"
#include "common/transport/control.h"
#include "common/transport/poller.h"
#include "common/transport/site_socket.h"
#include "protocols/courier/carried_request.h"
#include "protocols/courier/courier_desk.h"

namespace consilium {

class SiteRuntime {
 public:
  /// Takes the home folder's lock and begins to connect. `log` and `random` outlive the runtime;
  /// `announce` is given sentences for the terminal.
  static Result<std::unique_ptr<SiteRuntime>> Start(
      SiteHome home,
      Log& log,
      RandomSource& random,
      std::function<void(const std::string&)> announce);
  ~SiteRuntime();

  /// Until a stop is requested, or the state can no longer be used. `manager` is told that the
  /// service is ready, and that its loop goes round.
  Status Run(StopSignals& stop, ServiceManager& manager);

 private:
  SiteRuntime(SiteHome home,
              Log& log,
              RandomSource& random,
              std::function<void(const std::string&)> announce);
  Status Open();
  Status Connect();
  Status BuildCore();
  bool Connected() const;
  void RereadPolicy();

  std::optional<Duration> TimeToWait() const;
  void WakeUp();
  void ReplaceKey();
  bool RosterHas(const TransportKey& key) const;
  void TakeConnectionEvents();
  void OnConnectionEvent(ConnectionEvent event);
  void ReceiveMessages(ServiceManager& manager);
  void TakeAnswers(ServiceManager& manager);
  void TakeAnswer(FinishedAnswer finished);
  void AnswerControl(ServiceManager& manager);
  std::string Answer(const std::string& request);
  Result<std::string> AnswerCarried(const CarriedRequest& request);
  Result<std::string> TakeFile(ByteSpan file);
  Result<std::string> WriteFile();
  void Tick();
  void Retry();
  Status ProbeStorage();

  /// False when a Persist failed: the later effects were discarded, the core is gone.
  bool Carry(SiteEffects effects);
  void Degrade(const Error& error);
  void Deliver(Bytes message);
  void Compute(ComputeAnswer request);
  void Write(const Note& note);

  SiteHome home_;
  Log& log_;
  RandomSource& random_;
  std::function<void(const std::string&)> announce_;
  std::unique_ptr<RecordStore> store_;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<TransportContext> context_;
  std::unique_ptr<SiteSocket> socket_;  ///< Null where people carry the messages,
  std::unique_ptr<CourierDesk> desk_;   ///< and then this takes them.
  std::optional<Waker> waker_;
  std::unique_ptr<Answerer> answerer_;  ///< Wakes `waker_`.
  std::unique_ptr<SiteCore> core_;      ///< Null while degraded.
  std::string policy_state_;            ///< Of the file last read.
  std::string connection_ = "connecting";
  std::size_t computing_ = 0;  ///< Answers that the worker has not given yet.
  std::deque<Bytes> outbox_;
  StorageOutage outage_;  ///< While it lasts there is no core.
  Instant next_policy_look_;
  LogLimiter limiter_;
  SleepWatch sleep_;
  Instant next_key_look_;
  std::optional<Instant> replace_key_by_;  ///< Since the roster has the next key.
  std::string key_trouble_;                ///< Why it cannot be taken up, as was said.
};

}  // namespace consilium
