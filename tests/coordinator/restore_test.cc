// State that was altered, cut or mixed up behind a core's back: Restore, or the study, says which.

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/coordinator_core.h"
#include "coordinator/records.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

std::vector<Record> RowsOf(const MemoryStore& store, const std::string& table) {
  return *store.Load(table);
}

void Put(MemoryStore& store, const std::string& table, const Bytes& key, const Bytes& value) {
  ASSERT_TRUE(store.Apply({PutRecord{table, key, value}}));
}

void Erase(MemoryStore& store, const std::string& table, const Bytes& key) {
  ASSERT_TRUE(store.Apply({EraseRecord{table, key}}));
}

/// A federation that has finished one study, and fresh cores over its stores.
class RestoreTest : public ::testing::Test {
 protected:
  RestoreTest() {
    study_ = federation_.RunningStudy();
    EXPECT_TRUE(federation_.RunToEnd(study_));
  }

  Status RestoreCoordinator() {
    CoordinatorCore core({"test-federation", "tcp://127.0.0.1:1", TransportKey{}},
                         federation_.coordinator_identity(), random_);
    return core.Restore(federation_.coordinator_store());
  }
  Status RestoreSite() {
    SiteCore core({"site-0", federation_.federation(),
                   federation_.coordinator_identity().public_key(), "consilium-site test"},
                  federation_.site_identity(0), MakePolicy(PolicyPreset::kStandard), random_);
    return core.Restore(federation_.site_store(0));
  }

  VirtualFederation federation_{{}};
  SeededRandom random_{99};
  StudyId study_;
};

void ExpectCorrupt(const Status& status, const std::string& words) {
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt) << status.error().message;
  EXPECT_THAT(status.error().message, HasSubstr(words));
}

TEST_F(RestoreTest, WhatWasStoredComesBack) {
  EXPECT_TRUE(RestoreCoordinator());
  EXPECT_TRUE(RestoreSite());
}

TEST_F(RestoreTest, AShortenedRowNamesItsTable) {
  for (const char* table : {"audit", "roster", "journal", "study"}) {
    const Record row = RowsOf(federation_.coordinator_store(), table).back();
    Bytes cut = row.value;
    cut.pop_back();
    Put(federation_.coordinator_store(), table, row.key, cut);
    ExpectCorrupt(RestoreCoordinator(), "table '" + std::string(table) + "'");
    Put(federation_.coordinator_store(), table, row.key, row.value);
  }
  for (const char* table : {"ledger", "roster", "receipt", "answered", "sum", "study"}) {
    const Record row = RowsOf(federation_.site_store(0), table).back();
    Bytes cut = row.value;
    cut.pop_back();
    Put(federation_.site_store(0), table, row.key, cut);
    ExpectCorrupt(RestoreSite(), "table '" + std::string(table) + "'");
    Put(federation_.site_store(0), table, row.key, row.value);
  }
  EXPECT_TRUE(RestoreCoordinator());
  EXPECT_TRUE(RestoreSite());
}

TEST_F(RestoreTest, AForgedRosterIsNotBelieved) {
  for (MemoryStore* store : {&federation_.coordinator_store(), &federation_.site_store(0)}) {
    const Record row = RowsOf(*store, "roster").back();
    SignedRoster roster = *Decode<SignedRoster>(row.value);
    roster.roster.members.pop_back();
    Put(*store, "roster", row.key, Encode(roster));
  }
  ExpectCorrupt(RestoreCoordinator(), "the stored roster is not signed");
  ExpectCorrupt(RestoreSite(), "the stored roster is not signed");
}

TEST_F(RestoreTest, AnotherPlanUnderAStudysNumberIsFound) {
  FederationOptions other;
  other.minimum_sites = 4;
  const Record row = RowsOf(federation_.coordinator_store(), "study").back();
  StudyRecord record = *Decode<StudyRecord>(row.value);
  record.plan_text = LogisticPlanText(other);
  Put(federation_.coordinator_store(), "study", row.key, Encode(record));
  const Record at_site = RowsOf(federation_.site_store(0), "study").back();
  SiteStudyRecord site_record = *Decode<SiteStudyRecord>(at_site.value);
  site_record.plan_text = LogisticPlanText(other);
  Put(federation_.site_store(0), "study", at_site.key, Encode(site_record));

  ExpectCorrupt(RestoreCoordinator(), study_.Short() + " was altered");
  ExpectCorrupt(RestoreSite(), study_.Short() + " was altered");
}

