#pragma once

// Trainers behind the port of protocols/external_trainer.h: a program of this site, run for each
// answer, and a memory that gives one question one answer.

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "client/policy/trainers.h"
#include "protocols/external_trainer.h"

namespace consilium {

/// One process for each exchange, confined as common/confinement.h says.
class ProgramTrainer final : public ExternalTrainer {
 public:
  /// Given what went wrong and the last that the program wrote to stderr, which may hold patients'
  /// values; returns the error to give.
  using Teller = std::function<Error(Error error, const std::string& words)>;

  /// `folder` is where the program gets a working folder for the time it runs. `stop`, once set,
  /// ends what runs; it outlives this.
  ProgramTrainer(std::string name,
                 TrainerProgram program,
                 std::filesystem::path folder,
                 const std::atomic<bool>& stop,
                 Teller tell);

  Status Exchange(ByteSpan request, std::size_t longest_reply, const Reader& read) const override;

 private:
  const std::string name_;
  const TrainerProgram program_;
  const std::filesystem::path folder_;
  const std::atomic<bool>& stop_;
  const Teller tell_;
};

/// Keeps the last answer that was understood in a file, before anybody sees it, and gives it again
/// for the same request, also after a restart. So a program that would not answer twice alike
/// cannot make two attempts of a round differ: the difference of their sums would show single
/// sites.
class SteadyTrainer final : public ExternalTrainer {
 public:
  /// The file is one study's.
  SteadyTrainer(std::shared_ptr<const ExternalTrainer> trainer, std::filesystem::path file);

  Status Exchange(ByteSpan request, std::size_t longest_reply, const Reader& read) const override;

 private:
  const std::shared_ptr<const ExternalTrainer> trainer_;
  const std::filesystem::path file_;
};

}  // namespace consilium
