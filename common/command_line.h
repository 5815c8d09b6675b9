#pragma once

// The frame of a program's command line: subcommands that share DIR, --json and --passphrase-file,
// each with an example in its help.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>

#include "common/command_errors.h"
#include "common/home.h"
#include "common/result.h"

namespace consilium {

/// What every command is given.
struct CommonOptions {
  std::filesystem::path folder;
  bool json = false;
  std::string passphrase_file;
  PassphraseMemory* typed = nullptr;  ///< Of the command that runs, which asks once.

  PassphraseProvider passphrase() const;
  /// For a command that goes on long after it has its keys.
  void ForgetPassphrase() const;
};

/// Prints what a command has found out, as JSON or as a text for people, to stdout; the exit code
/// of a command that is done.
int PrintReply(const CommonOptions& common,
               const nlohmann::ordered_json& reply,
               std::string_view text);

class CommandLine {
 public:
  CommandLine(std::string program, const std::string& description);

  /// A command with DIR and the shared options. `run` is called once it was chosen; what it returns
  /// is the exit code, an error is reported.
  CLI::App& Add(const std::string& name,
                const std::string& description,
                const std::string& example,
                std::function<Result<int>(const CommonOptions&)> run);

  /// Parses and runs. Exit code 2 for a command line that makes no sense.
  int Run(int count, char** arguments);

 private:
  struct Command {
    CLI::App* app = nullptr;
    std::function<Result<int>(const CommonOptions&)> run;
  };

  std::string program_;
  CLI::App app_;
  CommonOptions common_;
  std::vector<Command> commands_;
};

}  // namespace consilium
