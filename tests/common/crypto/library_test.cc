#include "common/crypto/library.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(InitialiseCryptoTest, MayBeCalledAgain) {
  EXPECT_TRUE(InitialiseCrypto().has_value());
  EXPECT_TRUE(InitialiseCrypto().has_value());
}

}  // namespace
}  // namespace consilium
