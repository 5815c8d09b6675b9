#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.h"
#include "common/transport/admission.h"
#include "common/transport/coordinator_socket.h"
#include "common/transport/poller.h"
#include "common/transport/site_socket.h"

namespace consilium {

/// A coordinator on a free loopback port, and sites that try again quickly. Both ends live in this
/// thread.
class TransportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    context_ = Must(TransportContext::Create());
    coordinator_keys_ = GenerateTransportKey(random_);
  }

  template <class T>
  static T Must(Result<T> result) {
    if (!result) {
      ADD_FAILURE() << Describe(result.error());
      std::abort();
    }
    return std::move(*result);
  }

  void StartCoordinator(const SocketOptionsForTest& options = {},
                        const std::string& endpoint = "tcp://127.0.0.1:0") {
    if (!admission_) admission_ = Must(Admission::Start(*context_));
    coordinator_ =
        Must(CoordinatorSocket::Bind(*context_, *admission_, coordinator_keys_, endpoint, options));
  }

  std::unique_ptr<SiteSocket> Connect(const TransportKeyPair& keys) {
    return ConnectTo(coordinator_->endpoint(), keys, coordinator_keys_.public_key);
  }
  std::unique_ptr<SiteSocket> ConnectTo(const std::string& endpoint,
                                        const TransportKeyPair& keys,
                                        const TransportKey& pinned,
                                        const std::string& proxy = {}) {
    SiteSocketOptions options;
    options.endpoint = endpoint;
    options.socks_proxy = proxy;
    options.reconnect_first = Duration(50);
    options.reconnect_longest = Duration(200);
    return Must(SiteSocket::Connect(*context_, keys, pinned, options, random_));
  }

  /// Lets both ends work until `done` or the time is up; returns whether it is done.
  bool RunUntil(const std::function<bool()>& done, Duration limit = Duration(5'000)) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + limit;
    while (Clock::now() < end) {
      if (coordinator_) {
        while (auto message = coordinator_->Receive()) received_.push_back(std::move(*message));
      }
      if (done()) return true;
      Poller poller;
      if (coordinator_) poller.Watch(*coordinator_);
      EXPECT_TRUE(poller.Wait(Duration(5)));
    }
    return false;
  }

  bool WaitForEvent(SiteSocket& site, ConnectionEvent wanted, Duration limit = Duration(5'000)) {
    return RunUntil(
        [&] {
          while (const auto event = site.NextEvent()) {
            if (*event == wanted) return true;
          }
          return false;
        },
        limit);
  }

  bool SendFrom(SiteSocket& site, std::string_view text, Duration limit = Duration(5'000)) {
    return RunUntil(
        [&] {
          while (site.NextEvent()) {
          }
          return site.Send(AsBytes(text)) == SendOutcome::kSent;
        },
        limit);
  }

  bool Heard(const TransportKey& from, std::string_view text) {
    return RunUntil([&] {
      for (const ReceivedMessage& message : received_) {
        if (message.from == from && AsText(message.payload) == text) return true;
      }
      return false;
    });
  }

  SystemRandom random_;
  std::unique_ptr<TransportContext> context_;
  TransportKeyPair coordinator_keys_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<CoordinatorSocket> coordinator_;
  std::vector<ReceivedMessage> received_;
};

}  // namespace consilium
