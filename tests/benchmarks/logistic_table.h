#pragma once

// Virtual sites for benchmarks: rows of a logistic model with known coefficients.

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "common/random.h"
#include "protocols/plan.h"
#include "simulations/site_table.h"

namespace consilium {

/// The outcome, 0 or 1, in the first column, features between -2 and 2 in the others; the same bits
/// on every machine.
inline SiteTable LogisticTable(const Plan& plan, std::size_t sites, std::size_t rows_of_a_site) {
  const std::size_t columns = plan.analysis->columns().size();
  SiteTable table(plan.analysis->columns(), sites, sites * rows_of_a_site);
  SeededRandom random(std::uint64_t{2026});
  std::vector<std::uint64_t> draws(rows_of_a_site * columns);
  for (std::size_t site = 0; site < sites; ++site) {
    // One Fill a site, since each starts a stream.
    random.Fill(std::as_writable_bytes(std::span(draws)));
    const std::span<double> values = table.Add(rows_of_a_site, rows_of_a_site);
    for (std::size_t i = 0; i < values.size(); i += columns) {
      double eta = -0.3;
      for (std::size_t j = 1; j < columns; ++j) {
        values[i + j] = static_cast<double>(draws[i + j] >> 11) * 0x1p-51 - 2;
        eta += (j % 2 == 0 ? -0.3 : 0.2) * values[i + j];
      }
      const double unit = static_cast<double>(draws[i] >> 11) * 0x1p-53;
      values[i] = unit < 1 / (1 + std::exp(-eta)) ? 1 : 0;
    }
  }
  return table;
}

}  // namespace consilium
