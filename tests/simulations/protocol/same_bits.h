#pragma once

// What the machines on a virtual network and plain sums have to agree on.

#include <span>

#include <gtest/gtest.h>

#include "protocols/result_document.h"
#include "simulations/plain_federation.h"
#include "simulations/protocol/protocol_run.h"

namespace consilium {

/// The result document and table, to the bit, in fair weather and with cuts and crashes.
inline void ExpectSameBits(const Plan& plan, std::span<const CohortView> cohorts) {
  const PlainRun plain = RunPlain(*plan.analysis, cohorts).value();
  for (const double trouble : {0.0, 0.004}) {
    ProtocolOptions options;
    options.network.latency = Duration(20);
    options.faults = {.cuts = trouble, .site_crashes = trouble, .coordinator_crashes = trouble / 4};
    const Result<RecordedRun> run = RunOverProtocol(plan, cohorts, options);
    ASSERT_TRUE(run.has_value()) << Describe(run.error());
    EXPECT_EQ(ResultDocument(plan, run->run.result, run->run.rounds),
              ResultDocument(plan, plain.result, plain.rounds));
    EXPECT_EQ(run->run.result.table, plain.result.table);
  }
}

}  // namespace consilium
