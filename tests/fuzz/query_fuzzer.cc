// A query's bytes, as each analysis reads them before it describes or answers: the first byte
// chooses one of the example plans. A site asks only itself, so this is a second line: a query that
// is none of the analysis's is refused in words, and what one describes fits its limits.

#include <exception>
#include <fstream>
#include <iterator>
#include <string>

#include "protocols/plan.h"
#include "tests/fuzz/fuzz_target.h"

namespace consilium {
namespace {

/// A plan of every kind of analysis. An input's first byte is a place in this list: append only.
constexpr const char* kExamples[] = {"heart.toml",
                                     "heart_linear.toml",
                                     "heart_poisson.toml",
                                     "heart_summary.toml",
                                     "heart_meta.toml",
                                     "heart_evaluate.toml",
                                     "heart_validate.toml",
                                     "heart_leave_one_out.toml",
                                     "heart_derived.toml",
                                     "heart_train.toml",
                                     "transplant.toml",
                                     "transplant_train.toml",
                                     "transplant_survival.toml",
                                     "transplant_evaluate.toml",
                                     "transplant_validate.toml"};

std::vector<Plan> ReadPlans() {
  std::vector<Plan> plans;
  for (const std::string name : kExamples) {
    std::ifstream stream(std::string(CONSILIUM_SOURCE_FOLDER) + "/examples/" + name);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    Result<Plan> plan = ParsePlan(text, name);
    CHECK(plan.has_value());
    plans.push_back(*std::move(plan));
  }
  return plans;
}

const std::vector<Plan>& Plans() {
  static const std::vector<Plan> plans = ReadPlans();
  return plans;
}

struct Asked : std::exception {};

/// Keeps the first query.
class FirstQuery final : public Federation {
 public:
  Aggregate Sum(const Query& query) override {
    body = query.body;
    throw Asked();
  }
  Bytes body;
};

}  // namespace

void FuzzOne(ByteSpan input) {
  if (input.empty()) return;
  const Plan& plan = Plans()[std::to_integer<std::size_t>(input[0]) % Plans().size()];
  const auto slices = plan.analysis->Describe(Query{ToBytes(input.subspan(1))});
  if (!slices) {
    CHECK(!slices.error().message.empty());
    return;
  }
  CHECK(!slices->empty());
  for (const Slice& slice : *slices) CHECK(!slice.name.empty() && !slice.meaning.empty());
}

std::vector<Bytes> FuzzSeeds() {
  std::vector<Bytes> seeds;
  for (std::size_t i = 0; i < Plans().size(); ++i) {
    FirstQuery federation;
    try {
      (void)Plans()[i].analysis->Run(federation);
    } catch (const Asked&) {
    }
    CHECK(!federation.body.empty());
    Bytes seed{static_cast<std::byte>(i)};
    seed.insert(seed.end(), federation.body.begin(), federation.body.end());
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace consilium
