#pragma once

// Numbers that stand for a site's patients in its own records: the list of those who take no part,
// and the cohorts that were answered with. Equal for equal patients of one site; without the site's
// identity nobody can tell whose they are, not even by trying all identifiers.

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "common/crypto/signing.h"
#include "common/secret.h"

namespace consilium {

/// Sorted and distinct.
using PatientCodes = std::vector<std::uint64_t>;

/// What a list of patients in one of the site's records may hold.
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

/// 1, 2, ..., count: patients without identifiers, as simulated sites have them.
PatientCodes NumberedPatients(std::uint64_t count);

/// Puts codes in the form that this file's types promise.
PatientCodes Sorted(PatientCodes codes);

/// How many patients are in one of both but not in the other; counting ends at `enough`.
std::uint64_t CountDifference(const PatientCodes& one,
                              const PatientCodes& other,
                              std::uint64_t enough = std::numeric_limits<std::uint64_t>::max());

}  // namespace consilium
