// What can be sent, and what cannot: there is no way to put a site's numbers or a secret into a
// message.

#include <gtest/gtest.h>

#include "common/crypto/scalar.h"
#include "common/secret.h"
#include "common/wire.h"
#include "protocols/analysis.h"
#include "protocols/cohort.h"
#include "protocols/messages.h"
#include "protocols/secure_sum/site_session.h"

namespace consilium {
namespace {

template <class... Types>
constexpr bool kNoneIsEncodable = (!WireEncodable<Types> && ...);
/// Nor can a message hold one as a field.
template <class... Types>
constexpr bool kNoneIsAField = (!WireField<Types, WireWriter> && ...);

static_assert(kNoneIsEncodable<Contribution, Cohort, CohortView, CohortWithFlow, DataTable>);
static_assert(kNoneIsEncodable<CohortFlow>);
static_assert(kNoneIsEncodable<SecretKey32, Scalar, SigningKey, PrekeySecrets, SiteSession>);
static_assert(kNoneIsEncodable<RingVector>);
static_assert(kNoneIsAField<Contribution, Cohort, DataTable, RowMatrix>);
static_assert(kNoneIsAField<SecretKey32, Scalar, SigningKey, PrekeySecrets>);

TEST(EncodableTest, MessagesAreAndClearContributionsAreNot) {
  EXPECT_TRUE((WireEncodable<Chunk> && WireEncodable<UploadHeader>));
  EXPECT_FALSE((WireEncodable<Contribution> || WireField<Contribution, WireWriter>));
  EXPECT_FALSE((WireEncodable<Cohort> || WireField<Cohort, WireWriter>));
}

}  // namespace
}  // namespace consilium
