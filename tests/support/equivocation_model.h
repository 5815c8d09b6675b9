#pragma once

// The algebra of what a coordinator learns that tells each honest site another story. Sites
// 0 .. n-1, the last T collude; each honest site i has a view (U2, U3) of bit sets.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "protocols/secure_sum/thresholds.h"

namespace consilium {

using Set = std::uint32_t;

struct View {
  Set delivered = 0;
  Set survivors = 0;
  bool operator==(const View&) const = default;
};

struct Game {
  std::uint32_t sites, colluding, threshold, quorum;
  std::uint32_t honest() const { return sites - colluding; }
};

inline bool Has(Set set, std::uint32_t i) { return set >> i & 1; }
inline std::uint32_t Size(Set set) { return static_cast<std::uint32_t>(std::popcount(set)); }

/// All views that site i accepts: it is in both, and both have at least `threshold` sites.
inline std::vector<View> ViewsOf(const Game& game, std::uint32_t i) {
  std::vector<View> views;
  for (Set delivered = 0; delivered < 1u << game.sites; ++delivered) {
    if (!Has(delivered, i) || Size(delivered) < game.threshold) continue;
    for (Set survivors = 1; survivors <= delivered; ++survivors) {
      if ((survivors & ~delivered) != 0 || !Has(survivors, i)) continue;
      if (Size(survivors) >= game.threshold) views.push_back(View{delivered, survivors});
    }
  }
  return views;
}

/// Rank over the rationals. Each row has at most two entries, of -1 and 1, so every minor is zero
/// or a power of two, and the rank modulo an odd prime is the same.
inline std::uint32_t Rank(std::vector<std::vector<std::int64_t>> rows, Set columns) {
  constexpr std::int64_t kPrime = 31;
  std::uint32_t rank = 0;
  for (std::uint32_t column = 0; columns >> column != 0; ++column) {
    if (!Has(columns, column)) continue;
    std::size_t pivot = rank;
    while (pivot < rows.size() && rows[pivot][column] % kPrime == 0) ++pivot;
    if (pivot == rows.size()) continue;
    std::swap(rows[rank], rows[pivot]);
    std::int64_t inverse = 1;
    while (inverse * rows[rank][column] % kPrime != 1 &&
           inverse * rows[rank][column] % kPrime != 1 - kPrime) {
      ++inverse;
    }
    for (std::size_t i = rank + 1; i < rows.size(); ++i) {
      const std::int64_t factor = rows[i][column] * inverse % kPrime;
      if (factor == 0) continue;
      for (std::size_t j = 0; j < rows[i].size(); ++j) {
        rows[i][j] = (rows[i][j] - factor * rows[rank][j]) % kPrime;
      }
    }
    ++rank;
  }
  return rank;
}

struct Learned {
  std::uint32_t isolated = 99;  ///< Fewest honest inputs in a combination that is free of masks.
  bool both = false;            ///< Both secrets of one honest site.
};

/// From these opened secrets and the masks that the views' U2 put on the vectors.
inline Learned LearnWith(const Game& game, const std::vector<View>& views, Set self, Set masking) {
  Learned learned;
  learned.both = (self & masking) != 0;
  // A combination sum c_u y_u is free of masks iff c solves these equations.
  std::vector<std::vector<std::int64_t>> rows;
  const auto add_row = [&](std::uint32_t a, std::int64_t x, std::uint32_t b, std::int64_t y) {
    if (x == 0 && y == 0) return;
    rows.emplace_back(game.honest(), 0);
    rows.back()[a] += x;
    rows.back()[b] += y;
  };
  for (std::uint32_t a = 0; a < game.honest(); ++a) {
    if (!Has(self, a)) add_row(a, 1, a, 0);
    for (std::uint32_t b = a + 1; b < game.honest(); ++b) {
      if (Has(masking, a) || Has(masking, b)) continue;
      add_row(a, Has(views[a].delivered, b) ? 1 : 0, b, Has(views[b].delivered, a) ? -1 : 0);
    }
  }
  for (Set support = 1; support < 1u << game.honest(); ++support) {
    if (Size(support) >= learned.isolated) continue;
    if (Rank(rows, support) < Size(support)) learned.isolated = Size(support);
  }
  return learned;
}

/// When exactly these sites released their shares.
inline Learned LearnFrom(const Game& game, const std::vector<View>& views, Set released) {
  Set self = 0;
  Set masking = 0;
  for (std::uint32_t u = 0; u < game.honest(); ++u) {
    std::uint32_t self_shares = game.colluding;
    std::uint32_t masking_shares = game.colluding;
    for (std::uint32_t i = 0; i < game.honest(); ++i) {
      if (!Has(released, i)) continue;
      if (Has(views[i].survivors, u)) ++self_shares;
      if (Has(views[i].delivered & ~views[i].survivors, u)) ++masking_shares;
    }
    if (self_shares >= game.threshold) self |= 1u << u;
    if (masking_shares >= game.threshold) masking |= 1u << u;
  }
  return LearnWith(game, views, self, masking);
}

/// When all release whose view has a quorum, or all at once where none is asked for.
inline Learned Learn(const Game& game, const std::vector<View>& views, bool with_quorum) {
  Set released = 0;
  for (std::uint32_t i = 0; i < game.honest(); ++i) {
    const auto agree = static_cast<std::uint32_t>(std::count(views.begin(), views.end(), views[i]));
    if (!with_quorum || agree + game.colluding >= game.quorum) released |= 1u << i;
  }
  return LearnFrom(game, views, released);
}

inline Game ByTheRule(std::uint32_t sites) {
  const Thresholds thresholds = *ThresholdsFor(sites, 3);
  return Game{sites, thresholds.colluding, thresholds.shares, thresholds.quorum};
}

}  // namespace consilium
