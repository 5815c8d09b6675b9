#include "client/policy/cohort_guard.h"

#include <algorithm>
#include <utility>

#include "common/crypto/hash.h"
#include "common/stored_rows.h"

namespace consilium {
namespace {

Digest DigestOf(const CohortPatients& patients) {
  Hasher hasher("consilium/cohort/v1");
  for (const CohortPatient& patient : patients) {
    hasher.Add(patient.code).Add(std::uint64_t{patient.rows});
  }
  return hasher.Finish();
}

}  // namespace

Status CohortGuard::Restore(const RecordStore& store) {
  TRY(auto cohorts, LoadRows<AnsweredCohort>(store, "cohort"));
  for (auto& [key, cohort] : cohorts) {
    if (key != ToBytes(DigestOf(cohort.patients).span())) {
      return Fail(ErrorCode::kCorrupt, "a cohort of table 'cohort' was altered");
    }
    answered_.push_back(std::move(cohort));
  }
  return {};
}

const AnsweredCohort* CohortGuard::TooClose(const CohortPatients& patients,
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
                                               CohortPatients patients) {
  const bool known =
      std::any_of(answered_.begin(), answered_.end(),
                  [&](const AnsweredCohort& answered) { return answered.patients == patients; });
  if (known) return std::nullopt;
  const Digest digest = DigestOf(patients);
  answered_.push_back({study, at, std::move(patients)});
  return PutRecord{"cohort", ToBytes(digest.span()), Encode(answered_.back())};
}

}  // namespace consilium
