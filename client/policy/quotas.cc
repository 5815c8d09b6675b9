#include "client/policy/quotas.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "common/stored_rows.h"
#include "protocols/hash_chain.h"

namespace consilium {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kMonthSeconds = 30 * kDaySeconds;
constexpr std::int64_t kMostAnswers = 1'000'000;

Status ParseQuota(const Settings& settings, std::string_view key, std::uint32_t& quota) {
  TRY(const std::int64_t number, settings.IntegerBetween(key, 1, kMostAnswers, quota));
  quota = static_cast<std::uint32_t>(number);
  return {};
}

/// The study in the detail of a record "answered", as SiteStudy writes it: its first field.
std::optional<StudyId> StudyOf(std::string_view detail) {
  constexpr std::string_view kStart = R"({"study":")";
  StudyId study;
  const std::size_t digits = 2 * study.bytes.size();
  if (!detail.starts_with(kStart) || detail.size() < kStart.size() + digits) return std::nullopt;
  const Result<Bytes> bytes = FromHex(detail.substr(kStart.size(), digits));
  if (!bytes || bytes->size() != study.bytes.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), study.bytes.begin());
  return study;
}

}  // namespace

Status ParseQuotas(const Settings& settings, Quotas& quotas) {
  TRY_STATUS(ParseQuota(settings, "maximum_answers_a_day", quotas.answers_a_day));
  TRY_STATUS(ParseQuota(settings, "maximum_answers_a_month", quotas.answers_a_month));
  return ParseQuota(settings, "maximum_studies_a_month", quotas.studies_a_month);
}

Status AnswerHistory::Restore(const RecordStore& store, std::string_view ledger_table) {
  const std::string table(ledger_table);
  TRY(const auto records, LoadRows<ChainRecord>(store, table));
  answers_.clear();
  for (const auto& [key, record] : records) {
    if (record.event != "answered") continue;
    const std::optional<StudyId> study = StudyOf(record.detail);
    if (!study) {
      return Fail(ErrorCode::kCorrupt, "record " + std::to_string(record.number) + " of table '" +
                                           table + "' names no study that was answered");
    }
    Add(*study, record.at);
  }
  return {};
}

AnswersSoFar AnswerHistory::Before(UtcSeconds now, const StudyId& study) const {
  AnswersSoFar so_far;
  std::set<StudyId> others;
  for (const Answer& answer : answers_) {
    const std::int64_t age = now.seconds - answer.at.seconds;
    if (age < kDaySeconds) ++so_far.a_day;
    if (age >= kMonthSeconds) continue;
    ++so_far.a_month;
    if (answer.study != study) others.insert(answer.study);
  }
  so_far.other_studies_a_month = others.size();
  return so_far;
}

std::uint64_t AnswerHistory::AnswersTo(const StudyId& study) const {
  const auto count = std::count_if(answers_.begin(), answers_.end(),
                                   [&](const Answer& answer) { return answer.study == study; });
  return static_cast<std::uint64_t>(count);
}

}  // namespace consilium
