#include "common/storage_outage.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

/// Writes nothing and fails as it is told to, or writes.
class FailingStore final : public RecordStore {
 public:
  std::optional<ErrorCode> fails;
  int tries = 0;

  Result<std::vector<Record>> Load(const std::string&) const override {
    return std::vector<Record>();
  }
  Status Apply(const RecordBatch&) override {
    ++tries;
    if (fails) return Fail(*fails, "no room");
    return {};
  }
};

Moment At(std::int64_t milliseconds) {
  Moment moment;
  moment.monotonic = Instant{milliseconds};
  return moment;
}

TEST(StorageOutageTest, LastsUntilSomethingIsWritten) {
  FailingStore store;
  StorageOutage outage;
  EXPECT_FALSE(outage.lasts());
  outage.Begin(Error{ErrorCode::kStorageFull, "the disk is full", ""}, At(1'000).monotonic);
  ASSERT_TRUE(outage.lasts());
  EXPECT_EQ(outage.why().message, "the disk is full");
  EXPECT_EQ(outage.Wait(At(1'500).monotonic), Duration(1'500));

  EXPECT_EQ(outage.TryToEnd(store, At(2'999)).value(), false);
  EXPECT_EQ(store.tries, 0) << "its time had not come";
  store.fails = ErrorCode::kStorageFull;
  EXPECT_EQ(outage.TryToEnd(store, At(3'000)).value(), false);
  EXPECT_EQ(outage.TryToEnd(store, At(4'000)).value(), false);
  EXPECT_EQ(store.tries, 1);
  EXPECT_TRUE(outage.lasts());

  store.fails.reset();
  EXPECT_EQ(outage.TryToEnd(store, At(5'000)).value(), true);
  EXPECT_FALSE(outage.lasts());
}

TEST(StorageOutageTest, AStoreThatMayHaveLostSomethingIsToBeOpenedAnew) {
  FailingStore store;
  store.fails = ErrorCode::kIo;
  StorageOutage outage;
  outage.Begin(Error{ErrorCode::kIo, "fsync failed", ""}, At(0).monotonic);
  const auto over = outage.TryToEnd(store, At(2'000));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, ErrorCode::kIo);
  EXPECT_TRUE(outage.lasts());
}

}  // namespace
}  // namespace consilium
