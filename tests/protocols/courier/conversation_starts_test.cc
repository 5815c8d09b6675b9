#include "protocols/courier/conversation_starts.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(ConversationStartsTest, EachIsLaterThanTheOneBeforeWhateverTheClockSays) {
  EXPECT_EQ(NextStart(UtcSeconds{100}, UtcSeconds{500}), UtcSeconds{500});
  EXPECT_EQ(NextStart(UtcSeconds{500}, UtcSeconds{500}), UtcSeconds{501});
  EXPECT_EQ(NextStart(UtcSeconds{500}, UtcSeconds{100}), UtcSeconds{501});
}

TEST(ConversationStartsTest, TheNewestIsKept) {
  MemoryStore store;
  EXPECT_EQ(LastStart(store).value(), UtcSeconds{});
  ASSERT_TRUE(store.Apply(KeptStart(UtcSeconds{100})));
  ASSERT_TRUE(store.Apply(KeptStart(UtcSeconds{101})));
  EXPECT_EQ(LastStart(store).value(), UtcSeconds{101});
}

TEST(ConversationStartsTest, ADamagedRecordIsNamed) {
  MemoryStore store;
  ASSERT_TRUE(store.Apply({PutRecord{"courier", ToBytes("last-start"), Bytes(3)}}));
  EXPECT_EQ(LastStart(store).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace consilium
