// Writes homes as this version of the programs leaves them, for later versions to go on with:
//   write_old_state tests/end_to_end/old_state/format-N
// Run once for each format of the state that is released; tests/end_to_end/old_state_test.cc opens
// what it wrote.

#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

/// A coordinator and a site with one study that has ended, one that was approved and not started, a
/// patient who withdrew and an invitation that was not taken up.
void WriteHomes(const std::filesystem::path& into) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.RunningStudy(SmallPlan());
  if (!federation.Reaches(study, "finished", std::chrono::seconds(60))) {
    throw std::runtime_error("the study does not end: " + federation.ReasonOf(study));
  }
  federation.ApprovedStudy(SmallPlan("wait", "30s", "Offered"));
  const std::string withdrawn = federation.folder() / "withdrawn.txt";
  WriteText(withdrawn, "PATIENT-0-1\n");
  Expect(federation.Site("alpha", {"exclude", withdrawn}));
  Expect(federation.Coordinator({"invite", "--site", "delta", "--out", federation.folder() / "d"}));
  for (const std::string party : {"coordinator", "alpha"}) {
    if (federation.process(party).Stop() != 0) throw std::runtime_error(party + " does not stop");
    std::filesystem::create_directories(into / party);
    for (const char* file : {"identity.key", "transport.key", "settings.toml", "state.db"}) {
      std::filesystem::copy(federation.home(party) / file, into / party / file);
    }
  }
  std::filesystem::copy(federation.home("alpha") / "policy.toml", into / "alpha" / "policy.toml");
}

}  // namespace
}  // namespace consilium::testing

int main(int count, char** arguments) {
  if (count != 2 || std::filesystem::exists(arguments[1])) {
    std::cerr << "usage: write_old_state FOLDER, which does not exist yet\n";
    return 2;
  }
  try {
    consilium::testing::WriteHomes(arguments[1]);
  } catch (const std::exception& error) {
    std::cerr << "write_old_state: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
