// A site without a network, over real processes: client/program/commands_carried.cc,
// coordinator/commands_carried.cc, coordinator/courier_room.cc and
// common/transport/carried_files.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Three sites, of which alpha has no network; its files travel through folders of their own, one
/// for each way.
class CarriedTest : public ::testing::Test {
 protected:
  CarriedTest() : federation_(GeneratedSites(3)) {
    const std::string settings = federation_.home("alpha") / "settings.toml";
    Replace(settings, "# carried = true", "carried = true");
    std::string text = ReadText(settings);
    // It could not reach anybody if it tried.
    const std::string port = ":" + std::to_string(federation_.port());
    text.replace(text.find(port), port.size(), ":9");
    WriteText(settings, text);
    std::filesystem::create_directory(out_);
    std::filesystem::create_directory(back_);
    federation_.StartAll();
    const bool serves = Eventually(seconds(20), [&] {
      return federation_.Site("alpha", {"outbox", "--out", out_ / Name()}).exit_code == 0;
    });
    if (!serves) throw std::runtime_error("alpha does not start: " + federation_.WordsOf("alpha"));
  }

  static void Replace(const std::string& file, const std::string& from, const std::string& to) {
    std::string text = ReadText(file);
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("no such text in " + file);
    WriteText(file, text.replace(at, from.size(), to));
  }

  /// The courier goes there and back once. Files that were taken stay, as on a full stick.
  void GoThereAndBack() {
    Expect(federation_.Site("alpha", {"outbox", "--out", out_ / Name()}));
    if (!std::filesystem::is_empty(out_)) {
      Expect(federation_.Coordinator({"inbox", out_}));
    }
    Expect(federation_.Coordinator({"outbox", "--site", "alpha", "--out", back_ / Name()}));
    if (!std::filesystem::is_empty(back_)) TakeAtAlpha();
  }

  /// Older files are refused after a restart, the newest is not.
  void TakeAtAlpha() { last_taken_ = federation_.Site("alpha", {"inbox", back_}); }

  bool EventuallyByCarrying(const std::function<bool()>& condition) {
    return Eventually(seconds(90), [&] {
      if (condition()) return true;
      GoThereAndBack();
      return condition();
    });
  }

  std::string RunningStudy() {
    const std::string study = federation_.Submit(SmallPlan("wait", "300s"));
    for (const std::string site : {"alpha", "beta", "gamma"}) {
      if (!EventuallyByCarrying([&] {
            return federation_.Site(site, {"studies", "--json"}).out.find(study) !=
                   std::string::npos;
          })) {
        throw std::runtime_error(site + " was not offered the study: " + last_taken_.err);
      }
      Expect(federation_.Site(site, {"approve", study, "--yes"}));
    }
    const bool started = EventuallyByCarrying([&] {
      return federation_.Coordinator({"start", study}).exit_code == 0;
    });
    if (!started) throw std::runtime_error("the approvals did not arrive");
    return study;
  }

  std::string Name() {
    std::string number = std::to_string(++files_);
    return std::string(4 - number.size(), '0') + number + ".courier";
  }

  Deployment federation_;
  std::filesystem::path out_ = federation_.folder() / "from-alpha";
  std::filesystem::path back_ = federation_.folder() / "to-alpha";
  CommandOutcome last_taken_;
  int files_ = 0;
};

TEST_F(CarriedTest, AStudyEndsWithASiteThatFilesAloneReach) {
  const std::string study = RunningStudy();
  ASSERT_TRUE(EventuallyByCarrying([&] { return federation_.StateOf(study) == "finished"; }))
      << federation_.ReasonOf(study) << last_taken_.err << federation_.WordsOf("alpha");
  EXPECT_EQ(federation_.Coordinator({"result", study}).out,
            PlainTable(SmallPlan("wait", "300s"), {0, 1, 2}));

  // Whoever carries the files can read nothing in them.
  std::string carried;
  for (const auto& folder : {out_, back_}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      carried += ReadText(entry.path());
    }
  }
  EXPECT_GT(carried.size(), 10'000U);
  EXPECT_THAT(carried, AllOf(Not(HasSubstr("Two features")), Not(HasSubstr("PATIENT-")),
                             Not(HasSubstr("alpha"))));
  // The same files again change nothing.
  Expect(federation_.Coordinator({"inbox", out_}));
  EXPECT_EQ(federation_.StateOf(study), "finished");
}

