#pragma once

// A line between sites and their coordinator that breaks: a TCP relay on loopback, in the test's
// own process, that cuts connections after random numbers of bytes on their way up, or keeps a copy
// of all that goes by.

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "common/file_descriptor.h"
#include "common/random.h"

namespace consilium::testing {

class CuttingRelay {
 public:
  /// Listens on `port()`; what comes is carried to `target_port` of 127.0.0.1.
  CuttingRelay(int target_port, std::uint64_t seed);
  CuttingRelay(const CuttingRelay&) = delete;
  CuttingRelay& operator=(const CuttingRelay&) = delete;
  ~CuttingRelay();

  int port() const { return port_; }
  /// From now on each connection is cut once so many further bytes have gone up: between 1 and
  /// `longest`, drawn anew for each. Until `cuts` have been made.
  void CutFromNowOn(std::uint64_t cuts, std::uint64_t longest);
  std::uint64_t cuts() const { return cuts_; }
  /// Cuts of a connection that had carried more than `kPreamble` bytes up.
  std::uint64_t cuts_of_uploads() const { return cuts_of_uploads_; }
  /// Carried up to the last byte before each cut; nothing beyond it was read by the coordinator.
  std::uint64_t bytes_up() const { return bytes_up_; }

  /// From now on everything that goes by, either way, is kept.
  void KeepFromNowOn() { keeps_ = true; }
  std::string kept() const;

  /// More than a handshake and all a site says before its vector.
  static constexpr std::uint64_t kPreamble = 4'096;

 private:
  struct Line {
    FileDescriptor site;
    FileDescriptor coordinator;
    std::uint64_t up = 0;
    std::uint64_t cut_at = 0;  ///< In bytes up; 0 while it is not to be cut.
  };

  void Run();
  void Accept();
  /// False when the line is at its end, or was cut.
  bool CarryUp(Line& line);
  bool CarryDown(const Line& line);
  void Keep(ByteSpan bytes);
  std::uint64_t DrawCut(const Line& line);

  int target_port_;
  int port_ = 0;
  SeededRandom random_;
  FileDescriptor listener_;
  std::list<Line> lines_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> cuts_wanted_{0};
  std::atomic<std::uint64_t> longest_{0};
  std::atomic<std::uint64_t> cuts_{0};
  std::atomic<std::uint64_t> cuts_of_uploads_{0};
  std::atomic<std::uint64_t> bytes_up_{0};
  std::atomic<bool> keeps_{false};
  mutable std::mutex mutex_;
  std::string kept_;
  std::thread thread_;
};

}  // namespace consilium::testing
