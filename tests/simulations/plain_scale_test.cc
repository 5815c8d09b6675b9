// Covers simulations/site_table.cc, simulations/thread_pool.cc, simulations/ranks.cc and
// simulations/plain_federation.cc: many sites on many threads and ranks.

#include <array>
#include <atomic>
#include <barrier>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "protocols/plan.h"
#include "simulations/plain_federation.h"
#include "simulations/site_table.h"

namespace consilium {
namespace {

Plan MakePlan(const std::string& analysis = "kind = \"logistic\"\n") {
  return ParsePlan(
             "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n"
             "minimum_sites = 3\n[contract]\npatient = \"id\"\nmaximum_patients = 1000\n"
             "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
             "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [18, 110]\n"
             "[[contract.column]]\nname = \"stage\"\ntype = \"category\"\n"
             "levels = [\"I\", \"II\", \"III\"]\n"
             "[analysis]\noutcome = \"ill\"\nfeatures = [\"age\", \"stage\"]\n" +
                 analysis,
             "plan.toml")
      .value();
}

SiteTable MakeTable(const Plan& plan, std::size_t sites) {
  SeededRandom random(std::uint64_t{5});
  SiteTable table(plan.analysis->columns(), sites, sites * 8);
  for (std::size_t site = 0; site < sites; ++site) {
    const std::size_t rows = 1 + site % 8;
    std::span<double> values = table.Add(rows, rows);
    for (std::size_t row = 0; row < rows; ++row, values = values.subspan(3)) {
      values[1] = 18 + 92 * random.Unit();
      values[2] = static_cast<double>(random.Below(3));
      values[0] = random.Unit() < values[1] / 200 + values[2] / 8 ? 1 : 0;
    }
  }
  return table;
}

std::vector<Cohort> OwnCohorts(const SiteTable& table) {
  std::vector<Cohort> cohorts;
  for (const CohortView& site : table.sites()) {
    cohorts.push_back(Cohort{table.columns(), site.values, site.patients});
  }
  return cohorts;
}

/// Ranks that are threads: the messages of a simulation without any library for them.
class ThreadRanks final : public Ranks {
 public:
  struct Meeting {
    explicit Meeting(std::uint32_t count) : barrier(count), numbers(count), texts(count) {}
    std::barrier<> barrier;
    std::vector<std::vector<std::uint64_t>> numbers;
    std::vector<std::string> texts;
  };
  ThreadRanks(Meeting& meeting, std::uint32_t rank) : meeting_(meeting), rank_(rank) {}

  std::uint32_t rank() const override { return rank_; }
  std::uint32_t count() const override { return static_cast<std::uint32_t>(meeting_.texts.size()); }
  void Sum(std::span<std::uint64_t> words) override {
    Exchange({words.begin(), words.end()}, "");
    for (std::uint32_t other = 0; other < count(); ++other) {
      if (other != rank_) AddTo(words, meeting_.numbers[other]);
    }
    meeting_.barrier.arrive_and_wait();
  }
  std::uint32_t Smallest(std::uint32_t number) override {
    Exchange({number}, "");
    for (const std::vector<std::uint64_t>& other : meeting_.numbers) {
      number = std::min(number, static_cast<std::uint32_t>(other.front()));
    }
    meeting_.barrier.arrive_and_wait();
    return number;
  }
  std::string Broadcast(std::string text, std::uint32_t from) override {
    Exchange({}, std::move(text));
    std::string result = meeting_.texts[from];
    meeting_.barrier.arrive_and_wait();
    return result;
  }

 private:
  void Exchange(std::vector<std::uint64_t> numbers, std::string text) {
    meeting_.numbers[rank_] = std::move(numbers);
    meeting_.texts[rank_] = std::move(text);
    meeting_.barrier.arrive_and_wait();
  }

