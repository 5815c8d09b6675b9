// All strategies of a malicious coordinator for 3 to 7 sites, up to what makes no difference.
//
// Of two transcripts at most one reaches a quorum when 2q > n + T. So a strategy that opens
// anything is: one view (U2, U3) that a group G of honest survivors confirmed, a part R of G that
// is given the quorum, and whatever the others were told. A site confirms only if every survivor's
// signed header has its own root, so each honest survivor was shown this very U2. The others
// released nothing; of them only the U2 that they masked for matters. Colluders are known to the
// coordinator: they answer both kinds of shares and sign everything, and all they may choose is
// whether they are in U2 and U3. Honest sites differ by number alone, and so do colluders: it is
// enough to take the first of each kind, which is checked against the search without that.

#include <cstdint>
#include <iostream>

#include <gtest/gtest.h>

#include "tests/support/equivocation_model.h"

namespace consilium {
namespace {

constexpr std::uint32_t kNobody = 99;

struct Outcome {
  std::uint32_t isolated = kNobody;  ///< Fewest honest inputs in a combination free of masks.
  bool both = false;                 ///< Both secrets of one honest site.
  std::uint64_t strategies = 0;
};

Set First(std::uint32_t count) { return (1U << count) - 1; }
bool IsFirst(Set set) { return set == First(Size(set)); }

class StrategySearch {
 public:
  StrategySearch(const Game& game, bool up_to_symmetry)
      : game_(game), symmetry_(up_to_symmetry), honest_(First(game.honest())) {}

  Outcome Run() {
    for (Set delivered = 0; delivered < 1U << game_.sites; ++delivered) {
      if (Size(delivered) < game_.threshold) continue;
      for (Set survivors = delivered; survivors != 0; survivors = (survivors - 1) & delivered) {
        if (Size(survivors) >= game_.threshold && IsCanonical(delivered, survivors)) {
          TryGroups(delivered, survivors);
        }
      }
    }
    return outcome_;
  }

 private:
  /// Honest sites in order: survivors, then those that dealt shares only, then the rest. Likewise
  /// colluders.
  bool IsCanonical(Set delivered, Set survivors) const {
    const auto in_order = [&](Set part, std::uint32_t shift) {
      return IsFirst((delivered & part) >> shift) && IsFirst((survivors & part) >> shift);
    };
    return !symmetry_ ||
           (in_order(honest_, 0) && in_order(First(game_.sites) & ~honest_, game_.honest()));
  }

  void TryGroups(Set delivered, Set survivors) {
    const Set could_sign = survivors & honest_;
    for (Set released = could_sign; released != 0; released = (released - 1) & could_sign) {
      if (symmetry_ && !IsFirst(released)) continue;
      // The others of G may have signed without being given the quorum: they release nothing.
      if (Size(could_sign) + game_.colluding < game_.quorum) continue;
      std::vector<View> views(game_.honest());
      for (std::uint32_t i = 0; i < game_.honest(); ++i) {
        views[i] = Has(released, i) ? View{delivered, survivors} : View{delivered, 0};
      }
      TellOthers(views, survivors, 0, released);
    }
  }

  /// Honest sites that are no survivors masked for any U2 that they accept.
  void TellOthers(std::vector<View>& views, Set survivors, std::uint32_t i, Set released) {
    if (i == game_.honest()) return Play(views, released);
    if (Has(survivors, i)) return TellOthers(views, survivors, i + 1, released);
    for (Set told = 0; told < 1U << game_.sites; ++told) {
      if (!Has(told, i) || Size(told) < game_.threshold) continue;
      views[i] = View{told, 0};
      TellOthers(views, survivors, i + 1, released);
    }
  }

  void Play(const std::vector<View>& views, Set released) {
    ++outcome_.strategies;
    const Learned learned = LearnFrom(game_, views, released);
    outcome_.isolated = std::min(outcome_.isolated, learned.isolated);
    outcome_.both = outcome_.both || learned.both;
  }

  Game game_;
  bool symmetry_;
  Set honest_;
  Outcome outcome_;
};

/// Whether two different sets can be opened for one round, in two attempts: who released for the
/// first confirms no other, and the first took t shares, the second a quorum.
bool RetryOpensAnother(const Game& game) {
  const Set honest = First(game.honest());
  for (Set first = 0; first <= honest; ++first) {
    if (Size(first) + game.colluding < game.threshold) continue;
    for (Set second = 0; second <= honest; ++second) {
      if ((first & second) == 0 && Size(second) + game.colluding >= game.quorum) return true;
    }
  }
  return false;
}

/// Whether two groups of honest sites can confirm different transcripts and both reach a quorum.
bool TwoTranscriptsReachAQuorum(const Game& game) {
  const Set honest = First(game.honest());
  for (Set one = 0; one <= honest; ++one) {
    for (Set other = 0; other <= honest; ++other) {
      if ((one & other) == 0 && Size(one) + game.colluding >= game.quorum &&
          Size(other) + game.colluding >= game.quorum) {
        return true;
      }
    }
  }
  return false;
}

TEST(StrategiesTest, NoneOpensLessThanPromisedForThreeToSevenSites) {
  for (const std::uint32_t sites : {3U, 4U, 5U, 6U, 7U}) {
    const Game game = ByTheRule(sites);
    const Outcome outcome = StrategySearch(game, /*up_to_symmetry=*/true).Run();
    EXPECT_GE(outcome.isolated, game.threshold - game.colluding) << sites;
    EXPECT_NE(outcome.isolated, kNobody) << "an honest coordinator opens something";
    EXPECT_FALSE(outcome.both) << sites;
    EXPECT_FALSE(TwoTranscriptsReachAQuorum(game)) << sites;
    EXPECT_FALSE(RetryOpensAnother(game)) << sites;
    std::cout << sites << " sites: " << outcome.strategies << " strategies, at least "
              << outcome.isolated << " honest inputs in what is opened\n";
  }
}

TEST(StrategiesTest, SymmetryLeavesNothingOutWhereAllCanBePlayed) {
  for (const std::uint32_t sites : {3U, 4U, 5U, 6U}) {
    const Game game = ByTheRule(sites);
    const Outcome few = StrategySearch(game, true).Run();
    const Outcome all = StrategySearch(game, false).Run();
    EXPECT_LT(few.strategies, all.strategies);
    EXPECT_EQ(few.isolated, all.isolated) << sites;
    EXPECT_EQ(few.both, all.both) << sites;
  }
}

// With thresholds that are too low the same search finds what the rule forbids.
TEST(StrategiesTest, LowThresholdsAreFoundOut) {
  const Game low{4, 1, 2, 2};
  EXPECT_EQ(StrategySearch(low, true).Run().isolated, 1U);
  EXPECT_TRUE(TwoTranscriptsReachAQuorum(low));
  EXPECT_TRUE(RetryOpensAnother(low));
  EXPECT_TRUE(TwoTranscriptsReachAQuorum(Game{7, 2, 5, 4}));
  EXPECT_TRUE(RetryOpensAnother(Game{7, 2, 4, 5}));
}

}  // namespace
}  // namespace consilium
