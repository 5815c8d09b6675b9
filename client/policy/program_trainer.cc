#include "client/policy/program_trainer.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "common/child_process.h"
#include "common/crypto/hash.h"
#include "common/files.h"

namespace consilium {
namespace {

/// What a run that gave no answer came to, as the end of a sentence; empty for one that did.
std::string ComplaintOf(const ChildOutcome& outcome, const TrainerProgram& program) {
  switch (outcome.end) {
    case ChildEnd::kOutOfTime:
      return "had not answered after " + std::to_string(program.seconds) + " s, and was ended";
    case ChildEnd::kTooMuchOutput:
      return "wrote more to stdout than an answer can have, and was ended";
    case ChildEnd::kStopped:
      return "was ended, since this program is stopping";
    case ChildEnd::kSignalled:
      return "was ended by signal " + std::to_string(outcome.code) +
             ", as when memory or processor time run out";
    case ChildEnd::kExited:
      break;
  }
  if (outcome.code != 0) return "ended with exit status " + std::to_string(outcome.code);
  if (!outcome.read_all) return "ended before it had read its rows";
  return {};
}

}  // namespace

ProgramTrainer::ProgramTrainer(std::string name,
                               TrainerProgram program,
                               std::filesystem::path folder,
                               const std::atomic<bool>& stop,
                               Teller tell)
    : name_(std::move(name)),
      program_(std::move(program)),
      folder_(std::move(folder)),
      stop_(stop),
      tell_(std::move(tell)) {}

Status ProgramTrainer::Exchange(ByteSpan request,
                                std::size_t longest_reply,
                                const Reader& read) const {
  ChildCommand command;
  command.program = program_.program;
  command.arguments = program_.arguments;
  command.readable = program_.readable;
  command.memory_bytes = std::uint64_t{program_.memory_mb} << 20;
  command.time = std::chrono::seconds(program_.seconds);
  command.most_output = longest_reply;
  command.folder = folder_;
  const Result<ChildOutcome> outcome = RunConfined(command, request, stop_);
  if (!outcome) return FailIn("the trainer \"" + name_ + "\"", outcome.error());
  const std::string complaint = ComplaintOf(*outcome, program_);
  Status understood;
  if (!complaint.empty()) {
    understood =
        Fail(ErrorCode::kRefused,
             "the trainer \"" + name_ + "\" (" + program_.program.string() + ") " + complaint,
             "Try it by hand on a frame, see docs/analyses/train.md; memory_mb and "
             "seconds stand with the program in [trainers].");
  } else {
    understood = read(outcome->output);
  }
  if (understood) return {};
  return tl::unexpected<Error>(tell_(std::move(understood).error(), outcome->words));
}

SteadyTrainer::SteadyTrainer(std::shared_ptr<const ExternalTrainer> trainer,
                             std::filesystem::path file)
    : trainer_(std::move(trainer)), file_(std::move(file)) {}

Status SteadyTrainer::Exchange(ByteSpan request,
                               std::size_t longest_reply,
                               const Reader& read) const {
  const Digest question = HashBytes(request);
  std::error_code unknown;
  if (std::filesystem::exists(file_, unknown)) {
    TRY(const Bytes kept, ReadFile(file_, question.bytes.size() + longest_reply));
    const ByteSpan all(kept);
    const std::size_t size = std::min(all.size(), question.bytes.size());
    if (std::equal(question.bytes.begin(), question.bytes.end(), all.begin(),
                   all.begin() + static_cast<std::ptrdiff_t>(size))) {
      return read(all.subspan(size));
    }
  }
  return trainer_->Exchange(request, longest_reply, [&](ByteSpan output) -> Status {
    TRY_STATUS(read(output));
    Bytes kept(question.bytes.begin(), question.bytes.end());
    kept.insert(kept.end(), output.begin(), output.end());
    return WriteFileAtomically(file_, kept, 0600);
  });
}

}  // namespace consilium
