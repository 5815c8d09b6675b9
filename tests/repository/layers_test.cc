// Who may include whom, and where each third-party library lives.

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "tests/repository/source_tree.h"

namespace consilium {
namespace {

/// What a folder may include of the project, itself included. A file obeys each folder it is in.
const std::map<std::string, std::vector<std::string>>& AllowedEdges() {
  static const std::map<std::string, std::vector<std::string>> kEdges = {
      {"common/", {"common/"}},
      {"protocols/", {"protocols/", "common/"}},
      {"client/policy/", {"client/policy/", "protocols/", "common/"}},
      {"client/quality/", {"client/quality/", "protocols/", "common/"}},
      {"client/ingestion/",
       {"client/ingestion/", "client/quality/", "client/policy/", "protocols/", "common/"}},
      {"client/review/",
       {"client/review/", "client/quality/", "client/policy/", "protocols/", "common/"}},
      {"client/", {"client/", "protocols/", "common/"}},
      {"coordinator/", {"coordinator/", "protocols/", "common/"}},
      {"simulations/", {"simulations/", "client/", "coordinator/", "protocols/", "common/"}},
      {"tests/", {"tests/", "simulations/", "client/", "coordinator/", "protocols/", "common/"}}};
  return kEdges;
}

bool StartsWithAny(std::string_view text, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return text.starts_with(prefix); });
}

/// A program's shell: the runtime (sockets, clocks, threads), its worker, the commands and what
/// they print. The cores and everything they use lie outside of it.
bool IsShell(const SourceFile& file) {
  static const std::vector<std::string> kShell = {"main",   "runtime",  "commands",
                                                  "doctor", "answerer", "format"};
  return (file.Under("client/") || file.Under("coordinator/") || file.Under("simulations/")) &&
         !file.Under("client/ingestion/") && StartsWithAny(file.FileName(), kShell);
}

bool MayIncludeTransport(const SourceFile& file) {
  return file.Under("common/transport/") || file.Under("tests/common/transport/") ||
         file.Under("tests/end_to_end/") || file.Under("tests/benchmarks/") || IsShell(file);
}

bool MayReadClocks(const SourceFile& file) {
  return IsShell(file) || file.Under("tests/") || file.Under("common/transport/") ||
         file.path == "common/runtime_clock.cc" || file.path == "common/service_turn.h";
}

void CheckLayers(const SourceFile& file, Findings& findings) {
  for (const auto& [folder, allowed] : AllowedEdges()) {
    if (!file.Under(folder)) continue;
    for (const Include& include : IncludesOf(file)) {
      const bool own =
          std::any_of(AllowedEdges().begin(), AllowedEdges().end(),
                      [&](const auto& e) { return include.path.starts_with(e.first); });
      if (own && !StartsWithAny(include.path, allowed)) {
        findings.Add(file, include.line, "includes " + include.path + ", which lies above it.",
                     "Move what both need down, or pass it in as an argument.");
      }
      if (include.path.starts_with("common/transport/") && !MayIncludeTransport(file)) {
        findings.Add(file, include.line, "includes the transport outside a runtime.",
                     "Return an effect and let the runtime send it.");
      }
      if (include.path == "common/runtime_clock.h" && !MayReadClocks(file)) {
        findings.Add(file, include.line, "includes the clocks outside a runtime.",
                     "Take a Moment as an argument.");
      }
    }
  }
}

struct LibraryHome {
  std::vector<std::string> headers;  ///< Prefixes of include paths.
  std::vector<std::string> homes;    ///< Prefixes of files, or "*name" for part of a file's name.
  std::string_view remedy;
};

const std::vector<LibraryHome>& LibraryHomes() {
  static const std::vector<LibraryHome> kHomes = {
      {{"sodium", "openssl/"},
       {"common/crypto/", "common/secret.cc", "common/random.cc", "tests/common/crypto/",
        "tests/benchmarks/"},
       "Call the function in common/crypto/ instead."},
      {{"zmq"},
       {"common/transport/", "tests/common/transport/", "tests/end_to_end/", "tests/benchmarks/"},
       "Use the sockets of common/transport/."},
      {{"cereal/"},
       {"common/wire", "tests/common/wire"},
       "Use Encode and Decode of common/wire.h."},
      {{"sqlite3", "SQLiteCpp/"},
       {"common/storage", "client/ingestion/sql/sqlite.cc", "tests/common/storage",
        "tests/end_to_end/", "tests/client/ingestion/sql/database_file.h"},
       "Use RecordStore of common/storage.h."},
      {{"libpq-fe.h"},
       {"client/ingestion/sql/postgresql.cc", "tests/support/postgresql_server.cc"},
       "Use OpenPostgresql of client/ingestion/sql/sql_source.h."},
      {{"sql.h", "sqlext.h"},
       {"client/ingestion/sql/odbc.cc"},
       "Use OpenOdbc of client/ingestion/sql/sql_source.h."},
      {{"toml++/", "toml.hpp", "toml.h"},
       {"common/settings"},
       "Use Settings of common/settings.h."},
      {{"spdlog/", "fmt/"}, {"common/log.cc"}, "Use Log of common/log.h."},
      {{"boost/"},
       {"protocols/analyses/distributions.cc"},
       "Use protocols/analyses/distributions.h."},
      {{"mpi.h"}, {"simulations/mpi_"}, "Use the port simulations/ranks.h."},
      {{"onnx/", "google/protobuf/"},
       {"simulations/onnx_file.cc", "tests/simulations/onnx_file_test.cc"},
       "Use OnnxOf of simulations/onnx_file.h."},
      {{"simdjson"},
       {"client/ingestion/fhir/json_document.cc", "tests/benchmarks/"},
       "Use JsonDocument of client/ingestion/fhir/json_document.h."},
      {{"readstat.h"},
       {"client/ingestion/stat/stat_rows.cc", "tests/client/ingestion/stat/stat_writer.cc"},
       "Use StatFile of client/ingestion/stat/stat_file.h."},
      {{"zlib.h"},
       {"client/ingestion/byte_stream.cc", "tests/client/ingestion/"},
       "Use OpenByteStream of client/ingestion/byte_stream.h."},
      {{"opencv2/"},
       {"tests/simulations/onnx_file_test.cc"},
       "It reads ONNX files in one test, and nothing else."},
      {{"CLI/"}, {"*main", "*command"}, "Parse the command line in the program's command files."},
      {{"Eigen/"},
       {"protocols/", "client/", "simulations/", "tests/"},
       "Linear algebra belongs to analyses and cohorts."},
      {{"nlohmann/"},
       {"common/", "protocols/", "client/", "coordinator/", "simulations/", "tests/"},
       "It may be used in any .cc file."},
      {{"gtest/", "gmock/", "rapidcheck", "benchmark/"}, {"tests/"}, "Tests belong in tests/."}};
  return kHomes;
}

