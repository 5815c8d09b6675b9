#include "client/program/commands_record.h"

#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/program/commands_client.h"
#include "client/program/format.h"
#include "client/program/home.h"
#include "client/site_study.h"
#include "common/files.h"
#include "common/names.h"
#include "common/terminal.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

/// What one request to the service has room for.
constexpr std::size_t kMostPatientsAtOnce = 500'000;
constexpr std::size_t kLargestList = 64U << 20U;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The codes of the identifiers in a list, one a line; empty lines are skipped.
Result<PatientCodes> ReadList(const std::filesystem::path& file, const SecretKey32& key) {
  TRY(const Bytes bytes, ReadFile(file, kLargestList));
  std::string_view text = AsText(bytes);
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  PatientCodes codes;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view patient = Trimmed(text.substr(0, end));
    if (!patient.empty()) codes.push_back(PatientCodeOf(patient, key));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  codes = Sorted(std::move(codes));
  if (codes.empty()) {
    return Fail(ErrorCode::kInvalidArgument, file.string() + " names no patient",
                "Write one identifier a line, as the data file has it.");
  }
  if (codes.size() > kMostPatientsAtOnce) {
    return Fail(ErrorCode::kInvalidArgument,
                file.string() + " names " + std::to_string(codes.size()) + " patients; at most " +
                    std::to_string(kMostPatientsAtOnce) + " can be excluded at once",
                "Split the file.");
  }
  return codes;
}

}  // namespace

Result<PatientRegister> ReadPatientRegister(const CommonOptions& common) {
  PatientRegister patients;
  bool has_answered = false;
  Json request{{"command", "excluded"}};
  for (bool more = true; more;) {
    TRY(const Json reply, AskSite(common.folder, request, common.passphrase()));
    for (const Json& code : reply["codes"]) {
      TRY(const std::uint64_t number, ParseCode(code.get<std::string>()));
      patients.excluded.push_back(number);
    }
    has_answered = reply.value("answered_cohorts", std::uint64_t{0}) > 0;
    more = reply.value("more", false) && !patients.excluded.empty();
    if (more) request["above"] = CodeText(patients.excluded.back());
  }
  // Without either nobody's code is compared with anything.
  if (patients.excluded.empty() && !has_answered) return patients;
  TRY(const SiteHome home, OpenSiteHome(common.folder, common.passphrase()));
  patients.key = PatientKeyOf(home.keys.identity);
  return patients;
}

Result<int> ShowLedger(const CommonOptions& common, bool verify_only) {
  TRY(Json reply, AskSite(common.folder, Json{{"command", "ledger"}}, common.passphrase()));
  if (!verify_only) return PrintReply(common, reply, FormatLedger(reply));
  if (!reply["rolled_back"].is_null()) {
    return Fail(ErrorCode::kCorrupt, Printable(reply.value("rolled_back", "")),
                std::string(kRollbackRemedy));
  }
  const std::string count = reply["verified"].dump();
  reply.erase("records");
  return PrintReply(common, reply,
                    "All " + count + " records are linked and signed as they were written.\n" +
                        "Whether any are missing at the end shows when the site next connects: the "
                        "coordinator\nholds the newest head.\n" +
                        FormatSignatures(reply));
}

Result<int> ExportLedger(const CommonOptions& common,
                         const std::string& format,
                         std::uint64_t after) {
  for (bool more = true; more;) {
    const Json request{{"command", "export-ledger"}, {"format", format}, {"after", after}};
    TRY(const Json reply, AskSite(common.folder, request, common.passphrase()));
    std::cout << reply.value("lines", "") << std::flush;
    after = reply.value("last", after);
    more = reply.value("more", false);
  }
  return kExitDone;
}

Result<int> ExcludePatients(const CommonOptions& common, const std::filesystem::path& file) {
  TRY(const SiteHome home, OpenSiteHome(common.folder, common.passphrase()));
  TRY(const PatientCodes codes, ReadList(file, PatientKeyOf(home.keys.identity)));
  Json request{{"command", "exclude"}, {"codes", Json::array()}};
  for (const std::uint64_t code : codes) request["codes"].push_back(CodeText(code));
  TRY(Json reply, AskSite(common.folder, request, common.passphrase()));
  reply["patients_named"] = codes.size();
  const std::string added = reply["patients_added"].dump();
  return PrintReply(
      common, reply,
      Wrapped("Of " + std::to_string(codes.size()) + " patients named, " + added +
                  " were not on this site's list before; it now has " +
                  reply["patients_excluded"].dump() +
                  ". They take no part in any answer from now on. What was answered before stays "
                  "answered: sums cannot be taken back.",
              StyleOf(STDOUT_FILENO).width, 0) +
          "\nReceipt: ledger record " + reply["ledger_record"].dump() + ", " +
          Printable(reply.value("ledger_head", "")) +
          "\nNext: consilium-site check shows how many of them have rows here.\n");
}

}  // namespace consilium
