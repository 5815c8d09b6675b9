#pragma once

// A site's memory of the cohorts that it has answered with. Two sums over cohorts that differ by a
// few patients are, subtracted, a sum over those few; so a cohort that comes so close to an earlier
// one is not answered with, whatever the study.

#include <cstdint>
#include <optional>
#include <vector>

#include "client/policy/patient_codes.h"
#include "common/ids.h"
#include "common/result.h"
#include "common/storage.h"
#include "common/time.h"
#include "common/wire.h"

namespace consilium {

/// Table "cohort", key: the digest of its patients. The study that answered with it first.
struct AnsweredCohort {
  StudyId study;
  UtcSeconds at;
  CohortPatients patients;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(study, at, AtMost<kMaxPatientCodes>(patients));
  }
};

class CohortGuard {
 public:
  Status Restore(const RecordStore& store);

  /// The first answered cohort that differs from these patients by at least one and fewer than
  /// `fewest`; null when there is none. Sixteen bytes of memory a patient
  /// and cohort.
  const AnsweredCohort* TooClose(const CohortPatients& patients, std::uint64_t fewest) const;

  /// All of them, in no order.
  const std::vector<AnsweredCohort>& answered() const { return answered_; }

  /// What must be durable before an answer on this cohort leaves; nothing where it is known.
  std::optional<PutRecord> Remember(const StudyId& study, UtcSeconds at, CohortPatients patients);

 private:
  std::vector<AnsweredCohort> answered_;
};

}  // namespace consilium