bool IsHome(const SourceFile& file, const LibraryHome& library) {
  return std::any_of(library.homes.begin(), library.homes.end(), [&](const std::string& home) {
    return home.starts_with('*') ? file.FileName().find(home.substr(1)) != std::string::npos
                                 : file.Under(home);
  });
}

void CheckLibraryHomes(const SourceFile& file, Findings& findings) {
  for (const Include& include : IncludesOf(file)) {
    for (const LibraryHome& library : LibraryHomes()) {
      if (StartsWithAny(include.path, library.headers) && !IsHome(file, library)) {
        findings.Add(file, include.line, "includes <" + include.path + "> outside its home.",
                     library.remedy);
      }
    }
  }
}

std::size_t FindingsIn(const char* path, const char* text) {
  Findings findings;
  CheckLayers(MakeSourceFile(path, text), findings);
  CheckLibraryHomes(MakeSourceFile(path, text), findings);
  return findings.size();
}

TEST(LayersTest, EveryIncludePointsDown) {
  Findings findings;
  for (const SourceFile* file : CppFiles()) CheckLayers(*file, findings);
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(LayersTest, EveryLibraryStaysInItsHome) {
  Findings findings;
  for (const SourceFile* file : CppFiles()) CheckLibraryHomes(*file, findings);
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(LayersTest, RulesFindBadExamples) {
  EXPECT_EQ(FindingsIn("common/a.cc", "#include \"protocols/plan.h\"\n"), 1u);
  EXPECT_EQ(FindingsIn("client/a.cc", "#include \"coordinator/core.h\"\n"), 1u);
  EXPECT_EQ(FindingsIn("coordinator/a.cc", "#include \"client/policy/policy.h\"\n"), 1u);
  EXPECT_EQ(FindingsIn("protocols/a.cc", "#include \"common/transport/keys.h\"\n"), 1u);
  EXPECT_EQ(FindingsIn("protocols/runtime.cc", "#include \"common/transport/keys.h\"\n"), 1u);
  EXPECT_EQ(FindingsIn("client/site_core.cc", "#include \"common/transport/keys.h\"\n"), 1u);
  EXPECT_EQ(FindingsIn("client/program/runtime.cc", "#include \"common/transport/keys.h\"\n"), 0u);
  EXPECT_EQ(FindingsIn("protocols/a.cc", "#include \"common/runtime_clock.h\"\n"), 1u);
  EXPECT_EQ(FindingsIn("client/program/runtime.cc", "#include \"common/runtime_clock.h\"\n"), 0u);
  EXPECT_EQ(FindingsIn("protocols/a.cc", "#include <sodium.h>\n"), 1u);
  EXPECT_EQ(FindingsIn("protocols/a.cc", "#include <cereal/archives/binary.hpp>\n"), 1u);
  EXPECT_EQ(FindingsIn("coordinator/a.cc", "#include <zmq.hpp>\n"), 1u);
  EXPECT_EQ(FindingsIn("client/a.cc", "#include <sqlite3.h>\n"), 1u);
  EXPECT_EQ(FindingsIn("simulations/commands.cc", "#include <mpi.h>\n"), 1u);
  EXPECT_EQ(FindingsIn("protocols/a.cc", "#include <onnx/onnx_pb.h>\n"), 1u);
  EXPECT_EQ(FindingsIn("client/a.cc", "#include <google/protobuf/message.h>\n"), 1u);
  EXPECT_EQ(FindingsIn("simulations/mpi_ranks.cc", "#include <mpi.h>\n"), 0u);
}

TEST(LayersTest, NlohmannStaysOutOfHeaders) {
  Findings findings;
  for (const SourceFile* file : CppFiles()) {
    if (!file->path.ends_with(".h") || file->Under("tests/")) continue;
    for (const Include& include : IncludesOf(*file)) {
      if (include.path == "nlohmann/json.hpp") {
        findings.Add(*file, include.line, "puts a large JSON library into a header.",
                     "Include it in the .cc file, or nlohmann/json_fwd.hpp here.");
      }
    }
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(LayersTest, OwnHeadersAreNamedFromTheRoot) {
  Findings findings;
  for (const SourceFile* file : CppFiles()) {
    for (std::size_t i = 0; i < file->lines.size(); ++i) {
      const std::string& line = file->lines[i];
      if (!line.starts_with("#include \"")) continue;
      const std::string path = line.substr(10, line.rfind('"') - 10);
      if (FindFile(path) == nullptr) {
        findings.Add(*file, i + 1, "includes \"" + path + "\", no file of the project.",
                     "Write its full path from the root; third-party headers take <>.");
      }
    }
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

}  // namespace
}  // namespace consilium
