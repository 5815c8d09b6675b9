#pragma once

// How many patients some of a table's rows belong to.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocols/patient_list.h"

namespace consilium {

/// Rows without a patient count for none.
class PatientCount {
 public:
  explicit PatientCount(const PatientList& patients)
      : patients_(patients), seen_(patients.distinct()) {}

  void Add(std::size_t row) {
    const std::uint32_t number = patients_.NumberOf(row);
    if (seen_[number] || patients_.Name(number).empty()) return;
    seen_[number] = true;
    ++count_;
  }
  std::uint64_t count() const { return count_; }

 private:
  const PatientList& patients_;
  std::vector<bool> seen_;
  std::uint64_t count_ = 0;
};

/// Of the rows for which `wanted(row)` holds.
template <class Wanted>
std::uint64_t PatientsWhere(const PatientList& patients, Wanted wanted) {
  PatientCount count(patients);
  for (std::size_t row = 0; row < patients.size(); ++row) {
    if (wanted(row)) count.Add(row);
  }
  return count.count();
}

}  // namespace consilium
