#include "client/quality/duplicate_rows.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "client/quality/cell_hash.h"
#include "client/quality/patient_count.h"

namespace consilium {
namespace {

constexpr std::size_t kFewestColumns = 4;
constexpr double kTimesChance = 20;

struct HashedRow {
  std::uint64_t key = 0;
  std::uint32_t patient = 0;
  std::size_t row = 0;
};

double Pairs(std::size_t count) {
  const auto n = static_cast<double>(count);
  return n * (n - 1) / 2;
}

/// Calls `take` with each run of equal keys that has several rows; sorts by key, patient and row.
template <class Take>
void ForEachGroup(std::vector<HashedRow>& rows, Take take) {
  std::sort(rows.begin(), rows.end(), [](const HashedRow& a, const HashedRow& b) {
    return std::tie(a.key, a.patient, a.row) < std::tie(b.key, b.patient, b.row);
  });
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin + 1;
    while (end < rows.size() && rows[end].key == rows[begin].key) ++end;
    if (end - begin > 1) take(std::span<const HashedRow>(rows).subspan(begin, end - begin));
    begin = end;
  }
}

class DuplicateSearch {
 public:
  explicit DuplicateSearch(const DataTable& table)
      : table_(table),
        totals_(table.patients.size()),
        again_(totals_.size()),
        near_(totals_.size()),
        same_(totals_.size()),
        alike_(totals_.size()),
        first_(totals_.size()) {
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      for (std::size_t row = 0; row < totals_.size(); ++row) {
        totals_[row] += CellHash(column, table.columns[column][row]);
      }
    }
    std::vector<bool> seen(table.patients.distinct());
    for (std::size_t row = 0; row < totals_.size(); ++row) {
      const std::uint32_t patient = table.patients.NumberOf(row);
      if (table.patients.Name(patient).empty()) continue;
      first_[row] = !seen[patient];
      patients_ += first_[row] ? 1U : 0U;
      seen[patient] = true;
    }
  }

  std::vector<Suspicion> Find() {
    if (table_.columns.empty()) return {};
    SeekEqual();
    const bool seek_near = table_.columns.size() >= kFewestColumns &&
                           totals_.size() <= kMostCellsCompared / table_.columns.size();
    if (seek_near) {
      for (std::size_t column = 0; column < table_.columns.size(); ++column) SeekNear(column);
    }
    std::vector<Suspicion> found;
    AddRepeated(found);
    AddIdentical(found);
    AddNear(found);
    AddOnePerson(found);
    return found;
  }

 private:
  std::vector<HashedRow> RowsWithout(std::optional<std::size_t> column) const {
    std::vector<HashedRow> rows(totals_.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
      rows[row] = {totals_[row], table_.patients.NumberOf(row), row};
      if (column) rows[row].key -= CellHash(*column, table_.columns[*column][row]);
    }
    return rows;
  }

  /// Rows with all cells equal: those of one patient beyond the first, and different patients'.
  void SeekEqual() {
    std::vector<HashedRow> rows = RowsWithout({});
    ForEachGroup(rows, [this](std::span<const HashedRow> group) {
      std::size_t patients = 0;
      for (std::size_t i = 0; i < group.size(); ++i) {
        if (i > 0 && group[i].patient == group[i - 1].patient) again_[group[i].row] = true;
        patients += first_[group[i].row] ? 1U : 0U;
      }
      equal_pairs_ += Pairs(patients);
      if (patients > 1) MarkFirst(group, same_);
    });
  }

  /// The same for rows that differ in this column and in no other.
  void SeekNear(std::size_t column) {
    std::vector<HashedRow> rows = RowsWithout(column);
    ForEachGroup(rows, [this](std::span<const HashedRow> group) {
      std::vector<std::uint64_t> totals;  // Of the patients' first rows.
      for (std::size_t i = 0; i < group.size(); ++i) {
        if (first_[group[i].row]) totals.push_back(totals_[group[i].row]);
        if (i == 0 || group[i].patient != group[i - 1].patient) continue;
        if (totals_[group[i].row] == totals_[group[i - 1].row]) continue;
        near_[group[i].row] = near_[group[i - 1].row] = true;
      }
      if (totals.size() < 2) return;
      std::sort(totals.begin(), totals.end());
      double pairs = Pairs(totals.size());
      for (std::size_t begin = 0; begin < totals.size();) {
        std::size_t end = begin + 1;
        while (end < totals.size() && totals[end] == totals[begin]) ++end;
        pairs -= Pairs(end - begin);
        begin = end;
      }
      if (pairs == 0) return;
      near_pairs_ += pairs;
      MarkFirst(group, alike_);
    });
  }

  void MarkFirst(std::span<const HashedRow> group, std::vector<bool>& rows) const {
    for (const HashedRow& row : group) {
      if (first_[row.row]) rows[row.row] = true;
    }
  }

