#include "common/sleep_watch.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(SleepWatchTest, TellsOfASleepOnce) {
  SleepWatch watch;
  EXPECT_FALSE(watch.Look(Duration(7'200'000))) << "what was slept before the start";
  EXPECT_FALSE(watch.Look(Duration(7'200'001)));
  EXPECT_EQ(watch.Look(Duration(7'260'000)), Duration(60'000));
  EXPECT_FALSE(watch.Look(Duration(7'260'000)));
}

TEST(SleepWatchTest, AddsUpWhatIsTooShortAlone) {
  SleepWatch watch;
  watch.Look(Duration(0));
  EXPECT_FALSE(watch.Look(Duration(2'000)));
  EXPECT_EQ(watch.Look(Duration(4'000)), Duration(4'000));
}

}  // namespace
}  // namespace consilium
