// Peers that mean harm, over real sockets, while honest sites run studies: the studies end with the
// exact result, and the coordinator neither grows nor falls.

#include <atomic>
#include <csignal>
#include <functional>
#include <iostream>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.hpp>

#include "common/party_home.h"
#include "common/random.h"
#include "tests/end_to_end/small_study.h"
#include "tests/end_to_end/sockets.h"

namespace consilium::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kAllowedKib = 64U << 10;
constexpr std::size_t kLargestFrame = 300'000;
const char* const kHonest[] = {"alpha", "beta", "gamma"};

/// Counts what attackers have done, in memory that the test shares with their processes: what was
/// counted stays when one of them is aborted.
class SharedCount {
 public:
  SharedCount() {
    void* const memory =
        ::mmap(nullptr, sizeof(Number), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory can be shared");
    number_ = new (memory) Number(0);
  }
  SharedCount(const SharedCount&) = delete;
  SharedCount& operator=(const SharedCount&) = delete;
  ~SharedCount() { ::munmap(number_, sizeof(Number)); }

  void Add(std::uint64_t more) { *number_ += more; }
  std::uint64_t value() const { return *number_; }

 private:
  using Number = std::atomic<std::uint64_t>;
  static_assert(Number::is_always_lock_free, "processes have no lock in common");
  Number* number_ = nullptr;
};

/// An attack in a process of its own. libzmq 4.3.4 aborts the process that sends when a connection
/// is cut while its socket closes in the middle of a message of many parts (clean_pipes in
/// session_base.cpp): that must end neither the test nor the rest of an attack.
class Attacker {
 public:
  /// Forks: the caller has no other thread and no ZeroMQ context, neither of which a fork survives.
  explicit Attacker(const std::function<void()>& attack) : pid_(::fork()) {
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) Run(attack);
  }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;
  ~Attacker() {
    if (over_) return;
    ::kill(pid_, SIGKILL);
    Wait();
  }

  bool over() {
    over_ = over_ || ::waitpid(pid_, &status_, WNOHANG) == pid_;
    return over_;
  }
  void Wait() { over_ = over_ || ::waitpid(pid_, &status_, 0) == pid_; }
  /// Once it is over: whether it came to its end or was aborted. How far an aborted one had come,
  /// SharedCount says.
  bool EndedAsItMay() const {
    return over_ && (WIFSIGNALED(status_) ? WTERMSIG(status_) == SIGABRT : status_ == 0);
  }

 private:
  [[noreturn]] static void Run(const std::function<void()>& attack) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A test that is killed leaves no attacker behind.
    const ResourceLimit no_core_file(RLIMIT_CORE, 0);
    try {
      attack();
    } catch (const std::exception& error) {
      std::cerr << "attacker: " << error.what() << "\n";
      ::_exit(1);
    }
    // Destructors would end the federation, which is the test's.
    ::_exit(0);
  }

  pid_t pid_;
  int status_ = 0;
  bool over_ = false;
};

/// Three honest sites, and a member, "mallory", whose keys the attackers hold.
class HostilePeersTest : public ::testing::Test {
 protected:
  HostilePeersTest() : federation_(Sites()) {
    const auto keys = LoadPartyKeys(federation_.home("mallory"), NobodyToAsk());
    member_public_ = keys->transport.bytes;
    std::ranges::copy(keys->transport_secret.Expose(), member_secret_.begin());
    const std::string settings = ReadText(federation_.home("mallory") / "settings.toml");
    const std::string name = "coordinator_transport = \"";
    const Bytes key = *FromHex(settings.substr(settings.find(name) + name.size(), 64));
    std::ranges::copy(key, server_.begin());
  }

  static std::map<std::string, SiteData> Sites() {
    std::map<std::string, SiteData> sites = GeneratedSites(3);
    sites["mallory"].csv = GeneratedCsv(9, 60);
    return sites;
  }

  /// Serves with few descriptors, and runs a first study to see what the coordinator needs idle.
  void StartHonest(rlim_t descriptors = 1'024) {
    {
      const ResourceLimit limit(RLIMIT_NOFILE, descriptors);
      federation_.StartCoordinator();
    }
    for (const char* site : kHonest) federation_.StartSite(site);
    RunStudy("First");
    idle_kib_ = federation_.process("coordinator").peak_resident_kib();
  }

