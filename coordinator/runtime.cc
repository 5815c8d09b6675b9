#include "coordinator/runtime.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "common/command_errors.h"
#include "common/descriptor_limit.h"
#include "common/runtime_clock.h"
#include "common/service_turn.h"
#include "common/transport/ask_service.h"
#include "coordinator/commands.h"
#include "coordinator/format.h"
#include "protocols/courier/conversation_starts.h"

namespace consilium {
namespace {

constexpr int kAll = std::numeric_limits<int>::max();
constexpr int kMessagesInOneTurn = 64;
constexpr Duration kRetryInterval{20};
/// What is kept for a site whose connection has no room, before the connection is cut.
constexpr std::size_t kMostMessagesKept = 512;
constexpr std::size_t kMostBytesKept = 32U << 20;

/// A connection for each member, some that are lost and not known to be, and the service's own.
std::size_t DescriptorsFor(std::size_t members) { return members + members / 4 + 64; }

}  // namespace

CoordinatorRuntime::CoordinatorRuntime(CoordinatorHome home,
                                       Log& log,
                                       RandomSource& random,
                                       std::function<void(const std::string&)> announce)
    : home_(std::move(home)), log_(log), random_(random), announce_(std::move(announce)) {}

CoordinatorRuntime::~CoordinatorRuntime() = default;

Result<std::unique_ptr<CoordinatorRuntime>> CoordinatorRuntime::Start(
    CoordinatorHome home,
    Log& log,
    RandomSource& random,
    std::function<void(const std::string&)> announce) {
  std::unique_ptr<CoordinatorRuntime> runtime(
      new CoordinatorRuntime(std::move(home), log, random, std::move(announce)));
  TRY_STATUS(runtime->Open());
  return runtime;
}

Status CoordinatorRuntime::Open() {
  TRY(store_, OpenServiceStore(home_.state_file()));
  TRY(control_, ControlServer::Listen(home_.folder));
  TRY(context_, TransportContext::Create());
  TRY(admission_, Admission::Start(*context_));
  // The members' keys are listed before the door opens: a refused site waits before it comes back.
  CoordinatorCore members({home_.settings.name, home_.settings.advertise, home_.keys.transport},
                          home_.keys.identity, random_);
  TRY_STATUS(members.Restore(*store_));
  const std::vector<TransportKey> keys = members.AdmittedKeys();
  TRY_STATUS(AllowDescriptors(DescriptorsFor(keys.size())));
  admission_->Replace({keys.begin(), keys.end()});
  const TransportKeyPair pair{home_.keys.transport, home_.keys.transport_secret.Clone()};
  TRY(socket_, CoordinatorSocket::Bind(*context_, *admission_, pair, home_.settings.listen));
  TRY_STATUS(socket_->ProbeClosed(home_.keys.transport, random_));
  reported_strangers_ = admission_->refused();
  TRY_STATUS(BuildCore());
  log_.Info("serving", {{"endpoint", socket_->endpoint()}, {"fingerprint", home_.fingerprint()}});
  return {};
}

Status CoordinatorRuntime::BuildCore() {
  core_ = std::make_unique<CoordinatorCore>(
      CoordinatorCore::Settings{home_.settings.name, home_.settings.advertise,
                                home_.keys.transport},
      home_.keys.identity, random_);
  TRY_STATUS(core_->Restore(*store_));
  // Conversations were with the core before: to a new room each site says hello again.
  TRY(kept_start_, LastStart(*store_));
  carried_ = std::make_unique<CourierRoom>(home_.keys, random_, kept_start_);
  admission_version_.reset();
  RefreshAdmission();
  Carry(core_->Begin(ReadClocks()));
  return {};
}

// -- The loop ----------------------------------------------------------------------------------

Status CoordinatorRuntime::Run(StopSignals& stop, ServiceManager& manager) {
  Poller poller;
  poller.Watch(stop);
  poller.Watch(*control_);
  poller.Watch(*socket_);
  manager.Ready();
  while (!stop.Requested()) {
    TRY(const bool ready, poller.Wait(manager.Limit(TimeToWait(), ReadClocks().monotonic)));
    static_cast<void>(ready);
    manager.Ping(ReadClocks().monotonic);
    if (outage_.lasts()) TRY_STATUS(ProbeStorage());
    ReceiveMessages(manager);
    AnswerControl(manager);
    Tick();
    Retry();
    ReportRefusals();
  }
  manager.Stopping();
  log_.Info("stopped");
  return {};
}

std::optional<Duration> CoordinatorRuntime::TimeToWait() const {
  const Instant now = ReadClocks().monotonic;
  std::optional<Duration> wait;
  const auto at_most = [&](Duration duration) {
    wait = std::max(Duration(1), wait ? std::min(*wait, duration) : duration);
  };
  if (outage_.lasts()) at_most(outage_.Wait(now));
  if (core_ != nullptr) {
    if (const auto deadline = core_->NextDeadline()) at_most(*deadline - now);
  }
  if (!outboxes_.empty()) at_most(kRetryInterval);
  return wait;
}

void CoordinatorRuntime::ReceiveMessages(ServiceManager& manager) {
  TakeInTurn(manager, kMessagesInOneTurn, [this] {
    const std::optional<ReceivedMessage> message = socket_->Receive();
    // While nothing can be stored nothing is taken in; sites say it again when they are back.
    if (message && core_ != nullptr) {
      NoteConnection(message->from);
      Carry(core_->OnMessage(ReadClocks(), message->from, message->payload));
    }
    return message.has_value();
  });
}

/// A site that is heard over a connection, by whichever of its keys, is not carried any more.
void CoordinatorRuntime::NoteConnection(const TransportKey& key) {
  if (carried_->empty()) return;
  if (const Member* member = core_->MemberWithKey(key)) carried_->Forget(member->id);
}

void CoordinatorRuntime::AnswerControl(ServiceManager& manager) {
  TakeInTurn(manager, kAll, [this] {
    const auto request = control_->Receive();
    if (request) control_->Reply(request->number, Answer(request->text));
    return request.has_value();
  });
}

std::string CoordinatorRuntime::Answer(const std::string& request) {
  const auto degraded = [&] {
    Error error = outage_.why();
    error.message = "the service is degraded, no study goes on: " + error.message;
    return ErrorDocument(error);
  };
  if (core_ == nullptr) return degraded();
  if (const std::optional<CarriedRequest> carried = CarriedRequestIn(request)) {
    const Result<std::string> reply = AnswerCarried(*carried);
    return reply ? *reply : ErrorDocument(reply.error());
  }
  CoordinatorEffects effects;
  const Result<std::string> reply = Execute(
      request,
      {*core_, *store_, home_.keys.identity.public_key(), socket_->endpoint(), ReadClocks()},
      effects);
  if (!reply) return ErrorDocument(reply.error());
  if (!Carry(std::move(effects))) return degraded();
  return *reply;
}

// -- Messages that people carry ----------------------------------------------------------------

Result<std::string> CoordinatorRuntime::AnswerCarried(const CarriedRequest& request) {
  switch (request.kind) {
    case CarriedRequest::Kind::kTake:
      return TakeFile(request.file);
    case CarriedRequest::Kind::kWrite:
      return WriteFile(request.site);
    case CarriedRequest::Kind::kList:
      break;
  }
  return carried_->ListText(core_->roster());
}

Result<std::string> CoordinatorRuntime::TakeFile(ByteSpan file) {
  TRY(CourierRoom::Taken taken, carried_->Take(file, *core_, ReadClocks().utc));
  KeepConversationStarts();
  log_.Info("file-taken", {{"site", taken.site}, {"messages", taken.messages.size()}});
  for (const Bytes& message : taken.messages) {
    // As with a connection: what cannot be stored now is said again after the next hello.
    if (core_ != nullptr) Carry(core_->OnMessage(ReadClocks(), taken.key, message));
  }
  return ReplyText(
      TakenReply{taken.name, taken.messages.size(), false, carried_->Waiting(taken.site)});
}

Result<std::string> CoordinatorRuntime::WriteFile(const std::string& site) {
  TRY(const WrittenReply reply, carried_->Write(site, core_->roster(), ReadClocks().utc));
  log_.Info("file-written", {{"messages", reply.messages}});
  return ReplyText(reply);
}

void CoordinatorRuntime::Tick() {
  if (core_ == nullptr) return;
  const Moment now = ReadClocks();
  const std::optional<Instant> deadline = core_->NextDeadline();
  if (deadline && now.monotonic >= *deadline) Carry(core_->OnTick(now));
}

// -- Effects -----------------------------------------------------------------------------------

bool CoordinatorRuntime::Carry(CoordinatorEffects effects) {
  while (true) {
    if (!CarryInOrder(effects) || !KeepConversationStarts()) return false;
    RefreshAdmission();
    if (unreachable_.empty()) return true;
    const SiteId site = unreachable_.front();
    unreachable_.pop_front();
    effects = core_->OnUnreachable(ReadClocks(), site);
  }
}

bool CoordinatorRuntime::CarryInOrder(CoordinatorEffects& effects) {
  for (CoordinatorEffect& effect : effects) {
    if (auto* persist = std::get_if<Persist>(&effect)) {
      if (const Status stored = store_->Apply(persist->changes); !stored) {
        Degrade(stored.error());
        return false;
      }
    } else if (auto* send = std::get_if<SendToSite>(&effect)) {
      Deliver(send->site, std::move(send->message));
    } else if (const auto* cut = std::get_if<CutOff>(&effect)) {
      CutOffSite(cut->site);
    } else if (const auto* note = std::get_if<Note>(&effect)) {
      Write(*note);
    }
  }
  return true;
}

/// Before any file of a conversation is written. False as Carry.
bool CoordinatorRuntime::KeepConversationStarts() {
  const UtcSeconds newest = carried_->last_start();
  if (newest == kept_start_) return true;
  if (const Status stored = store_->Apply(KeptStart(newest)); !stored) {
    Degrade(stored.error());
    return false;
  }
  kept_start_ = newest;
  return true;
}

void CoordinatorRuntime::Degrade(const Error& error) {
  log_.Error(
      "state-cannot-be-written",
      {{"file", home_.state_file().string()}, {"error", error.message}, {"remedy", error.remedy}});
  announce_("The state cannot be written; no study goes on until it can. " + Describe(error));
  outage_.Begin(error, ReadClocks().monotonic);
  core_.reset();
  outboxes_.clear();
  unreachable_.clear();
}

Status CoordinatorRuntime::ProbeStorage() {
  TRY(const bool over, outage_.TryToEnd(*store_, ReadClocks()));
  if (!over) return {};
  TRY_STATUS(BuildCore());
  log_.Info("state-can-be-written-again");
  announce_("The state can be written again; studies go on.");
  // The new core has heard of nobody: sites say hello when they connect.
  for (const TransportKey& key : core_ ? core_->AdmittedKeys() : std::vector<TransportKey>()) {
    socket_->Disconnect(key);
  }
  return {};
}

void CoordinatorRuntime::RefreshAdmission() {
  if (admission_version_ == core_->admission_version()) return;
  admission_version_ = core_->admission_version();
  std::vector<TransportKey> keys = core_->AdmittedKeys();
  std::sort(keys.begin(), keys.end());
  if (const Status allowed = AllowDescriptors(DescriptorsFor(keys.size())); !allowed) {
    log_.Warning("too-few-descriptors",
                 {{"error", allowed.error().message}, {"remedy", allowed.error().remedy}});
  }
  admission_->Replace({keys.begin(), keys.end()});
  std::vector<TransportKey> gone;
  std::set_difference(admitted_.begin(), admitted_.end(), keys.begin(), keys.end(),
                      std::back_inserter(gone));
  admitted_ = std::move(keys);
  for (const TransportKey& key : gone) {
    carried_->ForgetKey(key);
    socket_->Disconnect(key);
  }
}

void CoordinatorRuntime::CutOffSite(SiteId site) {
  RefreshAdmission();
  outboxes_.erase(site);
  carried_->Forget(site);
  if (const auto key = core_->KeyOf(site)) socket_->Disconnect(*key);
}

// -- Sending -----------------------------------------------------------------------------------

SendOutcome CoordinatorRuntime::TrySend(SiteId site, const SharedBytes& message) {
  const std::optional<TransportKey> key = core_->KeyOf(site);
  return key ? socket_->Send(*key, message) : SendOutcome::kNotConnected;
}

void CoordinatorRuntime::Deliver(SiteId site, SharedBytes message) {
  if (message.size() > kLargestMessageToSite) {
    log_.Error("message-too-long", {{"site", site}, {"bytes", message.size()}});
    return;
  }
  if (carried_->Carries(site)) return DeliverCarried(site, std::move(message));
  const auto waiting = outboxes_.find(site);
  if (waiting == outboxes_.end()) {
    const SendOutcome outcome = TrySend(site, message);
    if (outcome == SendOutcome::kSent) return;
    if (outcome == SendOutcome::kNotConnected) {
      unreachable_.push_back(site);
      return;
    }
  }
  Outbox& outbox = outboxes_[site];
  outbox.bytes += message.size();
  outbox.messages.push_back(std::move(message));
  if (outbox.messages.size() <= kMostMessagesKept && outbox.bytes <= kMostBytesKept) return;
  // It takes nothing in. When it connects again it is sent what it is owed.
  log_.Warning("site-takes-nothing-in", {{"site", site}});
  CutOffSite(site);
  unreachable_.push_back(site);
}

void CoordinatorRuntime::DeliverCarried(SiteId site, SharedBytes message) {
  if (carried_->Send(site, std::move(message), ReadClocks().utc)) return;
  // Nobody fetched its files for long. It is as if its connection was cut.
  log_.Warning("site-fetches-no-files", {{"site", site}});
  announce_("Too much waited for a site whose messages are carried, and was dropped: " +
            core_->roster().Find(site)->name +
            ". The next file to it lets it begin anew; then it is sent what it is owed.");
  unreachable_.push_back(site);
}

void CoordinatorRuntime::Retry() {
  if (core_ == nullptr) return;
  for (auto entry = outboxes_.begin(); entry != outboxes_.end();) {
    Outbox& outbox = entry->second;
    SendOutcome outcome = SendOutcome::kSent;
    while (!outbox.messages.empty() && outcome == SendOutcome::kSent) {
      outcome = TrySend(entry->first, outbox.messages.front());
      if (outcome != SendOutcome::kSent) break;
      outbox.bytes -= outbox.messages.front().size();
      outbox.messages.pop_front();
    }
    const bool lost = outcome == SendOutcome::kNotConnected;
    if (lost) unreachable_.push_back(entry->first);
    entry = lost || outbox.messages.empty() ? outboxes_.erase(entry) : std::next(entry);
  }
  if (!unreachable_.empty()) Carry({});
}

// -- Telling -----------------------------------------------------------------------------------

void CoordinatorRuntime::Write(const Note& note) {
  std::vector<LogField> fields;
  for (const auto& [name, value] : note.fields) fields.emplace_back(name, std::string_view(value));
  if (note.event == "message-refused") {
    std::string kind;
    for (const auto& [name, value] : note.fields) kind += value + "\n";
    const auto left_out = limiter_.MayWrite(kind, ReadClocks().monotonic);
    if (!left_out) return;
    if (*left_out > 0) fields.emplace_back("left_out", *left_out);
  }
  log_.Record(note.level, note.event, fields);
  const std::string sentence = SentenceFor(note);
  if (!sentence.empty()) announce_(sentence);
}

void CoordinatorRuntime::ReportRefusals() {
  const Instant now = ReadClocks().monotonic;
  const auto report = [&](const char* reason, std::uint64_t count, std::uint64_t& reported) {
    if (count == reported || !limiter_.MayWrite(reason, now)) return;
    log_.Warning("connection-refused", {{"reason", reason}, {"times", count - reported}});
    reported = count;
  };
  const TransportCounters counters = socket_->counters();
  report("unknown-key", admission_->refused(), reported_strangers_);
  report("unidentified", counters.unidentified, reported_.unidentified);
  report("not-admitted", counters.not_admitted, reported_.not_admitted);
  report("many-parts", counters.many_parts, reported_.many_parts);
  report("foreign-name", counters.foreign_name, reported_.foreign_name);
  report("flooding", counters.cut_for_flooding, reported_.cut_for_flooding);
}

}  // namespace consilium
