// From a file of delimited text to a cohort: 30 columns, of which the study has eight. Beside it,
// in the same run, what nobody can do without: reading the bytes, and making numbers of texts.

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "client/ingestion/byte_stream.h"
#include "client/ingestion/source.h"
#include "common/check.h"
#include "protocols/cohort.h"

namespace consilium {
namespace {

constexpr std::size_t kColumns = 30;

/// Numbers that look like those of a laboratory, the same in every run.
class Digits {
 public:
  std::uint64_t Below(std::uint64_t bound) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33U) % bound;
  }
  std::string Decimal(std::uint64_t whole, int places) {
    std::string text = std::to_string(Below(whole)) + ".";
    for (int i = 0; i < places; ++i) text += static_cast<char>('0' + Below(10));
    return text;
  }

 private:
  std::uint64_t state_ = 1;
};

/// patient, six numbers, a category, a whole number, then 21 that the study does not use: numbers,
/// days, words, one of them quoted.
std::string Row(std::uint64_t number, Digits& digits) {
  std::string row = "P" + std::to_string(10'000'000 + number);
  for (int i = 0; i < 6; ++i) row += "," + digits.Decimal(200, 1 + i % 3);
  row += digits.Below(2) == 0 ? ",male" : ",female";
  row += "," + std::to_string(digits.Below(120));
  for (int i = 0; i < 15; ++i) row += "," + digits.Decimal(1'000, 2);
  for (int i = 0; i < 3; ++i) row += ",2024-0" + std::to_string(1 + digits.Below(9)) + "-15";
  row += ",ward " + std::to_string(digits.Below(40)) + ",I21." + std::to_string(digits.Below(10));
  row += ",\"said \"\"yes\"\", then left\"\n";
  return row;
}

class TableFile {
 public:
  explicit TableFile(std::uint64_t rows) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "csv_benchmark_XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    std::ofstream out(file(), std::ios::binary);
    std::string header = "patient";
    for (std::size_t i = 1; i < kColumns; ++i) header += ",c" + std::to_string(i);
    out << header << "\n";
    Digits digits;
    for (std::uint64_t i = 0; i < rows; ++i) out << Row(i, digits);
    out.close();
    CHECK(out.good());
  }
  ~TableFile() {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;

  std::filesystem::path file() const { return folder_ / "patients.csv"; }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(std::filesystem::file_size(file()));
  }

  /// One for each size, gone at the end of the program.
  static const TableFile& Of(std::uint64_t rows) {
    static std::map<std::uint64_t, TableFile> files;
    return files.try_emplace(rows, rows).first->second;
  }

 private:
  std::filesystem::path folder_;
};

Contract EightColumns() {
  std::string text = "patient = \"patient\"\nmaximum_patients = 100000000\n";
  for (int i = 1; i <= 6; ++i) {
    text +=
        "[[column]]\nname = \"c" + std::to_string(i) + "\"\ntype = \"number\"\nrange = [0, 200]\n";
  }
  text += "[[column]]\nname = \"c7\"\ntype = \"category\"\nlevels = [\"male\", \"female\"]\n";
  text += "[[column]]\nname = \"c8\"\ntype = \"integer\"\nrange = [0, 120]\n";
  return ParseContract(Settings::Parse(text, "plan.toml").value()).value();
}

/// A line of /proc/self/status, in bytes.
double MemoryOf(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    double kib = 0;
    if (word == name + ":" && status >> kib) return 1'024 * kib;
  }
  return 0;
}

/// From here on VmHWM counts anew.
void ForgetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

void ReadsBytes(benchmark::State& state) {
  const TableFile& table = TableFile::Of(static_cast<std::uint64_t>(state.range(0)));
  std::vector<char> buffer(256 * 1024);
  for (auto _ : state) {
    const auto bytes = OpenByteStream(table.file()).value();
    while (bytes->Read(std::span(buffer)).value() == buffer.size()) {
    }
    benchmark::DoNotOptimize(buffer.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * table.bytes());
}

/// The study's numbers alone, from memory; the rate counts the whole rows that they come from.
void ParsesNumbers(benchmark::State& state) {
  constexpr std::uint64_t kRows = 20'000;
  Digits digits;
  std::size_t row_bytes = 0;
  std::string texts;
  std::vector<std::pair<std::size_t, std::size_t>> numbers;
  for (std::uint64_t i = 0; i < kRows; ++i) {
    std::string_view row;
    const std::string written = Row(i, digits);
    row = written;
    row_bytes += row.size();
    for (int column = 0; column <= 8; ++column) {
      const std::string_view field = row.substr(0, row.find(','));
      row.remove_prefix(field.size() + 1);
      if (column == 0 || column == 7) continue;
      numbers.emplace_back(texts.size(), field.size());
      texts += field;
    }
  }
  std::vector<double> values(numbers.size());
  for (auto _ : state) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const char* begin = texts.data() + numbers[i].first;
      std::from_chars(begin, begin + numbers[i].second, values[i]);
    }
    benchmark::DoNotOptimize(values.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(row_bytes));
}

void LoadsCohort(benchmark::State& state) {
  const TableFile& table = TableFile::Of(static_cast<std::uint64_t>(state.range(0)));
  const Contract contract = EightColumns();
  Source source;
  source.file = table.file();
  std::vector<std::string> columns;
  for (const ContractColumn& column : contract.columns) columns.push_back(column.name);
  double peak = 0;
  double cohort_bytes = 0;
  for (auto _ : state) {
    const double before = MemoryOf("VmRSS");
    ForgetPeak();
    LoadedTable loaded = LoadSource(source, contract).value();
    CHECK(!loaded.report.HasProblems());
    const CohortWithFlow cohort = BuildCohort(contract, std::move(loaded.table), columns).value();
    CHECK(cohort.cohort.values.rows() == state.range(0));
    peak = MemoryOf("VmHWM") - before;
    cohort_bytes = 8.0 * static_cast<double>(cohort.cohort.values.size());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * table.bytes());
  state.counters["cohort_MB"] = cohort_bytes / 1e6;
  state.counters["peak_MB"] = peak / 1e6;
}

BENCHMARK(ReadsBytes)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(ParsesNumbers)->Unit(benchmark::kMillisecond);
BENCHMARK(LoadsCohort)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace consilium

BENCHMARK_MAIN();