  void ApproveAtHonestSites(const std::string& study) {
    for (const char* site : kHonest) {
      ASSERT_TRUE(Eventually(seconds(60), [&] {
        return federation_.Site(site, {"approve", study, "--yes"}).exit_code == 0;
      })) << federation_.WordsOf(site);
    }
  }
  bool ApprovalsArrive(const std::string& study) {
    return Eventually(seconds(60), [&] {
      const std::string status = federation_.Coordinator({"status", study, "--json"}).out;
      std::size_t approvals = 0;
      for (std::size_t at = 0; (at = status.find("\"approved\"", at)) != std::string::npos; ++at) {
        ++approvals;
      }
      return approvals == 3;
    });
  }
  /// As a site was told.
  std::string StateAt(const std::string& site, const std::string& study) {
    const std::string words = federation_.Site(site, {"studies", "--json"}).out;
    const nlohmann::json reply = nlohmann::json::parse(words, nullptr, /*allow_exceptions=*/false);
    if (!reply.is_object()) return "";
    for (const nlohmann::json& one : reply.value("studies", nlohmann::json::array())) {
      if (one.value("study", "") == study) return one.value("state", "");
    }
    return "";
  }
  /// A study of the honest sites gives the table of plain sums.
  void RunStudy(const std::string& title) {
    const std::string plan = SmallPlan("wait", "60s", title);
    std::string study;
    ASSERT_TRUE(Eventually(seconds(60), [&] {
      try {
        study = federation_.Submit(plan);
      } catch (const std::exception&) {
        return false;
      }
      return !study.empty();
    }));
    ApproveAtHonestSites(study);
    ASSERT_TRUE(ApprovalsArrive(study));
    Expect(federation_.Coordinator({"start", study}));
    ASSERT_TRUE(federation_.Reaches(study, "finished", seconds(60)))
        << federation_.ReasonOf(study) << federation_.WordsOf("coordinator");
    EXPECT_EQ(federation_.Coordinator({"result", study}).out, PlainTable(plan, {0, 1, 2}));
  }

  /// Honest work while `attack` goes on in another process; it returns when it has done all it
  /// wanted, and tells in a SharedCount what that was.
  void StudiesDuring(const std::string& name, const std::function<void()>& attack) {
    Attacker attacker(attack);
    int studies = 0;
    do {
      RunStudy(name + " " + std::to_string(studies++));
    } while (!attacker.over() && !HasFatalFailure());
    attacker.Wait();
    EXPECT_TRUE(attacker.EndedAsItMay()) << name;
    RunStudy(name + ", afterwards");
    ExpectSmallAndAlive(name, studies + 1);
  }
  void ExpectSmallAndAlive(const std::string& name, int studies) {
    Process& coordinator = federation_.process("coordinator");
    const std::size_t peak = coordinator.peak_resident_kib();
    EXPECT_LE(peak, idle_kib_ + kAllowedKib) << name;
    EXPECT_TRUE(coordinator.running()) << federation_.WordsOf("coordinator");
    std::cout << name << ": " << studies << " studies, coordinator " << idle_kib_ << " KiB idle, "
              << peak << " KiB at most\n";
  }
  /// Whether connections wait and the coordinator takes none of them: it has no descriptor left.
  bool TakesNoConnection() const {
    const Connections before = ConnectionsTo(federation_.port());
    for (int i = 0; i < 10; ++i) {
      std::this_thread::sleep_for(milliseconds(20));
      const Connections now = ConnectionsTo(federation_.port());
      if (now.waiting == 0 || now.accepted > before.accepted) return false;
    }
    return true;
  }
  /// Whether the coordinator noted connections refused for this reason: the attack arrived.
  bool Refused(const std::string& reason) const {
    const std::string log = ReadText(federation_.home("coordinator") / "logs/coordinator.log");
    return log.find("connection-refused reason=" + reason) != std::string::npos;
  }
  void TearDown() override {
    EXPECT_EQ(federation_.process("coordinator").Stop(), 0) << "on SIGTERM";
  }

