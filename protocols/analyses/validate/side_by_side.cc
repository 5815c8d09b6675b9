#include "protocols/analyses/validate/side_by_side.h"

#include <memory>
#include <optional>
#include <utility>

#include "common/check.h"

namespace consilium::validate {

Status RunSideBySide(std::vector<LoopThread::Loop> loops, const AskTogether& ask) {
  std::vector<std::unique_ptr<LoopThread>> threads;
  std::vector<Pending> pending;
  const auto note = [&pending](std::size_t loop, std::optional<Query> query) {
    if (query) pending.push_back({loop, *std::move(query)});
  };
  for (LoopThread::Loop& loop : loops) {
    threads.push_back(std::make_unique<LoopThread>(std::move(loop)));
    note(threads.size() - 1, threads.back()->Start());
  }
  while (!pending.empty()) {
    TRY(std::vector<Aggregate> sums, ask(pending));
    CHECK(sums.size() == pending.size());
    const std::vector<Pending> asked = std::exchange(pending, {});
    for (std::size_t i = 0; i < asked.size(); ++i) {
      note(asked[i].loop, threads[asked[i].loop]->Resume(std::move(sums[i])));
    }
  }
  return {};
}

}  // namespace consilium::validate
