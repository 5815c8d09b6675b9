#include "protocols/hash_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::HasSubstr;

class HashChainTest : public ::testing::Test {
 protected:
  void Write(int records) {
    for (int i = 0; i < records; ++i) {
      ASSERT_TRUE(store_.Apply({chain_.Append(UtcSeconds{1'000 + i}, "event", "{}", key_)}));
    }
  }
  Record RecordAt(std::size_t index) { return store_.Load("audit")->at(index); }
  Status Restored() { return HashChain("audit", "test/v1").Restore(store_, key_.public_key()); }

  SeededRandom random_{1};
  SigningKey key_ = SigningKey::Generate(random_);
  MemoryStore store_;
  HashChain chain_{"audit", "test/v1"};
};

TEST_F(HashChainTest, ComesBackWithTheSameHead) {
  Write(5);
  HashChain again("audit", "test/v1");

  ASSERT_TRUE(again.Restore(store_, key_.public_key()));

  EXPECT_EQ(again.head(), chain_.head());
  EXPECT_EQ(again.head().records, 5U);
}

TEST_F(HashChainTest, NamesTheFirstRecordThatWasChanged) {
  Write(5);
  for (std::size_t index = 0; index < 5; ++index) {
    const Record original = RecordAt(index);
    for (std::size_t byte = 0; byte < original.value.size(); byte += 7) {
      Bytes changed = original.value;
      changed[byte] ^= std::byte{1};
      ASSERT_TRUE(store_.Apply({PutRecord{"audit", original.key, changed}}));
      const Status restored = Restored();
      ASSERT_FALSE(restored) << index << " " << byte;
      EXPECT_THAT(restored.error().message, HasSubstr("record " + std::to_string(index + 1)));
    }
    ASSERT_TRUE(store_.Apply({PutRecord{"audit", original.key, original.value}}));
  }
  EXPECT_TRUE(Restored());
}

TEST_F(HashChainTest, NamesARemovedAndASwappedRecord) {
  Write(4);
  const Record second = RecordAt(1);
  const Record third = RecordAt(2);
  ASSERT_TRUE(store_.Apply({EraseRecord{"audit", second.key}}));
  EXPECT_THAT(Restored().error().message, HasSubstr("record 2 is missing"));

  ASSERT_TRUE(store_.Apply(
      {PutRecord{"audit", second.key, third.value}, PutRecord{"audit", third.key, second.value}}));
  EXPECT_THAT(Restored().error().message, HasSubstr("record 2"));
}

TEST_F(HashChainTest, ATruncatedChainDoesNotContainALaterReceipt) {
  Write(3);
  const AuditHead receipt = chain_.head();
  ASSERT_TRUE(store_.Apply({EraseRecord{"audit", RecordAt(2).key}}));
  HashChain truncated("audit", "test/v1");

  ASSERT_TRUE(truncated.Restore(store_, key_.public_key()));

  EXPECT_FALSE(truncated.Contains(receipt));
  EXPECT_TRUE(chain_.Contains(receipt));
  EXPECT_TRUE(chain_.Contains(AuditHead{}));
  EXPECT_FALSE(chain_.Contains(AuditHead{2, receipt.hash}));
}

TEST_F(HashChainTest, AReceiptIsItsOwnersForOneHead) {
  Write(3);
  const Receipt receipt = SignReceipt(chain_.head(), key_);
  EXPECT_TRUE(VerifyReceipt(receipt, key_.public_key()));

  Receipt longer = receipt;
  ++longer.head.records;
  EXPECT_FALSE(VerifyReceipt(longer, key_.public_key()));
  Receipt other = receipt;
  other.head.hash.bytes[0] ^= std::byte{1};
  EXPECT_FALSE(VerifyReceipt(other, key_.public_key()));
  SeededRandom random(99);
  EXPECT_FALSE(VerifyReceipt(receipt, SigningKey::Generate(random).public_key()));
}

TEST_F(HashChainTest, AnotherOwnersOrDomainsRecordsAreRefused) {
  Write(1);
  const SigningKey other = SigningKey::Generate(random_);

  EXPECT_FALSE(HashChain("audit", "test/v1").Restore(store_, other.public_key()));
  EXPECT_FALSE(HashChain("audit", "other/v1").Restore(store_, key_.public_key()));
}

}  // namespace
}  // namespace consilium
