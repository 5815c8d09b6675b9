#include "client/policy/patient_codes.h"

#include <algorithm>

#include "common/crypto/hash.h"

namespace consilium {

SecretKey32 PatientKeyOf(const SigningKey& identity) {
  return Hasher("consilium/patient-key/v1", identity.Seed()).FinishSecret();
}

std::uint64_t PatientCodeOf(std::string_view patient, const SecretKey32& key) {
  const Digest digest = Hasher("consilium/patient-code/v1", key).Add(patient).Finish();
  return LoadU64(digest.span().first(8));
}

PatientCodes Sorted(PatientCodes codes) {
  std::sort(codes.begin(), codes.end());
  codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
  return codes;
}

std::string CodeText(std::uint64_t code) {
  ByteArray<8> bytes;
  StoreU64(bytes, code);
  return ToHex(bytes);
}

Result<std::uint64_t> ParseCode(std::string_view text) {
  TRY(const Bytes bytes, FromHex(text));
  if (bytes.size() != 8) return Fail(ErrorCode::kInvalidArgument, "a patient's code has 16 digits");
  return LoadU64(bytes);
}

CohortPatients Merged(CohortPatients patients) {
  std::sort(patients.begin(), patients.end(),
            [](const CohortPatient& a, const CohortPatient& b) { return a.code < b.code; });
  CohortPatients merged;
  merged.reserve(patients.size());
  for (const CohortPatient& patient : patients) {
    if (!merged.empty() && merged.back().code == patient.code) {
      merged.back().rows += patient.rows;
    } else {
      merged.push_back(patient);
    }
  }
  return merged;
}

CohortPatients NumberedPatients(std::uint64_t count) {
  CohortPatients patients;
  for (std::uint64_t number = 1; number <= count; ++number) patients.push_back({number, 1});
  return patients;
}

std::span<const CohortPatient> Between(const CohortPatients& patients,
                                       std::uint64_t first,
                                       std::uint64_t last) {
  const auto from = std::lower_bound(
      patients.begin(), patients.end(), first,
      [](const CohortPatient& patient, std::uint64_t code) { return patient.code < code; });
  const auto to = std::upper_bound(
      from, patients.end(), last,
      [](std::uint64_t code, const CohortPatient& patient) { return code < patient.code; });
  return {from, to};
}

std::uint64_t CountDifference(std::span<const CohortPatient> one,
                              std::span<const CohortPatient> other,
                              std::uint64_t enough) {
  std::uint64_t count = 0;
  auto left = one.begin();
  auto right = other.begin();
  while (count < enough && left != one.end() && right != other.end()) {
    if (left->code == right->code) {
      if (left->rows != right->rows) ++count;
      ++left;
      ++right;
      continue;
    }
    ++(left->code < right->code ? left : right);
    ++count;
  }
  const auto rest = static_cast<std::uint64_t>((one.end() - left) + (other.end() - right));
  return std::min(enough, count + rest);
}

bool AnyOf(const CohortPatients& patients, const PatientCodes& list) {
  return std::any_of(patients.begin(), patients.end(), [&](const CohortPatient& patient) {
    return std::binary_search(list.begin(), list.end(), patient.code);
  });
}

}  // namespace consilium