  /// A ZeroMQ peer with no regard for our rules; for an Attacker.
  zmq::socket_t Peer(bool member, const std::string& routing_id = {}) {
    if (!context_) context_.emplace();
    zmq::socket_t socket(*context_, zmq::socket_type::dealer);
    ByteArray<32> public_key = member_public_;
    ByteArray<32> secret = member_secret_;
    if (!member) {
      char text_public[41];
      char text_secret[41];
      zmq_curve_keypair(text_public, text_secret);
      zmq_z85_decode(reinterpret_cast<std::uint8_t*>(public_key.data()), text_public);
      zmq_z85_decode(reinterpret_cast<std::uint8_t*>(secret.data()), text_secret);
    }
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::sndhwm, 64);
    socket.set(zmq::sockopt::sndtimeo, 200);
    socket.set(zmq::sockopt::reconnect_ivl, 5);
    socket.set(zmq::sockopt::curve_publickey, zmq::const_buffer(public_key.data(), 32));
    socket.set(zmq::sockopt::curve_secretkey, zmq::const_buffer(secret.data(), 32));
    socket.set(zmq::sockopt::curve_serverkey, zmq::const_buffer(server_.data(), 32));
    if (!routing_id.empty()) socket.set(zmq::sockopt::routing_id, routing_id);
    socket.connect("tcp://127.0.0.1:" + std::to_string(federation_.port()));
    return socket;
  }
  static bool Send(zmq::socket_t& socket, const Bytes& bytes, bool more = false) {
    return socket
        .send(zmq::const_buffer(bytes.data(), bytes.size()),
              more ? zmq::send_flags::sndmore : zmq::send_flags::none)
        .has_value();
  }
  Bytes Garbage(std::size_t most) {
    Bytes bytes(1 + random_.Below(most));
    random_.Fill(bytes);
    // Half of it looks like ours at first sight.
    if (random_.Below(2) == 0 && bytes.size() >= 6) {
      std::ranges::copy(ToBytes(std::string("CNSL\1\0", 6)), bytes.begin());
    }
    return bytes;
  }

  Deployment federation_;
  std::optional<zmq::context_t> context_;  ///< Of an attacker's process; never of the test's.
  SeededRandom random_{7};                 ///< The attacker's.
  ByteArray<32> member_public_{};
  ByteArray<32> member_secret_{};
  ByteArray<32> server_{};
  std::size_t idle_kib_ = 0;
};

