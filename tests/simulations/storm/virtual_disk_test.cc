#include "simulations/storm/virtual_disk.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

PutRecord Put(const std::string& key, const std::string& value) {
  return PutRecord{"table", ToBytes(key), ToBytes(value)};
}

std::string At(const VirtualDisk& disk, const std::string& key) {
  const Bytes* value = disk.Find("table", ToBytes(key));
  return value == nullptr ? "nothing" : std::string(AsText(*value));
}

TEST(VirtualDiskTest, AFullDiskTakesNothing) {
  VirtualDisk disk;
  ASSERT_TRUE(disk.Apply({Put("a", "1")}));
  disk.SetFull(true);

  const Status stored = disk.Apply({Put("a", "2"), Put("b", "3")});

  ASSERT_FALSE(stored.has_value());
  EXPECT_EQ(stored.error().code, ErrorCode::kStorageFull);
  EXPECT_EQ(At(disk, "a"), "1");
  EXPECT_EQ(At(disk, "b"), "nothing");
}

TEST(VirtualDiskTest, ForgetsWholeBatchesNewestFirst) {
  VirtualDisk disk;
  ASSERT_TRUE(disk.Apply({Put("a", "1")}));
  ASSERT_TRUE(disk.Apply({Put("a", "2"), Put("a", "3"), Put("b", "4")}));
  ASSERT_TRUE(disk.Apply({EraseRecord{"table", ToBytes("a")}}));

  EXPECT_EQ(disk.Forget(1), 1U);
  EXPECT_EQ(At(disk, "a"), "3");
  EXPECT_EQ(disk.Forget(1), 1U);
  EXPECT_EQ(At(disk, "a"), "1");
  EXPECT_EQ(At(disk, "b"), "nothing");
  EXPECT_EQ(disk.Forget(5), 1U);
  EXPECT_EQ(At(disk, "a"), "nothing");
}

TEST(VirtualDiskTest, GoesBackToItsSnapshot) {
  VirtualDisk disk;
  EXPECT_FALSE(disk.RestoreSnapshot());
  ASSERT_TRUE(disk.Apply({Put("a", "1")}));
  disk.TakeSnapshot();
  ASSERT_TRUE(disk.Apply({Put("a", "2"), Put("b", "3")}));

  EXPECT_TRUE(disk.RestoreSnapshot());

  EXPECT_EQ(At(disk, "a"), "1");
  EXPECT_EQ(At(disk, "b"), "nothing");
  EXPECT_EQ(disk.Forget(1), 0U) << "what was undone belongs to another past";
}

TEST(VirtualDiskTest, EqualLongValuesOfTwoDisksAreOne) {
  SharedValues shared;
  VirtualDisk one;
  VirtualDisk two;
  one.ShareWith(shared);
  two.ShareWith(shared);
  const std::string roster(5'000, 'r');
  ASSERT_TRUE(one.Apply({Put("a", roster), Put("b", "short")}));
  ASSERT_TRUE(two.Apply({Put("c", roster), Put("b", "short")}));
  EXPECT_EQ(one.Find("table", ToBytes("a")), two.Find("table", ToBytes("c")));

  ASSERT_TRUE(two.Apply({Put("c", std::string(5'000, 's'))}));

  EXPECT_EQ(At(one, "a"), roster);
  EXPECT_EQ(At(two, "c"), std::string(5'000, 's'));
  EXPECT_EQ(two.Forget(1), 1U);
  EXPECT_EQ(At(two, "c"), roster);
}

TEST(VirtualDiskTest, WithoutHistoryNothingGoesBack) {
  VirtualDisk disk;
  disk.KeepNoHistory();
  ASSERT_TRUE(disk.Apply({Put("a", "1")}));
  disk.TakeSnapshot();
  ASSERT_TRUE(disk.Apply({Put("a", "2")}));

  EXPECT_EQ(disk.Forget(3), 0U);
  EXPECT_FALSE(disk.RestoreSnapshot());
  EXPECT_EQ(At(disk, "a"), "2");
}

TEST(VirtualDiskTest, LoadsInKeyOrder) {
  VirtualDisk disk;
  ASSERT_TRUE(disk.Apply({Put("b", "2"), Put("a", "1"), Put("c", "3")}));

  const auto records = disk.Load("table");

  ASSERT_TRUE(records.has_value());
  ASSERT_EQ(records->size(), 3U);
  EXPECT_EQ(AsText(records->front().key), "a");
  EXPECT_EQ(AsText(*disk.Last("table")), "3");
  EXPECT_EQ(disk.Last("other"), nullptr);
}

}  // namespace
}  // namespace consilium
