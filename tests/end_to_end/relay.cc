#include "tests/end_to_end/relay.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "tests/end_to_end/sockets.h"

namespace consilium::testing {
namespace {

constexpr std::size_t kBufferBytes = 65'536;

}  // namespace

CuttingRelay::CuttingRelay(int target_port, std::uint64_t seed)
    : target_port_(target_port), random_(seed), listener_(ListenAnywhere(port_)) {
  thread_ = std::thread([this] { Run(); });
}

CuttingRelay::~CuttingRelay() {
  stop_ = true;
  thread_.join();
}

void CuttingRelay::CutFromNowOn(std::uint64_t cuts, std::uint64_t longest) {
  longest_ = longest;
  cuts_wanted_ = cuts_ + cuts;
}

void CuttingRelay::Run() {
  while (!stop_) {
    std::vector<pollfd> polled{{listener_.get(), POLLIN, 0}};
    for (const Line& line : lines_) {
      polled.push_back({line.site.get(), POLLIN, 0});
      polled.push_back({line.coordinator.get(), POLLIN, 0});
    }
    if (::poll(polled.data(), polled.size(), 20) <= 0) continue;
    std::size_t at = 1;
    for (auto line = lines_.begin(); line != lines_.end(); at += 2) {
      const bool open = (polled[at].revents == 0 || CarryUp(*line)) &&
                        (polled[at + 1].revents == 0 || CarryDown(*line));
      line = open ? std::next(line) : lines_.erase(line);
    }
    if (polled[0].revents != 0) Accept();
  }
}

void CuttingRelay::Accept() {
  Line line;
  line.site = FileDescriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  line.coordinator = ConnectTo(target_port_);
  if (line.site.valid() && line.coordinator.valid()) lines_.push_back(std::move(line));
}

std::uint64_t CuttingRelay::DrawCut(const Line& line) {
  return line.up + 1 + random_.Below(longest_);
}

bool CuttingRelay::CarryUp(Line& line) {
  static thread_local Bytes buffer(kBufferBytes);
  if (line.cut_at == 0 && cuts_ < cuts_wanted_) line.cut_at = DrawCut(line);
  const bool to_be_cut = line.cut_at != 0 && cuts_ < cuts_wanted_;
  const std::uint64_t most =
      to_be_cut ? std::min<std::uint64_t>(kBufferBytes, line.cut_at - line.up) : kBufferBytes;
  const ssize_t got = ::recv(line.site.get(), buffer.data(), most, 0);
  if (got <= 0) return false;
  const auto bytes = static_cast<std::size_t>(got);
  Keep(ByteSpan(buffer).first(bytes));
  if (!SendAll(line.coordinator.get(), ByteSpan(buffer).first(bytes))) return false;
  line.up += bytes;
  bytes_up_ += bytes;
  if (!to_be_cut || line.up < line.cut_at) return true;
  ++cuts_;
  if (line.up > kPreamble) ++cuts_of_uploads_;
  // Half of the lines end as a cable does that is pulled out, and half as a proxy does that goes.
  if (random_.Below(2) == 0) {
    CloseWithReset(std::move(line.site));
    CloseWithReset(std::move(line.coordinator));
  }
  return false;
}

bool CuttingRelay::CarryDown(const Line& line) {
  static thread_local Bytes buffer(kBufferBytes);
  const ssize_t got = ::recv(line.coordinator.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  const ByteSpan bytes = ByteSpan(buffer).first(static_cast<std::size_t>(got));
  Keep(bytes);
  return SendAll(line.site.get(), bytes);
}

void CuttingRelay::Keep(ByteSpan bytes) {
  if (!keeps_) return;
  const std::lock_guard lock(mutex_);
  kept_ += AsText(bytes);
}

std::string CuttingRelay::kept() const {
  const std::lock_guard lock(mutex_);
  return kept_;
}

}  // namespace consilium::testing
