#include "simulations/storm/faults.h"

#include <algorithm>
#include <cmath>

#include "common/check.h"

namespace consilium {
namespace {

constexpr std::string_view kNames[] = {"delay",
                                       "loss",
                                       "duplicate",
                                       "reorder",
                                       "corruption",
                                       "cut",
                                       "partition",
                                       "slow-site",
                                       "stopped-site",
                                       "site-crash",
                                       "coordinator-crash",
                                       "torn-write",
                                       "lost-write",
                                       "full-disk",
                                       "snapshot-restored",
                                       "clock-step",
                                       "bad-data",
                                       "site-revoked",
                                       "approval-taken-back",
                                       "study-paused",
                                       "site-sends-garbage",
                                       "site-sends-half",
                                       "site-sends-wrong-body",
                                       "site-forges-signature",
                                       "site-names-other-federation",
                                       "site-sends-coordinators-kind",
                                       "site-repeats-differently",
                                       "site-replays",
                                       "site-skips-recipient",
                                       "site-signs-other-context",
                                       "site-sends-wrong-length",
                                       "site-sends-other-vector",
                                       "site-confirms-other-transcript",
                                       "site-omits-share",
                                       "site-reveals-false-share",
                                       "site-deals-inconsistently",
                                       "site-keeps-silent",
                                       "site-restarts-in-words",
                                       "site-refuses-falsely",
                                       "site-offers-bad-prekey",
                                       "site-spoils-all-shares",
                                       "site-spoils-one-share",
                                       "site-makes-up-receipt",
                                       "site-sends-out-of-turn",
                                       "lie-swapped-prekey",
                                       "lie-lower-thresholds",
                                       "lie-fewer-participants",
                                       "lie-other-query",
                                       "lie-old-roster",
                                       "lie-replayed-round",
                                       "lie-other-delivery",
                                       "lie-other-survivors",
                                       "lie-forged-header",
                                       "lie-forged-quorum",
                                       "lie-small-quorum",
                                       "lie-other-sum",
                                       "lie-other-plan",
                                       "lie-foreign-roster",
                                       "lie-unsigned",
                                       "lie-garbage",
                                       "lie-replay",
                                       "lie-silence",
                                       "site-lies-in-sketch"};
static_assert(std::size(kNames) == kFaultCount);

bool Chance(RandomSource& random, double chance) { return random.Unit() < chance; }

/// A rate that is as likely to be small as large.
double Rate(RandomSource& random, double smallest, double largest) {
  return smallest * std::pow(largest / smallest, random.Unit());
}

/// Few sites mostly: they meet every rule, and large federations cost a hundred times as much.
std::uint32_t DrawSites(RandomSource& random) {
  const double unit = random.Unit();
  if (unit < 0.80) return 3 + static_cast<std::uint32_t>(random.Below(3));
  if (unit < 0.96) return 6 + static_cast<std::uint32_t>(random.Below(3));
  if (unit < 0.99) return 9 + static_cast<std::uint32_t>(random.Below(4));
  return 13 + static_cast<std::uint32_t>(random.Below(8));
}

Fault DrawBetween(RandomSource& random, Fault first, Fault past) {
  const auto from = static_cast<std::uint64_t>(first);
  return static_cast<Fault>(from + random.Below(static_cast<std::uint64_t>(past) - from));
}

void DrawNetwork(RandomSource& random, BadDay& day) {
  day.network.latency = Duration(1 + static_cast<std::int64_t>(random.Below(80)));
  if (Chance(random, 0.4)) {
    day.network.jitter = Duration(static_cast<std::int64_t>(random.Below(15'000)));
  }
  if (Chance(random, 0.25)) day.loss = Rate(random, 0.002, 0.1);
  if (Chance(random, 0.25)) day.duplicate = Rate(random, 0.01, 0.5);
  if (Chance(random, 0.25)) day.reorder = Rate(random, 0.01, 0.5);
  if (Chance(random, 0.2)) day.corruption = Rate(random, 0.002, 0.1);
  if (Chance(random, 0.3)) day.cut = Rate(random, 0.002, 0.05);
  if (Chance(random, 0.15)) day.partition = Rate(random, 0.001, 0.01);
}

void DrawMachines(RandomSource& random, BadDay& day) {
  if (Chance(random, 0.3)) day.site_crash = Rate(random, 0.001, 0.03);
  if (Chance(random, 0.3)) day.coordinator_crash = Rate(random, 0.001, 0.02);
  if (Chance(random, 0.2)) day.torn_write = Rate(random, 0.002, 0.05);
  if (Chance(random, 0.15)) day.full_disk = Rate(random, 0.002, 0.03);
  if (day.site_crash > 0 || day.torn_write > 0) {
    if (Chance(random, 0.5)) day.lost_write = Rate(random, 0.1, 1);
    if (Chance(random, 0.5)) day.snapshot_restored = Rate(random, 0.1, 1);
  }
  if (Chance(random, 0.25)) day.slow = Rate(random, 0.01, 0.5);
  if (Chance(random, 0.15)) day.stop = Rate(random, 0.01, 0.2);
  if (Chance(random, 0.2)) day.clock_step = Rate(random, 0.02, 0.5);
}

void DrawPeople(RandomSource& random, BadDay& day) {
  if (Chance(random, 0.05)) day.bad_data = Rate(random, 0.02, 0.3);
  if (Chance(random, 0.1)) day.pause = Rate(random, 0.01, 0.2);
  if (Chance(random, 0.08)) day.revoke = 0.1;
  if (Chance(random, 0.06)) day.take_back = 0.05;
}

/// What has few occasions, or is found out before it matters: rare if drawn like the others.
Fault DrawRareSiteLie(RandomSource& random) {
  return random.Below(2) == 0 ? Fault::kSiteMakesUpReceipt : Fault::kSiteDealsInconsistently;
}

/// Lies late in a round are reached only when those before it were let pass: draw them more often.
Fault DrawSiteLie(RandomSource& random) {
  if (Chance(random, 0.08)) return DrawRareSiteLie(random);
  if (Chance(random, 0.4)) {
    return DrawBetween(random, Fault::kSiteSendsOtherVector, Fault::kSiteKeepsSilent);
  }
  return DrawBetween(random, kFirstSiteLie, kFirstCoordinatorLie);
}

Fault DrawCoordinatorLie(RandomSource& random) {
  if (Chance(random, 0.07)) {
    return random.Below(2) == 0 ? Fault::kLieOtherPlan : Fault::kLieForeignRoster;
  }
  if (Chance(random, 0.6)) {
    return DrawBetween(random, Fault::kLieOtherSurvivors, Fault::kLieOtherPlan);
  }
  return DrawBetween(random, kFirstCoordinatorLie, kPastCoordinatorLies);
}

void DrawLiars(RandomSource& random, BadDay& day) {
  if (Chance(random, 0.45)) {
    const std::uint32_t most = std::max(1U, (day.sites - 1) / 3);
    const auto count = 1 + static_cast<std::uint32_t>(random.Below(most));
    const auto first = static_cast<std::uint32_t>(random.Below(day.sites));
    for (std::uint32_t i = 0; i < count; ++i) day.malicious.push_back((first + i) % day.sites);
    for (std::uint64_t i = 0; i <= random.Below(3); ++i) {
      day.site_lies.push_back(DrawSiteLie(random));
    }
    day.site_lie_rate = Rate(random, 0.1, 1);
  }
  if (Chance(random, 0.2)) {
    for (std::uint64_t i = 0; i <= random.Below(3); ++i) {
      day.coordinator_lies.push_back(DrawCoordinatorLie(random));
    }
    day.coordinator_lie_rate = Rate(random, 0.05, 0.6);
  }
}

}  // namespace

std::string_view Name(Fault fault) {
  CHECK(fault < Fault::kCount);
  return kNames[static_cast<std::size_t>(fault)];
}

BadDay DrawBadDay(RandomSource& random) {
  BadDay day;
  day.sites = DrawSites(random);
  const double kind = random.Unit();
  day.analysis = kind < 0.7 ? "linear" : kind < 0.85 ? "logistic" : "poisson";
  day.on_loss = Chance(random, 0.5) ? OnLoss::kWait : OnLoss::kContinue;
  const std::uint64_t span = std::min<std::uint64_t>(day.sites, 5) - 2;
  day.minimum_sites = 3 + static_cast<std::uint32_t>(random.Below(span));
  day.second_study = Chance(random, 0.05);
  DrawLiars(random, day);
  const bool lies = !day.malicious.empty() || !day.coordinator_lies.empty();
  // Half of the liars have the day to themselves: elsewhere few of their lies reach anybody.
  if (lies && Chance(random, 0.5)) return day;
  DrawNetwork(random, day);
  DrawMachines(random, day);
  DrawPeople(random, day);
  return day;
}

void CheckNorms(RandomSource& random, BadDay& day) {
  day.analysis = "train";
  day.checks_norms = true;
  day.second_study = false;
  if (day.malicious.empty()) {
    day.malicious.push_back(static_cast<std::uint32_t>(random.Below(day.sites)));
    day.site_lie_rate = Rate(random, 0.1, 1);
  }
  // Half of what they do, at least: other lies end an attempt before a sketch is asked for.
  const std::size_t others = day.site_lies.size();
  day.site_lies.insert(day.site_lies.end(), others + 1, Fault::kSiteLiesInSketch);
}

void AddNoise(BadDay& day) {
  day.analysis = "train";
  day.has_noise = true;
}

}  // namespace consilium
