#pragma once

// Numbers that stand for a site's patients in its own records: the list of those who take no part,
// and the cohorts that were answered with. Equal for equal patients of one site; without the site's
// identity nobody can tell whose they are, not even by trying all identifiers.

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/signing.h"
#include "common/result.h"
#include "common/secret.h"
#include "common/wire.h"

namespace consilium {

/// Sorted and distinct.
using PatientCodes = std::vector<std::uint64_t>;

/// What a list of patients, or a cohort, may hold in the site's records.
inline constexpr std::size_t kMaxPatientCodes = 1U << 24U;

/// Patients that a site leaves out of all cohorts, and what codes are made with. Empty by default.
struct PatientRegister {
  SecretKey32 key;
  PatientCodes excluded;
};

SecretKey32 PatientKeyOf(const SigningKey& identity);

/// The first eight bytes, little-endian, of keyed BLAKE2b-256 over consilium/patient-code/v1 and
/// the identifier. Two of ten million patients share one with a probability of 3e-6.
std::uint64_t PatientCodeOf(std::string_view patient, const SecretKey32& key);

/// Puts codes in the form that this file's types promise.
PatientCodes Sorted(PatientCodes codes);

/// A code as 16 digits, as commands send it: JSON's numbers are exact to 2^53 only.
std::string CodeText(std::uint64_t code);
/// kInvalidArgument for what CodeText does not make.
Result<std::uint64_t> ParseCode(std::string_view text);

/// A patient of a cohort. Who has several rows is another patient, as far as differences go, with
/// one row more or less.
struct CohortPatient {
  std::uint64_t code = 0;
  std::uint32_t rows = 1;  ///< Of this patient, in the cohort.
  bool operator==(const CohortPatient&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(code, rows);
  }
};
/// Ascending by code, which are distinct.
using CohortPatients = std::vector<CohortPatient>;

/// In the form that this type promises; patients who share a code are one.
CohortPatients Merged(CohortPatients patients);
/// 1, 2, ..., count: patients without identifiers, as simulated sites have them.
CohortPatients NumberedPatients(std::uint64_t count);

/// Those of them whose codes lie from `first` to `last`.
std::span<const CohortPatient> Between(const CohortPatients& patients,
                                       std::uint64_t first,
                                       std::uint64_t last);
/// How many patients are in one of both but not in the other, or have another number of rows;
/// counting ends at `enough`.
std::uint64_t CountDifference(std::span<const CohortPatient> one,
                              std::span<const CohortPatient> other,
                              std::uint64_t enough = std::numeric_limits<std::uint64_t>::max());
/// Whether any of these patients is on the list.
bool AnyOf(const CohortPatients& patients, const PatientCodes& list);

}  // namespace consilium
