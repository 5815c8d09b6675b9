#include "simulations/network_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::HasSubstr;

Settings Parsed(const std::string& text) { return Settings::Parse(text, "trial.toml").value(); }

TEST(NetworkModelTest, ReadsBandwidthsWithTheirUnits) {
  EXPECT_EQ(ParseBandwidth("512 kbit/s").value(), 512e3);
  EXPECT_EQ(ParseBandwidth("10Mbit/s").value(), 10e6);
  EXPECT_EQ(ParseBandwidth("2.5 Gbit/s").value(), 2.5e9);
  EXPECT_EQ(ParseBandwidth("100 bit/s").value(), 100);
  for (const char* text : {"", "10", "10 MB/s", "Mbit/s", "-1 Mbit/s", "nan Mbit/s", "inf Gbit/s",
                           "1e300 Gbit/s", "99 bit/s", "10 Mbit/s ", "ten Mbit/s"}) {
    const Result<double> refused = ParseBandwidth(text);
    ASSERT_FALSE(refused.has_value()) << text;
    EXPECT_THAT(refused.error().remedy, HasSubstr("10 Mbit/s"));
  }
  EXPECT_EQ(BandwidthText(512e3), "512 kbit/s");
  EXPECT_EQ(BandwidthText(2.5e9), "2.5 Gbit/s");
  EXPECT_EQ(BandwidthText(0), "no limit");
}

TEST(NetworkModelTest, ReadsTheTablesOfAnExperiment) {
  const Settings settings = Parsed(
      "[network]\nlatency = \"20ms\"\njitter = \"5ms\"\nbandwidth = \"10 Mbit/s\"\n"
      "coordinator_bandwidth = \"1 Gbit/s\"\ncomputing = \"2s\"\n"
      "[faults]\ncuts = 0.01\nsite_crashes = 0.02\ncoordinator_crashes = 0.03\n"
      "slow_answers = 0.04\nstops = 0.05\n");
  const NetworkModel network = ParseNetwork(settings).value();
  EXPECT_EQ(network.latency, Duration(20));
  EXPECT_EQ(network.jitter, Duration(5));
  EXPECT_EQ(network.site_bandwidth, 10e6);
  EXPECT_EQ(network.coordinator_bandwidth, 1e9);
  EXPECT_EQ(network.computing, Duration(2'000));
  const FaultRates faults = ParseFaults(settings).value();
  EXPECT_EQ(faults.cuts, 0.01);
  EXPECT_EQ(faults.site_crashes, 0.02);
  EXPECT_EQ(faults.coordinator_crashes, 0.03);
  EXPECT_EQ(faults.slow_answers, 0.04);
  EXPECT_EQ(faults.stops, 0.05);
}

TEST(NetworkModelTest, WithoutTablesThereIsLittleLatencyAndNoFault) {
  const NetworkModel network = ParseNetwork(Parsed("")).value();
  EXPECT_EQ(network.latency, Duration(20));
  EXPECT_EQ(ParseNetwork(Parsed("[network]\nlatency = \"0ms\"\n")).value().latency, Duration(0));
  EXPECT_EQ(network.site_bandwidth, 0);
  EXPECT_EQ(network.computing, Duration(0));
  EXPECT_EQ(ParseFaults(Parsed("")).value().cuts, 0);
}

TEST(NetworkModelTest, NamesTheLineOfAMistake) {
  struct Case {
    const char* text;
    const char* says;
  };
  for (const Case& mistake : {Case{"[network]\nlatency = \"20\"\n", "trial.toml:2:"},
                              Case{"[network]\nbandwidth = \"10 MB/s\"\n", "trial.toml:2:"},
                              Case{"[network]\nlatency = \"25h\"\n", "at most 24h"},
                              Case{"[network]\nlatencies = \"20ms\"\n", "latencies"}}) {
    const Result<NetworkModel> refused = ParseNetwork(Parsed(mistake.text));
    ASSERT_FALSE(refused.has_value()) << mistake.text;
    EXPECT_THAT(Describe(refused.error()), HasSubstr(mistake.says));
  }
  for (const char* text :
       {"[faults]\ncuts = 0.6\n", "[faults]\nstops = -0.1\n", "[faults]\ncut = 0.1\n"}) {
    EXPECT_FALSE(ParseFaults(Parsed(text)).has_value()) << text;
  }
}

}  // namespace
}  // namespace consilium