  /// The share of pairs of patients that agree in a column.
  double AgreementOf(std::size_t column) const {
    std::vector<std::uint64_t> hashes;
    for (std::size_t row = 0; row < totals_.size(); ++row) {
      if (first_[row]) hashes.push_back(CellHash(column, table_.columns[column][row]));
    }
    std::sort(hashes.begin(), hashes.end());
    double pairs = 0;
    for (std::size_t begin = 0; begin < hashes.size();) {
      const auto end = static_cast<std::size_t>(
          std::upper_bound(hashes.begin() + static_cast<std::ptrdiff_t>(begin), hashes.end(),
                           hashes[begin]) -
          hashes.begin());
      pairs += Pairs(end - begin);
      begin = end;
    }
    return hashes.size() > 1 ? pairs / Pairs(hashes.size()) : 1;
  }

  /// Pairs of patients whose rows would agree by chance: in all columns,
  struct Chance {
    double equal = 0;
    double near = 0;  ///< and in all but one.
  };
  Chance ByChance() const {
    std::vector<double> shares;
    for (std::size_t column = 0; column < table_.columns.size(); ++column) {
      shares.push_back(AgreementOf(column));
    }
    Chance chance{Pairs(patients_), 0};
    for (const double share : shares) chance.equal *= share;
    for (std::size_t left_out = 0; left_out < shares.size(); ++left_out) {
      double others = 1 - shares[left_out];
      for (std::size_t i = 0; i < shares.size(); ++i) others *= i == left_out ? 1 : shares[i];
      chance.near += others * Pairs(patients_);
    }
    return chance;
  }

  Suspicion Of(std::string_view kind, const std::vector<bool>& rows) const {
    Suspicion suspicion{{}, kind, 0, {}, {}};
    PatientCount patients(table_.patients);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (!rows[row]) continue;
      ++suspicion.rows;
      patients.Add(row);
    }
    suspicion.patients = patients.count();
    return suspicion;
  }

  void AddRepeated(std::vector<Suspicion>& found) const {
    std::vector<std::uint32_t> rows(table_.patients.distinct());
    for (std::size_t row = 0; row < totals_.size(); ++row) ++rows[table_.patients.NumberOf(row)];
    std::vector<bool> repeated(totals_.size());
    for (std::size_t row = 0; row < totals_.size(); ++row) {
      const std::uint32_t patient = table_.patients.NumberOf(row);
      repeated[row] = rows[patient] > 1 && !table_.patients.Name(patient).empty();
    }
    Suspicion suspicion = Of("repeated-patient", repeated);
    if (suspicion.rows == 0) return;
    suspicion.severity = Severity::kNote;
    suspicion.words = std::to_string(suspicion.patients) +
                      (suspicion.patients == 1 ? " patient has" : " patients have") +
                      " more than one row; each counts once for the minimum number of patients";
    suspicion.remedy =
        "Analyses take each row as an observation of its own. If the study wants one row a "
        "patient, export the one it asks for (first, last, mean).";
    found.push_back(std::move(suspicion));
  }

  void AddIdentical(std::vector<Suspicion>& found) const {
    Suspicion suspicion = Of("identical-rows", again_);
    if (suspicion.rows == 0) return;
    suspicion.words = std::to_string(suspicion.rows) +
                      (suspicion.rows == 1 ? " row repeats" : " rows repeat") +
                      " another one of the same patient in every column";
    suspicion.remedy = "Was something exported or joined twice? Leave repeated rows out.";
    found.push_back(std::move(suspicion));
  }

  void AddNear(std::vector<Suspicion>& found) const {
    Suspicion suspicion = Of("near-identical-rows", near_);
    if (suspicion.rows == 0) return;
    suspicion.words = std::to_string(suspicion.rows) +
                      " rows differ from another one of the same patient in one column only";
    suspicion.remedy =
        "Was a row corrected and the old one kept, or entered twice? Keep one of them.";
    found.push_back(std::move(suspicion));
  }

  void AddOnePerson(std::vector<Suspicion>& found) const {
    if (equal_pairs_ + near_pairs_ == 0) return;
    const Chance chance = ByChance();
    std::vector<bool> rows(totals_.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
      rows[row] = (same_[row] && equal_pairs_ >= kTimesChance * chance.equal) ||
                  (alike_[row] && near_pairs_ >= kTimesChance * chance.near);
    }
    Suspicion suspicion = Of("one-person", rows);
    if (suspicion.rows == 0) return;
    suspicion.words = std::to_string(suspicion.patients) +
                      " patients have the same row as another patient, or one that differs in one "
                      "column only, which chance hardly explains";
    suspicion.remedy =
        "Is one person there under two identifiers? Give both the same one, or leave one out.";
    found.push_back(std::move(suspicion));
  }

  const DataTable& table_;
  std::vector<std::uint64_t> totals_;
  std::vector<bool> again_;  ///< Rows that repeat one of their patient;
  std::vector<bool> near_;   ///< that nearly do;
  std::vector<bool> same_;   ///< that are another patient's, too;
  std::vector<bool> alike_;  ///< that nearly are;
  std::vector<bool> first_;  ///< that are their patient's first.
  std::size_t patients_ = 0;
  double equal_pairs_ = 0;  ///< Of patients, by their first rows.
  double near_pairs_ = 0;
};

}  // namespace

std::vector<Suspicion> FindDuplicates(const DataTable& table) {
  return DuplicateSearch(table).Find();
}

}  // namespace consilium