TEST_F(RestoreTest, ALostRoundIsNamed) {
  Erase(federation_.coordinator_store(), "journal",
        RowsOf(federation_.coordinator_store(), "journal").at(1).key);
  Erase(federation_.site_store(0), "sum", RowsOf(federation_.site_store(0), "sum").at(1).key);

  ExpectCorrupt(RestoreCoordinator(), "lacks round 2");
  ExpectCorrupt(RestoreSite(), "lacks round 2");
}

TEST_F(RestoreTest, RoundsOfAStudyThatIsGoneAreNamed) {
  Erase(federation_.coordinator_store(), "study", ToBytes(study_.span()));
  Erase(federation_.site_store(0), "study", ToBytes(study_.span()));

  ExpectCorrupt(RestoreCoordinator(), "rounds of study " + study_.Short());
  ExpectCorrupt(RestoreSite(), "rounds of study " + study_.Short());
}

TEST_F(RestoreTest, AnAlteredRecordOfALogIsNamedByItsNumber) {
  const Record audit = RowsOf(federation_.coordinator_store(), "audit").at(2);
  ChainRecord record = *Decode<ChainRecord>(audit.value);
  record.event = "site-invited-by-nobody";
  Put(federation_.coordinator_store(), "audit", audit.key, Encode(record));
  const Record ledger = RowsOf(federation_.site_store(0), "ledger").at(1);
  record = *Decode<ChainRecord>(ledger.value);
  record.detail = "{}";
  Put(federation_.site_store(0), "ledger", ledger.key, Encode(record));

  ExpectCorrupt(RestoreCoordinator(), "record 3 was altered");
  ExpectCorrupt(RestoreSite(), "record 2 was altered");
}

// -- A journal that the analysis does not fit
// ------------------------------------------------------------

class JournalTest : public ::testing::TestWithParam<std::function<void(JournalRecord&)>> {};

TEST_P(JournalTest, ThatDoesNotFitPausesTheStudyUntilItFits) {
  VirtualFederation federation({});
  const StudyId study = federation.RunningStudy();
  federation.to_site = [&](std::uint32_t, Bytes& bytes) {
    return OpenMessage(bytes)->route.round.value() < 3;
  };
  federation.Settle();
  ASSERT_EQ(federation.View(study).rounds_done, 2U);
  const Record row = RowsOf(federation.coordinator_store(), "journal").at(0);
  JournalRecord entry = *Decode<JournalRecord>(row.value);
  GetParam()(entry);
  Put(federation.coordinator_store(), "journal", row.key, Encode(entry));

  federation.CrashAndRestartCoordinator();

  EXPECT_EQ(federation.View(study).state, StudyState::kPaused);
  EXPECT_THAT(federation.View(study).reason, HasSubstr("does not fit"));
  EXPECT_THAT(federation.View(study).reason, HasSubstr("round 1"));

  federation.to_site = nullptr;
  Put(federation.coordinator_store(), "journal", row.key, row.value);
  federation.CrashAndRestartCoordinator();
  CoordinatorEffects effects;
  ASSERT_TRUE(federation.coordinator().Resume(study, federation.now(), effects));
  federation.Carry(effects);
  EXPECT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
}

INSTANTIATE_TEST_SUITE_P(
    Entry,
    JournalTest,
    ::testing::Values([](JournalRecord& entry) { entry.query.bytes[0] ^= std::byte{1}; },
                      [](JournalRecord& entry) { entry.sum.pop_back(); },
                      [](JournalRecord& entry) { entry.sum[0] = ~std::uint64_t{0} / 2; },
                      [](JournalRecord& entry) { entry.capacity = 0; }));

}  // namespace
}  // namespace consilium::testing
