#include "client/cohort_guard.h"

#include <algorithm>
#include <utility>

#include "common/crypto/hash.h"

namespace consilium {
namespace {

Digest DigestOf(const PatientCodes& patients) {
  Hasher hasher("consilium/cohort/v1");
  for (const std::uint64_t code : patients) hasher.Add(code);
  return hasher.Finish();
}

}  // namespace

Status CohortGuard::Restore(const RecordStore& store) {
  TRY(const std::vector<Record> records, store.Load("cohort"));
  for (const Record& record : records) {
    auto cohort = Decode<AnsweredCohort>(record.value);
    if (!cohort) return FailIn("table 'cohort'", cohort.error());
    const Digest digest = DigestOf(cohort->patients);
    if (!std::equal(record.key.begin(), record.key.end(), digest.span().begin(),
                    digest.span().end())) {
      return Fail(ErrorCode::kCorrupt, "a cohort of table 'cohort' was altered");
    }
    answered_.push_back(*std::move(cohort));
  }
  return {};
}

const AnsweredCohort* CohortGuard::TooClose(const PatientCodes& patients,
                                            std::uint64_t fewest) const {
  const auto found =
      std::find_if(answered_.begin(), answered_.end(), [&](const AnsweredCohort& answered) {
        const std::uint64_t difference = CountDifference(answered.patients, patients, fewest);
        return difference > 0 && difference < fewest;
      });
  return found == answered_.end() ? nullptr : &*found;
}

std::optional<PutRecord> CohortGuard::Remember(const StudyId& study,
                                               UtcSeconds at,
                                               PatientCodes patients) {
  const bool known =
      std::any_of(answered_.begin(), answered_.end(),
                  [&](const AnsweredCohort& answered) { return answered.patients == patients; });
  if (known) return std::nullopt;
  const Digest digest = DigestOf(patients);
  answered_.push_back({study, at, std::move(patients)});
  return PutRecord{"cohort", ToBytes(digest.span()), Encode(answered_.back())};
}

}  // namespace consilium