TEST_F(HostilePeersTest, AHundredThousandGarbageMessagesOfAMemberAndOfAStranger) {
  StartHonest();
  SharedCount sent;
  SharedCount thrown;
  StudiesDuring("garbage", [&] {
    zmq::socket_t member = Peer(true);
    zmq::socket_t stranger = Peer(false);
    for (int i = 0; sent.value() < 100'000 && i < 400'000; ++i) {
      if (Send(member, Garbage(i % 100 == 0 ? kLargestFrame : 400))) sent.Add(1);
      const Bytes bytes = Garbage(400);
      static_cast<void>(
          stranger.send(zmq::const_buffer(bytes.data(), bytes.size()), zmq::send_flags::dontwait));
    }
    // Of somebody who does not even speak CURVE.
    for (; thrown.value() < 100'000; thrown.Add(100)) {
      const FileDescriptor line = ConnectTo(federation_.port());
      for (int i = 0; i < 100 && SendAll(line.get(), Garbage(100)); ++i) {
      }
    }
  });
  EXPECT_EQ(sent.value(), 100'000U);
  EXPECT_TRUE(Refused("unknown-key"));
  std::cout << sent.value() << " messages of a member, " << thrown.value() << " of strangers\n";
}

TEST_F(HostilePeersTest, EndlessMultipartMessagesAndOversizeFrames) {
  StartHonest();
  SharedCount parts;
  SharedCount oversize_frames;
  SharedCount waves;
  const auto wave = [&] {
    const Bytes part(200'000, std::byte{1});
    const Bytes oversize(10U << 20, std::byte{1});
    zmq::socket_t member = Peer(true);
    // A message leaves when it is whole, and arrives part by part.
    for (int i = 0; i < 700; ++i) parts.Add(Send(member, part, /*more=*/i < 699) ? 1 : 0);
    zmq::socket_t other = Peer(true);
    for (int i = 0; i < 3; ++i) oversize_frames.Add(Send(other, oversize) ? 1 : 0);
    std::this_thread::sleep_for(milliseconds(500));
    waves.Add(1);
  };
  // A wave ends in the middle of its message: its abort must not spare the coordinator the next.
  StudiesDuring("multipart", [&] {
    for (int i = 0; i < 4; ++i) Attacker(wave).Wait();
  });
  EXPECT_EQ(parts.value(), 4U * 700U);
  EXPECT_EQ(oversize_frames.value(), 4U * 3U);
  EXPECT_EQ(waves.value(), 4U);
  EXPECT_TRUE(Refused("flooding"));
}

TEST_F(HostilePeersTest, EndlessMessagesOfOneMemberOverManyConnectionsAtOnce) {
  StartHonest();
  SharedCount parts;
  StudiesDuring("many multiparts", [&] {
    const Bytes part(200'000, std::byte{1});
    std::vector<zmq::socket_t> members;
    for (int i = 0; i < 8; ++i) members.push_back(Peer(true));
    for (zmq::socket_t& member : members) {
      for (int i = 0; i < 400; ++i) parts.Add(Send(member, part, /*more=*/i < 399) ? 1 : 0);
    }
    std::this_thread::sleep_for(seconds(2));
  });
  EXPECT_EQ(parts.value(), 8U * 400U);
  EXPECT_TRUE(Refused("flooding"));
}

TEST_F(HostilePeersTest, AHundredConnectionsOfOneMemberEachBelowWhatOneMayHold) {
  StartHonest();
  SharedCount parts;
  StudiesDuring("many small multiparts", [&] {
    const Bytes part(200'000, std::byte{1});
    std::vector<zmq::socket_t> members;
    for (int i = 0; i < 100; ++i) members.push_back(Peer(true));
    for (int message = 0; message < 4; ++message) {
      for (zmq::socket_t& member : members) {
        for (int i = 0; i < 4; ++i) parts.Add(Send(member, part, /*more=*/i < 3) ? 1 : 0);
      }
    }
    std::this_thread::sleep_for(seconds(2));
  });
  EXPECT_EQ(parts.value(), 4U * 100U * 4U);
}

TEST_F(HostilePeersTest, DuplicatedAndSquattedRoutingIdsAndAMemberWithTwoConnections) {
  StartHonest();
  StudiesDuring("routing ids", [&] {
    std::vector<zmq::socket_t> peers;
    for (int i = 0; i < 40; ++i) {
      // Ours, one twice, a number like those that libzmq gives, and none: a second connection.
      const std::string ids[] = {"alpha", "alpha", std::string("\1\0\0\0\1", 5), ""};
      peers.push_back(Peer(true, ids[i % 4]));
      Send(peers.back(), Garbage(300));
    }
    for (int i = 0; i < 2'000; ++i) Send(peers[random_.Below(peers.size())], Garbage(300));
  });
  EXPECT_TRUE(Refused("foreign-name"));
}

TEST_F(HostilePeersTest, SlowHandshakesAndPeersThatNeverRead) {
  StartHonest();
  // A true member that hears and never reads again.
  federation_.StartSite("mallory");
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation_.WordsOf("mallory").find("welcomed") != std::string::npos;
  }));
  federation_.process("mallory").Pause();
  StudiesDuring("slow handshakes", [&] {
    const Bytes greeting = ToBytes(std::string("\xff\0\0\0\0\0\0\0\1\x7f\3\0CURVE", 17));
    std::vector<FileDescriptor> lines;
    for (int i = 0; i < 150; ++i) lines.push_back(ConnectTo(federation_.port()));
    for (const std::byte letter : greeting) {
      for (const FileDescriptor& line : lines) SendAll(line.get(), Bytes{letter});
      std::this_thread::sleep_for(milliseconds(200));
    }
  });
}

TEST_F(HostilePeersTest, AStudyGoesOnWhileNoDescriptorIsLeft) {
  constexpr rlim_t kDescriptors = 128;
  StartHonest(kDescriptors);
  // One site is held up, so that the study is under way when the flood comes.
  const std::string plan = SmallPlan("wait", "60s", "Under the flood");
  const std::string study = federation_.Submit(plan);
  ApproveAtHonestSites(study);
  ASSERT_TRUE(ApprovalsArrive(study));
  federation_.process("alpha").Pause();
  Expect(federation_.Coordinator({"start", study}));
  std::vector<FileDescriptor> lines;
  for (int i = 0; i < 1'000; ++i) lines.push_back(BeginConnecting(federation_.port()));
  ASSERT_TRUE(Eventually(seconds(20), [&] { return TakesNoConnection(); }));
  const std::size_t most = ConnectionsTo(federation_.port()).accepted;
  // The rest of the descriptors are the coordinator's files and threads.
  EXPECT_GE(most, kDescriptors / 2);
  EXPECT_LT(most, kDescriptors);

  federation_.process("alpha").Signal(SIGCONT);

  // The coordinator cannot be asked now; a site is told how the study ends.
  EXPECT_TRUE(Eventually(seconds(60), [&] {
    for (int i = 0; i < 200; ++i) {
      lines[random_.Below(lines.size())] = BeginConnecting(federation_.port());
    }
    return StateAt("beta", study) == "finished";
  })) << federation_.WordsOf("beta");
  EXPECT_GE(ConnectionsTo(federation_.port()).accepted, most - 8);
  lines.clear();
  ASSERT_TRUE(federation_.Reaches(study, "finished", seconds(60)));
  EXPECT_EQ(federation_.Coordinator({"result", study}).out, PlainTable(plan, {0, 1, 2}));
  RunStudy("afterwards");
  ExpectSmallAndAlive("connections", 2);
}

}  // namespace
}  // namespace consilium::testing