TEST_F(CarriedTest, RestartsOfEitherSideAreGotOver) {
  const std::string study = RunningStudy();
  GoThereAndBack();
  federation_.process("alpha").Kill();
  federation_.StartSite("alpha");
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation_.Site("alpha", {"outbox", "--out", out_ / Name()}).exit_code == 0;
  }));
  GoThereAndBack();
  GoThereAndBack();
  federation_.process("coordinator").Kill();
  federation_.StartCoordinator();
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation_.Coordinator({"inbox", out_}).exit_code == 0;
  }));
  ASSERT_TRUE(EventuallyByCarrying([&] { return federation_.StateOf(study) == "finished"; }))
      << federation_.ReasonOf(study) << last_taken_.err << federation_.WordsOf("alpha");
  EXPECT_EQ(federation_.Coordinator({"result", study}).out,
            PlainTable(SmallPlan("wait", "300s"), {0, 1, 2}));
}

TEST_F(CarriedTest, ACoordinatorWhoseDiskWasFullIsSaidHelloAgain) {
  const std::string study = RunningStudy();
  GoThereAndBack();
  FillDisk(federation_.process("coordinator"));
  EXPECT_EQ(federation_.Coordinator({"pause", study}).exit_code, 16);
  FreeDisk(federation_.process("coordinator"));
  ASSERT_TRUE(
      Eventually(seconds(20), [&] { return federation_.Coordinator({"status"}).exit_code == 0; }));
  // What was carried before is not at hand any more.
  for (const auto& folder : {out_, back_}) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
  }

  ASSERT_TRUE(EventuallyByCarrying([&] { return federation_.StateOf(study) == "finished"; }))
      << federation_.ReasonOf(study) << last_taken_.err << federation_.WordsOf("alpha");
  EXPECT_EQ(federation_.Coordinator({"result", study}).out,
            PlainTable(SmallPlan("wait", "300s"), {0, 1, 2}));
}

TEST_F(CarriedTest, ASiteWhoseNewestKeyWasNeverUsedIsKnownByTheOneBefore) {
  const std::string settings = federation_.home("alpha") / "settings.toml";
  const std::string request = federation_.folder() / "alpha.rotation";
  Replace(settings, "carried = true", "carried = false");
  Expect(federation_.Site("alpha", {"rotate", "--request", request}));
  Replace(settings, "carried = false", "carried = true");
  Expect(federation_.Coordinator({"admit", request, "--yes"}));

  const std::string study = RunningStudy();

  ASSERT_TRUE(EventuallyByCarrying([&] { return federation_.StateOf(study) == "finished"; }))
      << federation_.ReasonOf(study) << last_taken_.err << federation_.WordsOf("alpha");
}

TEST_F(CarriedTest, WhatIsNotTakenIsSaidInWords) {
  const std::string stray = federation_.folder() / "stray.courier";
  WriteText(stray, "not a letter");
  const CommandOutcome damaged = federation_.Site("alpha", {"inbox", stray});
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_THAT(damaged.out, HasSubstr("not a whole file of `outbox`"));

  const std::string own = federation_.folder() / "own.courier";
  Expect(federation_.Site("alpha", {"outbox", "--out", own}));
  EXPECT_THAT(federation_.Site("alpha", {"inbox", own}).out,
              HasSubstr("it was written to somebody else"));
  EXPECT_THAT(federation_.Site("beta", {"inbox", own}).err, HasSubstr("carried = true"));
  EXPECT_THAT(federation_.Coordinator({"outbox", "--site", "beta"}).err,
              HasSubstr("no file of site beta was taken in"));
  EXPECT_THAT(federation_.Site("alpha", {"inbox", federation_.folder() / "absent"}).err,
              HasSubstr("absent"));

  federation_.process("alpha").Kill();
  const CommandOutcome nobody = federation_.Site("alpha", {"outbox", "--out", own});
  EXPECT_EQ(nobody.exit_code, 18);
  EXPECT_THAT(nobody.err, HasSubstr("one-time keys of open rounds: consilium-site run"));
}

}  // namespace
}  // namespace consilium::testing
