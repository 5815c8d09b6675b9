#include "client/program/runtime.h"

#include <algorithm>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "client/program/commands.h"
#include "client/program/format.h"
#include "client/program/key_rotation.h"
#include "client/program/runtime_connection.h"
#include "common/command_errors.h"
#include "common/runtime_clock.h"
#include "common/service_turn.h"
#include "common/transport/ask_service.h"
#include "protocols/courier/conversation_starts.h"

namespace consilium {
namespace {

constexpr int kAll = std::numeric_limits<int>::max();
constexpr int kMessagesInOneTurn = 64;
constexpr Duration kPolicyInterval{1'000};
constexpr Duration kKeyInterval{100};
constexpr Duration kKeyRetry{10'000};  ///< After the folder did not let the next key be taken up.
constexpr Duration kLongestRoundToWaitFor{600'000};
/// What is kept while the connection has no room; past it the oldest are of no use to anybody.
constexpr std::size_t kMostMessagesKept = 256;

std::string StateOfFile(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  const auto written = std::filesystem::last_write_time(file, error);
  return std::to_string(size) + ":" + std::to_string(written.time_since_epoch().count());
}

}  // namespace

SiteRuntime::SiteRuntime(SiteHome home,
                         Log& log,
                         RandomSource& random,
                         std::function<void(const std::string&)> announce)
    : home_(std::move(home)), log_(log), random_(random), announce_(std::move(announce)) {}

SiteRuntime::~SiteRuntime() {
  answerer_.reset();
  socket_.reset();
}

Result<std::unique_ptr<SiteRuntime>> SiteRuntime::Start(
    SiteHome home,
    Log& log,
    RandomSource& random,
    std::function<void(const std::string&)> announce) {
  std::unique_ptr<SiteRuntime> runtime(
      new SiteRuntime(std::move(home), log, random, std::move(announce)));
  TRY_STATUS(runtime->Open());
  return runtime;
}

Status SiteRuntime::Open() {
  TRY(store_, OpenServiceStore(home_.state_file()));
  TRY(control_, ControlServer::Listen(home_.folder));
  TRY(waker_, Waker::Create());
  answerer_ = std::make_unique<Answerer>(home_.folder, home_.settings.name,
                                         PatientKeyOf(home_.keys.identity), *waker_);
  TRY_STATUS(BuildCore());
  return Connect();
}

Status SiteRuntime::Connect() {
  if (home_.settings.carried) {
    const CourierKeys keys{home_.settings.federation,
                           home_.keys.identity,
                           home_.keys.transport,
                           home_.keys.transport_secret,
                           home_.settings.coordinator_identity,
                           home_.settings.coordinator_transport};
    TRY(const UtcSeconds last, LastStart(*store_));
    const UtcSeconds start = NextStart(last, ReadClocks().utc);
    TRY_STATUS(store_->Apply(KeptStart(start)));
    desk_ = std::make_unique<CourierDesk>(Courier::Side::kSite, keys, random_, start);
    connection_ = "none: people carry files (`inbox` and `outbox`)";
    log_.Info("started", {{"endpoint", "carried"}, {"fingerprint", home_.fingerprint()}});
    Carry(core_->OnConnected(ReadClocks()));
    return {};
  }
  TRY(context_, TransportContext::Create());
  TRY(SiteSocketOptions options, ConnectionOptionsOf(home_.settings));
  TRY(socket_, ConnectToCoordinator(home_, std::move(options), *context_, random_));
  log_.Info("started",
            {{"endpoint", home_.settings.endpoint}, {"fingerprint", home_.fingerprint()}});
  return {};
}

Status SiteRuntime::BuildCore() {
  policy_state_ = StateOfFile(home_.policy_file());
  Result<Policy> policy = LoadPolicy(home_.policy_file());
  if (!policy) announce_("Nothing is answered: " + Describe(policy.error()));
  core_ = std::make_unique<SiteCore>(
      SiteCore::Settings{home_.settings.name, home_.settings.federation,
                         home_.settings.coordinator_identity, "consilium-site " CONSILIUM_VERSION},
      home_.keys.identity, std::move(policy), random_);
  TRY_STATUS(core_->Restore(*store_));
  if (Connected()) Carry(core_->OnConnected(ReadClocks()));
  return {};
}

bool SiteRuntime::Connected() const {
  return desk_ != nullptr || (socket_ != nullptr && socket_->connected());
}

void SiteRuntime::RereadPolicy() {
  const Instant now = ReadClocks().monotonic;
  if (core_ == nullptr || now < next_policy_look_) return;
  next_policy_look_ = now + kPolicyInterval;
  const std::string state = StateOfFile(home_.policy_file());
  if (state == policy_state_) return;
  policy_state_ = state;
  Result<Policy> policy = LoadPolicy(home_.policy_file());
  announce_(policy ? std::string("policy.toml has changed and is in force.")
                   : "Nothing is answered: " + Describe(policy.error()));
  log_.Info("policy-read", {{"valid", policy ? "yes" : "no"}});
  core_->SetPolicy(std::move(policy));
}

// -- The loop ----------------------------------------------------------------------------------

Status SiteRuntime::Run(StopSignals& stop, ServiceManager& manager) {
  Poller poller;
  poller.Watch(stop);
  poller.Watch(*control_);
  if (socket_ != nullptr) poller.Watch(*socket_);
  poller.Watch(*waker_);
  manager.Ready();
  while (!stop.Requested()) {
    TRY(const bool ready, poller.Wait(manager.Limit(TimeToWait(), ReadClocks().monotonic)));
    static_cast<void>(ready);
    manager.Ping(ReadClocks().monotonic);
    waker_->Clear();
    WakeUp();
    if (outage_.lasts()) TRY_STATUS(ProbeStorage());
    RereadPolicy();
    TakeConnectionEvents();
    ReceiveMessages(manager);
    TakeAnswers(manager);
    AnswerControl(manager);
    Tick();
    Retry();
    ReplaceKey();
  }
  manager.Stopping();
  log_.Info("stopped");
  return {};
}

std::optional<Duration> SiteRuntime::TimeToWait() const {
  const Instant now = ReadClocks().monotonic;
  Duration wait = kPolicyInterval;
  if (outage_.lasts()) wait = std::min(wait, outage_.Wait(now));
  if (core_ != nullptr) {
    if (const auto deadline = core_->NextDeadline()) wait = std::min(wait, *deadline - now);
  }
  return std::max(Duration(1), wait);
}

/// After a sleep the coordinator, and whatever translates addresses on the way, has given the
/// connection up; without this it would take a minute until this side notices.
void SiteRuntime::WakeUp() {
  const std::optional<Duration> slept = sleep_.Look(ReadTimeAsleep());
  if (!slept || socket_ == nullptr) return;
  const std::int64_t seconds = slept->count() / 1'000;
  log_.Info("woke-up", {{"slept_seconds", static_cast<std::uint64_t>(seconds)}});
  announce_("This machine slept for " + std::to_string(seconds) + " s; connecting anew.");
  const bool was_connected = socket_->connected();
  socket_->ConnectAnew();
  if (was_connected) OnConnectionEvent(ConnectionEvent::kDisconnected);
}

bool SiteRuntime::RosterHas(const TransportKey& key) const {
  if (!core_->roster()) return false;
  const Member* listed = core_->roster()->roster.FindByTransportKey(key);
  return listed != nullptr && listed->state == MemberState::kActive &&
         listed->identity == home_.keys.identity.public_key();
}

/// Between rounds, or in one that takes too long to wait for: it goes on over the next connection.
void SiteRuntime::ReplaceKey() {
  const Instant now = ReadClocks().monotonic;
  if (core_ == nullptr || socket_ == nullptr || !socket_->connected() || now < next_key_look_) {
    return;
  }
  next_key_look_ = now + kKeyInterval;
  if (!HasNextKey(home_.folder)) return;
  if (!home_.next) {
    Result<NextKey> next = LoadNextKey(home_.folder, NobodyToAsk());
    if (!next) {
      announce_("The next key waits for a restart of this service: " + Describe(next.error()));
      next_key_look_ = now + kLongestRoundToWaitFor;
      return;
    }
    home_.next = std::move(*next);
  }
  if (!RosterHas(home_.next->transport)) return;
  if (!replace_key_by_) replace_key_by_ = now + kLongestRoundToWaitFor;
  const std::vector<SiteStudyView> studies = core_->Studies();
  const bool in_a_round =
      std::any_of(studies.begin(), studies.end(),
                  [](const SiteStudyView& study) { return study.open_round > 0; });
  if (in_a_round && now < *replace_key_by_) return;
  if (const Status replaced = FinishRotation(home_.folder); !replaced) {
    next_key_look_ = now + kKeyRetry;
    const std::string trouble = Describe(replaced.error());
    if (std::exchange(key_trouble_, trouble) == trouble) return;
    announce_("The next key cannot be taken up; it is tried again. " + trouble);
    log_.Error("key-not-replaced", {{"error", replaced.error().message}});
    return;
  }
  replace_key_by_.reset();
  key_trouble_.clear();
  home_.keys.transport = home_.next->transport;
  home_.keys.transport_secret = std::move(home_.next->secret);
  home_.next.reset();
  socket_->ConnectAnewAs({home_.keys.transport, home_.keys.transport_secret.Clone()});
  log_.Info("key-replaced", {{"fingerprint", home_.fingerprint()}});
  announce_("The new key is in use; fingerprint " + home_.fingerprint() + ".");
  OnConnectionEvent(ConnectionEvent::kDisconnected);
}

void SiteRuntime::TakeConnectionEvents() {
  if (socket_ == nullptr) return;
  while (const std::optional<ConnectionEvent> event = socket_->NextEvent()) {
    OnConnectionEvent(*event);
  }
}

void SiteRuntime::OnConnectionEvent(ConnectionEvent event) {
  const std::string words = SentenceFor(event, home_);
  if (words != connection_) {
    connection_ = words;
    announce_(words);
    log_.Info("connection", {{"state", words}});
  }
  outbox_.clear();
  if (core_ == nullptr) return;
  if (event == ConnectionEvent::kConnected) {
    Carry(core_->OnConnected(ReadClocks()));
  } else {
    core_->OnDisconnected();
  }
}

void SiteRuntime::ReceiveMessages(ServiceManager& manager) {
  if (socket_ == nullptr) return;
  TakeInTurn(manager, kMessagesInOneTurn, [this] {
    const std::optional<Bytes> message = socket_->Receive();
    // While nothing can be stored nothing is taken in; the coordinator says it again.
    if (message && core_ != nullptr) Carry(core_->OnMessage(ReadClocks(), *message));
    return message.has_value();
  });
}

void SiteRuntime::TakeAnswers(ServiceManager& manager) {
  TakeInTurn(manager, kAll, [this] {
    std::optional<FinishedAnswer> finished = answerer_->Take();
    if (finished) TakeAnswer(*std::move(finished));
    return finished.has_value();
  });
}

void SiteRuntime::TakeAnswer(FinishedAnswer finished) {
  --computing_;
  if (!finished.trainer_words.empty()) {
    log_.Error("trainer-wrote", {{"study", finished.request.study},
                                 {"round", finished.request.round},
                                 {"stderr", finished.trainer_words}});
  }
  if (core_ == nullptr) return;
  Carry(core_->OnAnswer(ReadClocks(), finished.request.study, finished.request.round,
                        finished.request.attempt, std::move(finished.answer)));
}

void SiteRuntime::AnswerControl(ServiceManager& manager) {
  TakeInTurn(manager, kAll, [this] {
    const auto request = control_->Receive();
    if (request) control_->Reply(request->number, Answer(request->text));
    return request.has_value();
  });
}

std::string SiteRuntime::Answer(const std::string& request) {
  const auto degraded = [&] {
    Error error = outage_.why();
    error.message = "the service is degraded, nothing is answered: " + error.message;
    return ErrorDocument(error);
  };
  if (core_ == nullptr) return degraded();
  RereadPolicy();
  if (const std::optional<CarriedRequest> carried = CarriedRequestIn(request)) {
    const Result<std::string> reply = AnswerCarried(*carried);
    return reply ? *reply : ErrorDocument(reply.error());
  }
  SiteEffects effects;
  const Result<std::string> reply =
      ExecuteAtSite(request,
                    {*core_, *store_, home_.keys.identity.public_key(), home_.settings.name,
                     SiteServiceView{Connected(), connection_}, ReadClocks()},
                    effects);
  if (!reply) return ErrorDocument(reply.error());
  if (!Carry(std::move(effects))) return degraded();
  return *reply;
}

// -- Messages that people carry ----------------------------------------------------------------

Result<std::string> SiteRuntime::AnswerCarried(const CarriedRequest& request) {
  if (desk_ == nullptr) {
    return Fail(ErrorCode::kConflict, "this site has a connection: its messages are not carried",
                "Write `carried = true` into settings.toml and restart the service.");
  }
  return request.kind == CarriedRequest::Kind::kTake ? TakeFile(request.file) : WriteFile();
}

Result<std::string> SiteRuntime::TakeFile(ByteSpan file) {
  TRY(Courier::Taken taken, desk_->TakeFile(file, ReadClocks().utc));
  log_.Info("file-taken",
            {{"messages", taken.messages.size()}, {"anew", taken.anew ? "yes" : "no"}});
  if (taken.anew && Carry({Persist{KeptStart(desk_->courier().started_at())}})) {
    core_->OnDisconnected();
    Carry(core_->OnConnected(ReadClocks()));
  }
  for (const Bytes& message : taken.messages) {
    // As with a connection: what cannot be stored now is said again after the next hello.
    if (core_ != nullptr) Carry(core_->OnMessage(ReadClocks(), message));
  }
  return ReplyText(
      TakenReply{"the coordinator", taken.messages.size(), taken.anew, desk_->courier().waiting()});
}

Result<std::string> SiteRuntime::WriteFile() {
  WrittenReply reply;
  reply.computing = computing_ > 0;
  // One without messages, too: a coordinator that has started anew knows the site by it.
  TRY(reply.file, desk_->WriteFile());
  reply.name = CourierFileName("from", home_.settings.name, ReadClocks().utc);
  reply.messages = desk_->courier().Write().messages.size();
  reply.left = desk_->courier().waiting() - reply.messages;
  log_.Info("file-written", {{"messages", reply.messages}});
  return ReplyText(reply);
}

void SiteRuntime::Tick() {
  if (core_ == nullptr) return;
  const Moment now = ReadClocks();
  const std::optional<Instant> deadline = core_->NextDeadline();
  if (deadline && now.monotonic >= *deadline) Carry(core_->OnTick(now));
}

// -- Effects -----------------------------------------------------------------------------------

bool SiteRuntime::Carry(SiteEffects effects) {
  for (SiteEffect& effect : effects) {
    if (auto* persist = std::get_if<Persist>(&effect)) {
      if (const Status stored = store_->Apply(persist->changes); !stored) {
        Degrade(stored.error());
        return false;
      }
    } else if (auto* send = std::get_if<SendToCoordinator>(&effect)) {
      Deliver(std::move(send->message));
    } else if (auto* compute = std::get_if<ComputeAnswer>(&effect)) {
      Compute(std::move(*compute));
    } else if (const auto* note = std::get_if<Note>(&effect)) {
      Write(*note);
    }
  }
  return true;
}

void SiteRuntime::Compute(ComputeAnswer request) {
  const Result<const Plan*> plan = core_->PlanOf(request.study);
  if (!plan) return;
  answerer_->Compute(std::move(request), **plan, core_->excluded());
  ++computing_;
}

void SiteRuntime::Deliver(Bytes message) {
  if (desk_ != nullptr) return desk_->Send(std::move(message));
  if (outbox_.empty()) {
    const SendOutcome outcome = socket_->Send(message);
    // What is lost with a connection is asked for again after the next hello.
    if (outcome != SendOutcome::kBusy) return;
  }
  outbox_.push_back(std::move(message));
  if (outbox_.size() > kMostMessagesKept) outbox_.pop_front();
  socket_->WaitForRoom(true);
}

void SiteRuntime::Retry() {
  if (socket_ == nullptr) return;
  while (!outbox_.empty()) {
    if (socket_->Send(outbox_.front()) == SendOutcome::kBusy) return;
    outbox_.pop_front();
  }
  socket_->WaitForRoom(false);
}

void SiteRuntime::Degrade(const Error& error) {
  log_.Error(
      "state-cannot-be-written",
      {{"file", home_.state_file().string()}, {"error", error.message}, {"remedy", error.remedy}});
  announce_("The state cannot be written; nothing is answered until it can. " + Describe(error));
  outage_.Begin(error, ReadClocks().monotonic);
  core_.reset();
  outbox_.clear();
}

Status SiteRuntime::ProbeStorage() {
  TRY(const bool over, outage_.TryToEnd(*store_, ReadClocks()));
  if (!over) return {};
  log_.Info("state-can-be-written-again");
  announce_("The state can be written again; questions are answered.");
  return BuildCore();
}

void SiteRuntime::Write(const Note& note) {
  std::vector<LogField> fields;
  for (const auto& [name, value] : note.fields) fields.emplace_back(name, std::string_view(value));
  if (note.event == "message-refused" || note.event == "refused") {
    std::string kind = note.event;
    for (const auto& [name, value] : note.fields) kind += value + "\n";
    const auto left_out = limiter_.MayWrite(kind, ReadClocks().monotonic);
    if (!left_out) return;
    if (*left_out > 0) fields.emplace_back("left_out", *left_out);
  }
  log_.Record(note.level, note.event, fields);
  const std::string sentence = SentenceFor(note, home_);
  if (!sentence.empty()) announce_(sentence);
}

}  // namespace consilium
