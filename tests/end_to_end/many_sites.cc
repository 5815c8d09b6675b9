#include "tests/end_to_end/many_sites.h"

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <thread>
#include <utility>

#include "client/policy/policy.h"
#include "common/runtime_clock.h"
#include "protocols/roster.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

constexpr std::uint32_t kSitesInAContext = 16;
constexpr std::uint64_t kCohortSeed = 1;
constexpr std::uint32_t kPatients = 60;

template <class T>
T Require(Result<T> result) {
  if (!result) throw std::runtime_error(Describe(result.error()));
  return std::move(*result);
}

}  // namespace

struct ManySites::Site {
  Site(RandomSource& random, Cohort own)
      : identity(SigningKey::Generate(random)),
        keys(GenerateTransportKey(random)),
        cohort(std::move(own)) {}

  SigningKey identity;
  TransportKeyPair keys;
  MemoryStore store;
  Cohort cohort;
  std::unique_ptr<SiteCore> core;
  std::unique_ptr<SiteSocket> socket;
  std::deque<Bytes> outbox;
};

ManySites::ManySites(Deployment& deployment, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string name = "site-" + std::to_string(i);
    const std::filesystem::path invitation_file = deployment.folder() / (name + ".invitation");
    const std::filesystem::path request_file = deployment.folder() / (name + ".request");
    Expect(deployment.Coordinator({"invite", "--site", name, "--out", invitation_file}));
    const Invitation invitation =
        Require(ReadInvitation(ReadText(invitation_file), invitation_file.string()));
    sites_.push_back(std::make_unique<Site>(random_, GeneratedCohort(kCohortSeed, i, kPatients)));
    Site& site = *sites_.back();
    const JoinRequest request{invitation.federation, name, site.identity.public_key(),
                              site.keys.public_key, invitation.token};
    WriteText(request_file, WriteJoinRequest(request, site.identity));
    Expect(deployment.Coordinator({"admit", request_file, "--yes"}));
    coordinator_ = invitation.coordinator_transport;
    endpoint_ = invitation.endpoint;
    site.core = std::make_unique<SiteCore>(
        SiteCore::Settings{name, invitation.federation, invitation.coordinator_identity,
                           "consilium-site test"},
        site.identity, MakePolicy(PolicyPreset::kStandard), random_);
  }
}

ManySites::~ManySites() {
  for (const auto& site : sites_) site->socket.reset();  // Before the contexts.
}

const Cohort& ManySites::cohort(std::uint32_t site) const { return sites_.at(site)->cohort; }

void ManySites::Connect() {
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    if (i % kSitesInAContext == 0) contexts_.push_back(Require(TransportContext::Create()));
    Site& site = *sites_[i];
    SiteSocketOptions options;
    options.endpoint = endpoint_;
    const TransportKeyPair keys{site.keys.public_key, site.keys.secret.Clone()};
    site.socket =
        Require(SiteSocket::Connect(*contexts_.back(), keys, coordinator_, options, random_));
  }
}

bool ManySites::Serve(const std::function<bool()>& done, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  auto next_look = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < end) {
    bool busy = false;
    for (std::uint32_t i = 0; i < sites_.size(); ++i) busy = ServeOne(i) || busy;
    if (busy) continue;
    if (std::chrono::steady_clock::now() >= next_look) {
      if (done()) return true;
      next_look = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

bool ManySites::ServeOne(std::uint32_t index) {
  Site& site = *sites_[index];
  bool busy = false;
  while (const std::optional<ConnectionEvent> event = site.socket->NextEvent()) {
    busy = true;
    site.outbox.clear();
    if (*event == ConnectionEvent::kConnected) {
      Carry(site, site.core->OnConnected(ReadClocks()));
    } else {
      site.core->OnDisconnected();
    }
  }
  while (!site.outbox.empty() && site.socket->Send(site.outbox.front()) == SendOutcome::kSent) {
    site.outbox.pop_front();
  }
  if (const std::optional<Bytes> message = site.socket->Receive()) {
    busy = true;
    const Result<OpenedMessage> opened = OpenMessage(*message);
    const bool ignored =
        silent_.contains(index) && opened && opened->kind == MessageKind::kDelivery;
    if (!ignored) Carry(site, site.core->OnMessage(ReadClocks(), *message));
  }
  const Moment now = ReadClocks();
  const std::optional<Instant> deadline = site.core->NextDeadline();
  if (deadline && now.monotonic >= *deadline) Carry(site, site.core->OnTick(now));
  return busy;
}

void ManySites::Carry(Site& site, SiteEffects effects) {
  for (SiteEffect& effect : effects) {
    if (const auto* persist = std::get_if<Persist>(&effect)) {
      if (!site.store.Apply(persist->changes)) throw std::runtime_error("memory store");
    } else if (auto* send = std::get_if<SendToCoordinator>(&effect)) {
      Send(site, std::move(send->message));
    } else if (const auto* compute = std::get_if<ComputeAnswer>(&effect)) {
      const Plan* plan = Require(site.core->PlanOf(compute->study));
      Contribution answer = Require(plan->analysis->Answer(compute->query, site.cohort));
      Carry(site, site.core->OnAnswer(
                      ReadClocks(), compute->study, compute->round, compute->attempt,
                      ComputedAnswer{std::move(answer), NumberedPatients(site.cohort.patients)}));
    } else if (const auto* note = std::get_if<Note>(&effect)) {
      if (note->event != "refused" && note->event != "answer-refused") continue;
      for (const auto& [name, value] : note->fields) {
        if (name == "reason") refusals_.push_back(value);
      }
    }
  }
}

void ManySites::Send(Site& site, Bytes message) {
  const bool sent = site.outbox.empty() && site.socket->Send(message) != SendOutcome::kBusy;
  if (!sent) site.outbox.push_back(std::move(message));
}

bool ManySites::AllAreWelcome() const {
  return std::all_of(sites_.begin(), sites_.end(),
                     [](const auto& site) { return site->core->welcomed(); });
}

bool ManySites::AllKnow(const StudyId& study) const {
  return std::all_of(sites_.begin(), sites_.end(),
                     [&](const auto& site) { return site->core->PlanOf(study).has_value(); });
}

void ManySites::ApproveAll(const StudyId& study) {
  for (const auto& site : sites_) {
    SiteEffects effects;
    const Status approved = site->core->Approve(study, ReadClocks(), effects);
    if (!approved) throw std::runtime_error(Describe(approved.error()));
    Carry(*site, std::move(effects));
  }
}

}  // namespace consilium::testing
