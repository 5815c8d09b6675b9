#include "simulations/images.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "common/files.h"

namespace consilium {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;

/// An IDX file of unsigned bytes: its sizes and what they frame.
struct Idx {
  std::vector<std::size_t> sizes;
  Bytes bytes;
  std::size_t start = 0;

  std::uint8_t At(std::size_t index) const {
    return std::to_integer<std::uint8_t>(bytes[start + index]);
  }
};

std::size_t BigEndian(ByteSpan bytes) {
  std::size_t number = 0;
  for (const std::byte one : bytes.first(4)) {
    number = number << 8 | std::to_integer<std::size_t>(one);
  }
  return number;
}

Result<Idx> ReadIdx(const std::filesystem::path& file, std::size_t dimensions) {
  TRY(Bytes bytes, ReadFile(file, kMostBytes));
  const auto wrong = [&file](const std::string& what) {
    return Fail(ErrorCode::kCorrupt, file.string() + " " + what,
                "An IDX file begins with 00 00 08 and the number of dimensions; one that ends in "
                ".gz has to be unpacked by gunzip first.");
  };
  const std::size_t head = 4 + 4 * dimensions;
  if (bytes.size() < head || bytes[0] != std::byte{0} || bytes[1] != std::byte{0} ||
      bytes[2] != std::byte{8} || bytes[3] != static_cast<std::byte>(dimensions)) {
    return wrong("is no IDX file of bytes in " + std::to_string(dimensions) +
                 (dimensions == 1 ? " dimension" : " dimensions"));
  }
  Idx idx;
  std::size_t total = 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    idx.sizes.push_back(BigEndian(ByteSpan(bytes).subspan(4 + 4 * i, 4)));
    if (idx.sizes.back() > kMostBytes ||
        total > kMostBytes / std::max<std::size_t>(idx.sizes.back(), 1)) {
      return wrong("says that it is larger than 1 GiB");
    }
    total *= idx.sizes.back();
  }
  if (bytes.size() != head + total) {
    return wrong("has " + std::to_string(bytes.size()) + " bytes, and its head says " +
                 std::to_string(head + total));
  }
  idx.start = head;
  idx.bytes = std::move(bytes);
  return idx;
}

/// The first column of the contract's series with so many columns.
Result<std::size_t> FindSeries(const Contract& contract, std::size_t pixels) {
  for (std::size_t i = 0; i < contract.columns.size(); ++i) {
    const std::string& series = contract.columns[i].series;
    if (series.empty() || (i > 0 && contract.columns[i - 1].series == series)) continue;
    const auto count =
        std::count_if(contract.columns.begin(), contract.columns.end(),
                      [&series](const ContractColumn& one) { return one.series == series; });
    if (static_cast<std::size_t>(count) == pixels) return i;
  }
  return Fail(
      ErrorCode::kInvalidArgument,
      "the contract has no series of columns for pictures of " + std::to_string(pixels) + " pixels",
      "Add a [[contract.column]] with name = \"pixel\", type = \"number\", range = [0, 255] "
      "and count = " +
          std::to_string(pixels) + ".");
}

Result<std::vector<double>> LevelsOf(const Idx& labels, const ContractColumn& column) {
  std::vector<double> levels;
  for (std::size_t i = 0; i < labels.sizes[0]; ++i) {
    const std::string text = std::to_string(labels.At(i));
    const auto found = std::find(column.levels.begin(), column.levels.end(), text);
    if (found == column.levels.end()) {
      return Fail(ErrorCode::kDataQuality,
                  "picture " + std::to_string(i + 1) + " has a label that is no level of \"" +
                      column.name + "\"",
                  "List every label in the contract, as levels = [\"0\", \"1\", ...].");
    }
    levels.push_back(static_cast<double>(found - column.levels.begin()));
  }
  return levels;
}

}  // namespace

Result<LoadedTable> LoadImages(const std::filesystem::path& images,
                               const std::filesystem::path& labels,
                               const Contract& contract,
                               const std::string& label_column) {
  TRY(const Idx pictures, ReadIdx(images, 3));
  TRY(const Idx names, ReadIdx(labels, 1));
  const std::size_t count = pictures.sizes[0];
  const std::size_t pixels = pictures.sizes[1] * pictures.sizes[2];
  if (names.sizes[0] != count) {
    return Fail(ErrorCode::kCorrupt, images.string() + " has " + std::to_string(count) +
                                         " pictures and " + labels.string() + " " +
                                         std::to_string(names.sizes[0]) + " labels");
  }
  const std::optional<std::size_t> label = contract.IndexOf(label_column);
  if (!label || contract.columns[*label].type != ColumnType::kCategory) {
    return Fail(ErrorCode::kInvalidArgument,
                "\"" + label_column + "\" is no category of the contract",
                "Pictures need an outcome of type \"category\" whose levels are their labels.");
  }
  TRY(const std::size_t first, FindSeries(contract, pixels));
  LoadedTable loaded;
  loaded.report.file = images.string();
  loaded.report.rows = count;
  loaded.report.patients = count;
  // Columns that pictures do not have are missing.
  loaded.table.columns.assign(contract.columns.size(),
                              std::vector<double>(count, std::numeric_limits<double>::quiet_NaN()));
  TRY(loaded.table.columns[*label], LevelsOf(names, contract.columns[*label]));
  for (std::size_t i = 0; i < count; ++i) {
    loaded.table.patients.push_back(std::to_string(i + 1));
    for (std::size_t j = 0; j < pixels; ++j) {
      loaded.table.columns[first + j][i] = static_cast<double>(pictures.At(i * pixels + j));
    }
  }
  return loaded;
}

}  // namespace consilium