  Meeting& meeting_;
  std::uint32_t rank_;
};

/// What each rank gets when these sites are shared by `count` ranks.
std::vector<Result<PlainRun>> RunOnRanks(const Analysis& analysis,
                                         std::span<const CohortView> sites,
                                         std::uint32_t count) {
  ThreadRanks::Meeting meeting(count);
  std::vector<Result<PlainRun>> results(count);
  std::vector<std::thread> threads;
  for (std::uint32_t rank = 0; rank < count; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadRanks ranks(meeting, rank);
      PlainOptions options;
      options.threads = 1 + rank % 2;
      options.ranks = &ranks;
      results[rank] = RunPlain(analysis, ShardOf(sites, ranks), options);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return results;
}

TEST(SiteTableTest, GivesTheBitsOfCohortsOfTheirOwn) {
  const Plan plan = MakePlan();
  const SiteTable table = MakeTable(plan, 500);
  const std::vector<Cohort> cohorts = OwnCohorts(table);
  std::vector<const Cohort*> pointers;
  for (const Cohort& cohort : cohorts) pointers.push_back(&cohort);

  const PlainRun in_table = RunPlain(*plan.analysis, table.sites()).value();

  EXPECT_EQ(in_table.result.json, RunPlain(*plan.analysis, pointers)->result.json);
  EXPECT_TRUE(in_table.result.converged);
}

TEST(SiteTableTest, PooledHasAllRowsAndPatients) {
  const Plan plan = MakePlan();
  SiteTable built = MakeTable(plan, 20);
  const SiteTable table = std::move(built);
  const CohortView pooled = table.Pooled();
  Eigen::Index at = 0;
  std::uint64_t patients = 0;
  for (const CohortView& site : table.sites()) {
    EXPECT_EQ(pooled.values.middleRows(at, site.values.rows()), site.values);
    EXPECT_EQ(site.columns[0], "ill");
    at += site.values.rows();
    patients += site.patients;
  }
  EXPECT_EQ(pooled.values.rows(), at);
  EXPECT_EQ(pooled.patients, patients);
}

TEST(PlainScaleTest, ThreadsAndRanksChangeNoBit) {
  const Plan plan = MakePlan();
  const SiteTable table = MakeTable(plan, 3001);
  const PlainRun one = RunPlain(*plan.analysis, table.sites()).value();
  for (const unsigned threads : {2U, 3U, 7U}) {
    PlainOptions options;
    options.threads = threads;
    EXPECT_EQ(RunPlain(*plan.analysis, table.sites(), options)->result.json, one.result.json);
  }
  for (const std::uint32_t count : {2U, 3U, 5U}) {
    for (const Result<PlainRun>& run : RunOnRanks(*plan.analysis, table.sites(), count)) {
      ASSERT_TRUE(run.has_value());
      EXPECT_EQ(run->result.json, one.result.json);
      EXPECT_EQ(run->rounds, one.rounds);
    }
  }
}

TEST(PlainScaleTest, RanksWithoutSitesTakePart) {
  const Plan plan = MakePlan();
  const SiteTable table = MakeTable(plan, 3);
  const std::string pooled = RunPlain(*plan.analysis, table.sites())
                                 .map([](const PlainRun& run) { return run.result.json; })
                                 .value_or("none");
  for (const Result<PlainRun>& run : RunOnRanks(*plan.analysis, table.sites(), 5)) {
    EXPECT_EQ(run ? run->result.json : "none", pooled);
  }
}

TEST(PlainScaleTest, EveryRankEndsWithTheFirstSitesError) {
  const Plan plan = MakePlan();
  SiteTable table(plan.analysis->columns(), 100, 100);
  for (std::size_t site = 0; site < 100; ++site) {
    const std::span<double> values = table.Add(1, 1);
    values[0] = static_cast<double>(site % 2);
    values[1] = site == 97 ? 17 : 50;
    values[2] = site == 41 ? 3 : 1;
  }
  for (const Result<PlainRun>& run : RunOnRanks(*plan.analysis, table.sites(), 4)) {
    ASSERT_FALSE(run.has_value());
    EXPECT_EQ(run.error().code, ErrorCode::kDataQuality);
    EXPECT_THAT(run.error().message, ::testing::HasSubstr("\"stage\""));
    EXPECT_THAT(run.error().remedy, ::testing::HasSubstr("source file"));
  }
}

TEST(PlainScaleTest, WordsOfAMillionSitesFitTheRing) {
  const Plan plan = MakePlan();
  class Probe final : public Federation {
   public:
    explicit Probe(const Analysis& analysis) : analysis_(analysis) {}
    Aggregate Sum(const Query& query) override {
      const std::vector<Slot> slots = SlotsOf(analysis_.Describe(query).value());
      capacity = CheckCapacity(slots, 1'000'000);
      throw StudyInterrupted{};
    }
    Status capacity;

   private:
    const Analysis& analysis_;
  };
  Probe probe(*plan.analysis);
  EXPECT_THROW(static_cast<void>(plan.analysis->Run(probe)), StudyInterrupted);
  EXPECT_TRUE(probe.capacity.has_value());
}

TEST(RanksTest, ShardsAreAllSitesInOrder) {
  ThreadRanks::Meeting meeting(3);
  const std::array<int, 7> all = {0, 1, 2, 3, 4, 5, 6};
  std::vector<int> together;
  for (std::uint32_t rank = 0; rank < 3; ++rank) {
    for (const int site : ShardOf(std::span<const int>(all), ThreadRanks(meeting, rank))) {
      together.push_back(site);
    }
  }
  EXPECT_THAT(together, ::testing::ElementsAreArray(all));
}

TEST(RanksTest, AProcessAloneAgreesWithItself) {
  SingleProcess alone;
  EXPECT_TRUE(AgreeOn(alone, {}).has_value());
  const Status failed = AgreeOn(alone, Fail(ErrorCode::kIo, "the disk", "mend it"));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  EXPECT_EQ(failed.error().message, "the disk");
  EXPECT_EQ(failed.error().remedy, "mend it");
}

TEST(PlainScaleTest, SitesThatKeepNothingBetweenRoundsTrainTheSameModel) {
  const std::string training = "kind = \"train\"\nmodel = \"logistic\"\nrounds = 4\n";
  for (const std::string strategy : {"", "strategy = \"scaffold\"\n"}) {
    const Plan plan = MakePlan(training + strategy);
    const SiteTable table = MakeTable(plan, 40);
    PlainOptions forgetful;
    forgetful.most_scratches = 39;
    EXPECT_EQ(RunPlain(*plan.analysis, table.sites(), forgetful).value().result.json,
              RunPlain(*plan.analysis, table.sites()).value().result.json);
  }
}

TEST(ThreadPoolTest, EachRunCallsEachIndexOnce) {
  ThreadPool pool(4);
  std::array<std::atomic<int>, 4> calls{};
  for (int run = 1; run <= 50; ++run) {
    pool.Run([&calls](std::size_t index) { ++calls[index]; });
    for (const std::atomic<int>& count : calls) EXPECT_EQ(count, run);
  }
  EXPECT_EQ(pool.size(), 4u);
}

}  // namespace
}  // namespace consilium
