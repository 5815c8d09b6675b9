#include "common/command_line.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <string_view>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/core_dumps.h"
#include "common/crypto/library.h"
#include "common/terminal.h"

namespace consilium {

PassphraseProvider CommonOptions::passphrase() const {
  if (typed != nullptr) return typed->provider();
  return PassphraseFrom(passphrase_file.empty()
                            ? std::nullopt
                            : std::optional<std::filesystem::path>(passphrase_file));
}

void CommonOptions::ForgetPassphrase() const {
  if (typed != nullptr) typed->Forget();
}

int PrintReply(const CommonOptions& common,
               const nlohmann::ordered_json& reply,
               std::string_view text) {
  if (common.json) {
    std::cout << reply.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
              << std::endl;
  } else {
    std::cout << text << std::flush;
  }
  return kExitDone;
}

CommandLine::CommandLine(std::string program, const std::string& description)
    : program_(std::move(program)), app_(description, program_) {
  app_.set_version_flag("--version", program_ + " " CONSILIUM_VERSION);
  app_.require_subcommand(1);
}

CLI::App& CommandLine::Add(const std::string& name,
                           const std::string& description,
                           const std::string& example,
                           std::function<Result<int>(const CommonOptions&)> run) {
  CLI::App* app = app_.add_subcommand(name, description);
  app->add_option("DIR", common_.folder, "The home folder")->required();
  app->add_flag("--json", common_.json, "Reply with JSON, for programs");
  app->add_option("--passphrase-file", common_.passphrase_file,
                  "A private file (mode 0600) whose first line opens the keys");
  app->footer("Example:\n  " + program_ + " " + example);
  commands_.push_back(Command{app, std::move(run)});
  return *app;
}

namespace {

/// What the standard library throws of a path that cannot be looked at: mostly of one in a folder
/// that this account may not enter.
Error ErrorOf(const std::filesystem::filesystem_error& thrown) {
  const bool denied = thrown.code() == std::errc::permission_denied;
  return Error{
      denied ? ErrorCode::kPermission : ErrorCode::kIo,
      "'" + thrown.path1().string() + "' cannot be looked at: " + thrown.code().message(),
      denied ? "Run the command as the account that owns the folder, or let this one enter it."
             : ""};
}

}  // namespace

int CommandLine::Run(int count, char** arguments) {
  // A file that may not grow further is an error of the write, like a full disk, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    app_.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_.exit(error);
    const bool json = std::any_of(arguments, arguments + count, [](const char* argument) {
      return std::string_view(argument) == "--json";
    });
    const std::string remedy = "See " + program_ + " --help, or COMMAND --help with an example.";
    ReportError(program_, Error{ErrorCode::kInvalidArgument, error.what(), remedy}, json);
    return kExitUsage;
  }
  if (const Status started = InitialiseCrypto(); !started) {
    return ReportError(program_, started.error(), common_.json);
  }
  if (const Status none = ForbidCoreDumps(); !none) {
    return ReportError(program_, none.error(), common_.json);
  }
  PassphraseMemory typed(common_.passphrase());
  for (const Command& command : commands_) {
    if (!command.app->parsed()) continue;
    CommonOptions common = common_;
    common.typed = &typed;
    try {
      const Result<int> done = command.run(common);
      return done ? *done : ReportError(program_, done.error(), common_.json);
    } catch (const std::filesystem::filesystem_error& thrown) {
      return ReportError(program_, ErrorOf(thrown), common_.json);
    }
  }
  return kExitUsage;
}

}  // namespace consilium
