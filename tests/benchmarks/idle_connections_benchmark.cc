// Ten thousand sites that are connected and do nothing: real CURVE sockets, each with keys that the
// roster lists, to one real coordinator, which has welcomed them all. What it costs the
// coordinator: seconds until the last is welcome, memory, and processor time in an idle minute. The
// sites are bare sockets in a few processes, for a process may not have as many descriptors as they
// take.

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.hpp>

#include "common/check.h"
#include "common/transport/ask_service.h"
#include "common/transport/keys.h"
#include "coordinator/home.h"
#include "protocols/messages.h"
#include "protocols/roster.h"
#include "tests/benchmarks/processor_time.h"
#include "tests/end_to_end/deployment.h"

namespace consilium::testing {
namespace {

using std::chrono::seconds;

constexpr std::size_t kSitesInAProcess = 2'500;

template <class T>
T Must(Result<T> result) {
  CHECK(result.has_value());
  return std::move(*result);
}

struct IdleSite {
  SigningKey identity;
  TransportKeyPair keys;
};

/// Members as if each had joined.
std::vector<IdleSite> FillRoster(const std::filesystem::path& home, std::size_t count) {
  SystemRandom random;
  const CoordinatorHome party = Must(OpenCoordinatorHome(home, NobodyToAsk()));
  Roster roster;
  roster.federation = FederationOf(party.keys.identity.public_key());
  roster.federation_name = party.settings.name;
  roster.epoch = RosterEpoch(static_cast<std::uint32_t>(count) + 1);
  std::vector<IdleSite> sites;
  for (std::size_t i = 0; i < count; ++i) {
    sites.push_back(IdleSite{SigningKey::Generate(random), GenerateTransportKey(random)});
    const auto number = static_cast<std::uint32_t>(i + 1);
    roster.members.push_back(Member{SiteId(number), "site-" + std::to_string(number),
                                    sites[i].identity.public_key(), sites[i].keys.public_key,
                                    MemberState::kActive});
  }
  const std::unique_ptr<RecordStore> store = Must(OpenServiceStore(party.state_file()));
  const Bytes signed_roster = Encode(SignRoster(std::move(roster), party.keys.identity));
  CHECK(store->Apply({PutRecord{"roster", ToBytes("current"), signed_roster}}).has_value());
  return sites;
}

/// Says hello once connected, and a letter into the pipe when it is welcome.
void Hold(std::span<const IdleSite> sites,
          const Member& coordinator,
          const FederationId& federation,
          const std::string& endpoint,
          int pipe) {
  zmq::context_t context(1, static_cast<int>(sites.size()) + 1);
  std::vector<zmq::socket_t> sockets;
  std::vector<zmq::pollitem_t> items;
  for (const IdleSite& site : sites) {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    const auto buffer = [](ByteSpan bytes) {
      return zmq::const_buffer(bytes.data(), bytes.size());
    };
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::heartbeat_ivl, 15'000);
    socket.set(zmq::sockopt::heartbeat_timeout, 45'000);
    socket.set(zmq::sockopt::heartbeat_ttl, 60'000);
    socket.set(zmq::sockopt::curve_publickey, buffer(site.keys.public_key.span()));
    socket.set(zmq::sockopt::curve_secretkey, buffer(site.keys.secret.Expose()));
    socket.set(zmq::sockopt::curve_serverkey, buffer(coordinator.transport.span()));
    socket.connect(endpoint);
    Hello hello;
    std::copy_n(site.keys.public_key.bytes.begin(), hello.boot.size(), hello.boot.begin());
    hello.software = "benchmark";
    const Bytes message = SealMessage(MessageKind::kHello, Route{federation, {}, {}, {}},
                                      Encode(hello), site.identity);
    socket.send(zmq::buffer(message));
    items.push_back({socket.handle(), 0, ZMQ_POLLIN, 0});
    sockets.push_back(std::move(socket));
  }
  while (true) {
    zmq::poll(items);
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if ((items[i].revents & ZMQ_POLLIN) == 0) continue;
      zmq::message_t message;
      CHECK(sockets[i].recv(message).has_value());
      const OpenedMessage opened =
          Must(OpenMessage(ByteSpan(message.data<std::byte>(), message.size())));
      CHECK(opened.kind == MessageKind::kWelcome);
      CHECK(VerifySender(opened, coordinator.identity));
      CHECK(::write(pipe, "w", 1) == 1);
    }
  }
}

/// The processes that hold the connections; gone with this.
class Holders {
 public:
  Holders(const std::vector<IdleSite>& sites, const CoordinatorHome& party) {
    int ends[2];
    CHECK(::pipe(ends) == 0);
    welcomes_ = ends[0];
    Member coordinator;
    coordinator.identity = party.keys.identity.public_key();
    coordinator.transport = party.keys.transport;
    for (std::size_t first = 0; first < sites.size(); first += kSitesInAProcess) {
      const std::size_t count = std::min(kSitesInAProcess, sites.size() - first);
      const pid_t pid = ::fork();
      CHECK(pid >= 0);
      if (pid == 0) {
        Hold(std::span(sites).subspan(first, count), coordinator,
             FederationOf(coordinator.identity), party.settings.advertise, ends[1]);
      }
      pids_.push_back(pid);
    }
    ::close(ends[1]);
  }
  ~Holders() {
    for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
    for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
    ::close(welcomes_);
  }

  void WaitForWelcomes(std::size_t count) const {
    char letters[512];
    while (count > 0) {
      const ssize_t got = ::read(welcomes_, letters, std::min(sizeof letters, count));
      CHECK(got > 0);
      count -= static_cast<std::size_t>(got);
    }
  }

 private:
  std::vector<pid_t> pids_;
  int welcomes_ = -1;
};

void IdleConnections(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    Deployment deployment({});
    const std::vector<IdleSite> sites = FillRoster(deployment.home("coordinator"), count);
    const CoordinatorHome party =
        Must(OpenCoordinatorHome(deployment.home("coordinator"), NobodyToAsk()));
    deployment.StartCoordinator();
    Process& coordinator = deployment.process("coordinator");
    CHECK(
        Eventually(seconds(20), [&] { return deployment.Coordinator({"status"}).exit_code == 0; }));
    state.counters["0_alone_MiB"] = static_cast<double>(coordinator.peak_resident_kib()) / 1024;
    state.ResumeTiming();
    const auto begin = std::chrono::steady_clock::now();
    const Holders holders(sites, party);
    holders.WaitForWelcomes(count);
    const auto since = [](auto then) {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
    };
    state.counters["1_connect_s"] = since(begin);
    state.counters["2_connect_cpu_s"] = CpuSecondsOf(coordinator.pid());
    const double before = CpuSecondsOf(coordinator.pid());
    const auto idle = std::chrono::steady_clock::now();
    ::sleep(60);
    state.counters["3_idle_minute_cpu_s"] =
        (CpuSecondsOf(coordinator.pid()) - before) * 60 / since(idle);
    state.counters["4_descriptors"] = static_cast<double>(coordinator.open_descriptors());
    state.counters["5_peak_MiB"] = static_cast<double>(coordinator.peak_resident_kib()) / 1024;
    CHECK(deployment.Coordinator({"status"}).exit_code == 0);
  }
}
BENCHMARK(IdleConnections)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Iterations(1)
    ->Unit(benchmark::kSecond)
    ->UseRealTime();

}  // namespace
}  // namespace consilium::testing

BENCHMARK_MAIN();
