#include "client/patient_codes.h"

#include <algorithm>
#include <numeric>

#include "common/crypto/hash.h"

namespace consilium {

SecretKey32 PatientKeyOf(const SigningKey& identity) {
  return Hasher("consilium/patient-key/v1", identity.Seed()).FinishSecret();
}

std::uint64_t PatientCodeOf(std::string_view patient, const SecretKey32& key) {
  const Digest digest = Hasher("consilium/patient-code/v1", key).Add(patient).Finish();
  return LoadU64(digest.span().first(8));
}

PatientCodes NumberedPatients(std::uint64_t count) {
  PatientCodes codes(count);
  std::iota(codes.begin(), codes.end(), std::uint64_t{1});
  return codes;
}

PatientCodes Sorted(PatientCodes codes) {
  std::sort(codes.begin(), codes.end());
  codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
  return codes;
}

std::uint64_t CountDifference(const PatientCodes& one,
                              const PatientCodes& other,
                              std::uint64_t enough) {
  std::uint64_t count = 0;
  auto left = one.begin();
  auto right = other.begin();
  while (count < enough && left != one.end() && right != other.end()) {
    if (*left == *right) {
      ++left;
      ++right;
      continue;
    }
    ++(*left < *right ? left : right);
    ++count;
  }
  const auto rest = static_cast<std::uint64_t>((one.end() - left) + (other.end() - right));
  return std::min(enough, count + rest);
}

}  // namespace consilium
