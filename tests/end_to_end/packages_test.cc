// What hospital IT installs: the Debian packages that cmake/Packaging.cmake describes, made of the
// programs under test.

#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/end_to_end/shell.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class PackagesTest : public ::testing::Test {
 protected:
  /// Packs when any of what is packed has changed since the last time; each test is a process of
  /// its own. The time that counts is when packing began: files may change meanwhile.
  static void SetUpTestSuite() {
    for (const char* tool : {"cpack", "file", "dpkg-deb", "dpkg-shlibdeps"}) {
      if (!IsInstalled(tool)) return;
    }
    const TemporaryFolder folder;
    Process packing({"/bin/bash", "-c",
                     "set -e; cd " CONSILIUM_BUILD_FOLDER "; source=" CONSILIUM_SOURCE_FOLDER
                     "; mkdir -p tested-packages; exec 9> tested-packages/lock; flock 9; "
                     "[ ! -e tested-packages/made ] || [ -n \"$(find "
                     "bin/consilium-{site,coordinator,sim,table-reader} CPackConfig.cmake debian "
                     "{.,client,coordinator,simulations}/cmake_install.cmake "
                     "$source/{README.md,docs,examples,scripts/service} "
                     "-newer tested-packages/made -print -quit)\" ] || exit 0; "
                     "rm -f tested-packages/{made,*.deb}; touch tested-packages/begun; "
                     "cpack -G DEB -B tested-packages -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip; "
                     "mv tested-packages/{begun,made}"},
                    folder / "log");
    EXPECT_TRUE(Eventually(std::chrono::seconds(240), [&] { return !packing.running(); }));
    packed_ = std::filesystem::exists(Folder() / "made");
    EXPECT_TRUE(packed_) << ReadText(folder / "log");
  }
  void SetUp() override {
    if (!packed_) GTEST_SKIP() << "cpack, file or dpkg-dev is not installed";
  }

  static std::filesystem::path Folder() {
    return std::filesystem::path(CONSILIUM_BUILD_FOLDER) / "tested-packages";
  }
  static std::string PackageOf(const std::string& program) {
    for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
      const std::string name = entry.path().filename();
      if (name.starts_with("consilium-" + program + "_") && name.ends_with(".deb")) {
        return entry.path();
      }
    }
    ADD_FAILURE() << "no package of " << program;
    return "";
  }
  static std::string Field(const std::string& program, const std::string& field) {
    return Expect(Shell("dpkg-deb --field " + PackageOf(program) + " " + field)).out;
  }
  static std::string Contents(const std::string& program) {
    return Expect(Shell("dpkg-deb --contents " + PackageOf(program))).out;
  }

  static inline bool packed_ = false;
};

TEST_F(PackagesTest, SayWhatTheyAreAndNeed) {
  for (const std::string program : {"site", "coordinator", "sim"}) {
    EXPECT_EQ(Field(program, "Package"), "consilium-" + program + "\n");
    EXPECT_THAT(Field(program, "Version"), HasSubstr(CONSILIUM_VERSION "-1"));
    EXPECT_THAT(Field(program, "Depends"), ContainsRegex("libc6 \\(>= .*libsodium23"));
    // A line that begins with two spaces would be shown as it is, not filled.
    EXPECT_THAT(Field(program, "Description"),
                AllOf(HasSubstr("federated statistics"), ContainsRegex("\n [A-Z]"),
                      Not(HasSubstr("\n  "))));
  }
  for (const std::string service : kServices) {
    EXPECT_THAT(Field(service, "Depends"), AllOf(HasSubstr("libzmq5"), HasSubstr("adduser")));
  }
  EXPECT_THAT(Field("site", "Depends"), Not(HasSubstr("protobuf")));
  for (const std::string reads_files : {"site", "sim"}) {
    EXPECT_THAT(Field(reads_files, "Depends"), HasSubstr("libreadstat1"));
  }
  EXPECT_THAT(Field("coordinator", "Depends"), Not(HasSubstr("libreadstat")));
}

TEST_F(PackagesTest, HoldTheProgramItsManualAndItsDocuments) {
  for (const std::string program : {"site", "coordinator", "sim"}) {
    const std::string name = "consilium-" + program;
    const std::string contents = Contents(program);
    EXPECT_THAT(contents, ContainsRegex("-rwxr-xr-x root/root .* ./usr/bin/" + name + "\n"));
    for (const std::string& file :
         {"man/man1/" + name + ".1.gz", "doc/" + name + "/docs/operations.md",
          "doc/" + name + "/docs/exit-codes.md", "doc/" + name + "/copyright",
          "doc/" + name + "/changelog.Debian.gz", "doc/" + name + "/examples/heart.toml"}) {
      EXPECT_THAT(contents, ContainsRegex("-rw-r--r-- root/root .* ./usr/share/" + file + "\n"));
    }
    EXPECT_THAT(contents, Not(HasSubstr("/usr/local")));
  }
  EXPECT_THAT(Contents("sim"), Not(HasSubstr("systemd")));
}

/// What lies below usr/share/doc/NAME, by its path from there, but for what is made while packing.
std::map<std::string, std::string> DocumentsBelow(const std::filesystem::path& folder) {
  std::map<std::string, std::string> documents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().lexically_relative(folder);
    if (!entry.is_regular_file() || path == "copyright" || path == "changelog.Debian.gz") continue;
    documents[path] = ReadText(entry.path());
  }
  return documents;
}

TEST_F(PackagesTest, HoldWhatTheSourcesHaveNow) {
  std::map<std::string, std::string> sources;
  for (const auto& [path, text] : DocumentsBelow(SourceOf("docs"))) {
    if (!path.starts_with("man/")) sources["docs/" + path] = text;
  }
  sources["README.md"] = ReadText(SourceOf("README.md"));
  for (const auto& [path, text] : DocumentsBelow(SourceOf("examples"))) {
    if (!path.starts_with("demo/")) sources["examples/" + path] = text;
  }
  for (const std::string program : {"site", "coordinator", "sim"}) {
    const TemporaryFolder root;
    const std::string name = "consilium-" + program;
    Expect(Shell("dpkg-deb -x " + PackageOf(program) + " " + root.path().string()));
    std::map<std::string, std::string> packed = DocumentsBelow(root / "usr/share/doc" / name);
    if (program == "site") {
      EXPECT_EQ(packed["examples/trainers.conf"],
                ReadText(SourceOf("scripts/service/trainers.conf")));
      packed.erase("examples/trainers.conf");
    }
    EXPECT_TRUE(packed == sources) << name;
    EXPECT_EQ(Expect(Shell("zcat " + (root / "usr/share/man/man1" / name).string() + ".1.gz")).out,
              ReadText(SourceOf("docs/man/" + name + ".1")));
    if (program == "sim") continue;
    const std::string unit = name + "@.service";
    EXPECT_EQ(ReadText(root / "usr/lib/systemd/system" / unit),
              ReadText(SourceOf("scripts/service/" + unit)));
    EXPECT_EQ(ReadText(root / "etc/default" / name),
              ReadText(SourceOf("scripts/service/" + name + ".default")));
  }
}

TEST_F(PackagesTest, LinksOfTheReadmeToDocumentsAndExamplesHold) {
  const TemporaryFolder root;
  Expect(Shell("dpkg-deb -x " + PackageOf("site") + " " + root.path().string()));
  const std::filesystem::path folder = root / "usr/share/doc/consilium-site";
  const std::string text = ReadText(folder / "README.md");
  const std::regex link(R"(\]\(((?:docs|examples)/[^)#]*))");
  std::size_t links = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at, ++links) {
    const std::string path = (*at)[1];
    if (path.starts_with("examples/demo")) continue;  // It needs the sources.
    EXPECT_TRUE(std::filesystem::exists(folder / path)) << path;
  }
  EXPECT_GT(links, 10U);
}

TEST_F(PackagesTest, ServicesHaveUnitsAndTheirOptionsAreKeptAtAnUpgrade) {
  for (const std::string service : kServices) {
    const std::string name = "consilium-" + service;
    const std::string contents = Contents(service);
    EXPECT_THAT(contents, ContainsRegex("-rw-r--r-- root/root .* ./usr/lib/systemd/system/" + name +
                                        "@.service"));
    EXPECT_THAT(contents, ContainsRegex("-rw-r--r-- root/root .* ./etc/default/" + name + "\n"));
    EXPECT_EQ(Expect(Shell("dpkg-deb --info " + PackageOf(service) + " conffiles")).out,
              "/etc/default/" + name + "\n");
    for (const std::string script : {"postinst", "prerm", "postrm"}) {
      const std::string text =
          Expect(Shell("dpkg-deb --info " + PackageOf(service) + " " + script)).out;
      EXPECT_EQ(text.find("@PROGRAM@"), std::string::npos);
      EXPECT_THAT(text, Not(ContainsRegex("systemctl ([^\n]* )?(enable|start) "))) << script;
    }
  }
}

TEST_F(PackagesTest, ManualsNameEveryCommand) {
  const std::regex command(R"(\n  ([a-z]+) +[A-Z])");
  for (const std::string program : {"site", "coordinator", "sim"}) {
    const std::string name = "consilium-" + program;
    const std::string help = Expect(RunProgram({name, "--help"})).out;
    const std::string manual = ReadText(SourceOf("docs/man/" + name + ".1"));
    const std::string list = help.substr(help.find("ubcommands"));
    std::set<std::string> commands;
    for (std::sregex_iterator at(list.begin(), list.end(), command), end; at != end; ++at) {
      commands.insert((*at)[1]);
    }
    ASSERT_GE(commands.size(), 5U) << help;
    for (const std::string& word : commands) {
      EXPECT_THAT(manual, HasSubstr("\n.TP\n.B " + word + "\n")) << name;
    }
    EXPECT_EQ(std::count(manual.begin(), manual.end(), '\0'), 0);
  }
}

TEST_F(PackagesTest, UnpackedProgramsRunAndFindWhatReadsForThem) {
  const TemporaryFolder root;
  for (const std::string program : {"site", "coordinator", "sim"}) {
    Expect(Shell("dpkg-deb -x " + PackageOf(program) + " " + root.path().string()));
    const std::string name = "consilium-" + program;
    EXPECT_THAT(Expect(Shell((root / "usr/bin" / name).string() + " --help")).out, HasSubstr(name));
  }
  const std::string home = root / "federation";
  const std::string coordinator = (root / "usr/bin/consilium-coordinator").string() + " ";
  Expect(Shell(coordinator + "init " + home + " --name test --listen tcp://127.0.0.1:7700"));
  EXPECT_TRUE(std::filesystem::exists(home + "/identity.key"));
  // The packed site finds its own reader of statistics programs' files: it has looked at this one.
  Expect(
      Shell(coordinator + "invite " + home + " --site basel --out " + (root / "invite").string()));
  const std::string site = (root / "usr/bin/consilium-site").string() + " ";
  const std::string basel = (root / "basel").string();
  Expect(Shell(site + "init " + basel + " --invite " + (root / "invite").string() + " --request " +
               (root / "request").string()));
  WriteText(root / "data.sav", std::string(1'000, 'x'));
  WriteText(root / "source.toml", "type = \"sav\"\nfile = \"data.sav\"\n");
  Expect(Shell(site + "source " + basel + " " + (root / "source.toml").string()));
  EXPECT_THAT(Shell(site + "doctor " + basel + " --json").out,
              HasSubstr("this is no file of the type"));
}

/// Installs, upgrades, removes and purges in a view of this machine that forgets all changes.
TEST_F(PackagesTest, AnInstallationMakesAnAccountStartsNothingAndAPurgeKeepsKeys) {
  const TemporaryFolder folder;
  const std::string overlay = folder / "overlay";
  const std::string view = overlay + "/view";
  const std::string prepare = "set -e; mkdir -p " + overlay + " && mount -t tmpfs none " + overlay +
                              " && mkdir " + overlay + "/up " + overlay + "/work " + view +
                              " && mount -t overlay none -o lowerdir=/,upperdir=" + overlay +
                              "/up,workdir=" + overlay + "/work " + view;
  std::filesystem::create_directory(overlay);
  const auto within = [&](const std::string& lines) {
    return Shell("unshare --mount --pid --fork bash -c '" + prepare + "; " + lines + "'");
  };
  if (::geteuid() != 0 || within("true").exit_code != 0 || !IsInstalled("adduser")) {
    GTEST_SKIP() << "needs root, an overlay file system and adduser";
  }
  const std::string home = "/var/lib/consilium-site";
  const CommandOutcome outcome =
      within("cp " + PackageOf("site") + " " + view + "/tmp/site.deb; cp " + PackageOf("sim") +
             " " + view + "/tmp/sim.deb; exec chroot " + view +
             " bash -ec \"export DEBIAN_FRONTEND=noninteractive\n"
             "dpkg --no-triggers --force-depends -i /tmp/site.deb /tmp/sim.deb\n"
             "stat -c \\\"folder %a %U\\\" " +
             home +
             "\n"
             "getent passwd consilium-site | cut -d: -f6,7\n"
             "ls /etc/systemd/system/multi-user.target.wants/ | grep -c consilium || true\n"
             "echo changed >> /etc/default/consilium-site\n"
             "mkdir " +
             home + "/basel; echo key > " + home +
             "/basel/identity.key\n"
             "dpkg --no-triggers --force-depends --force-confold -i /tmp/site.deb\n"
             "tail -1 /etc/default/consilium-site\n"
             "/usr/bin/consilium-site --version\n"
             "dpkg --no-triggers --purge consilium-site\n"
             "cat " +
             home +
             "/basel/identity.key; ls /usr/bin/consilium-site /etc/default/consilium-site 2>&1 | "
             "grep -c \\\"No such\\\"\n"
             "rm -r " +
             home +
             "/basel; dpkg --no-triggers --force-depends -i /tmp/site.deb; dpkg --no-triggers "
             "--purge consilium-site\n"
             "test ! -d " +
             home + " && echo an empty folder goes\"");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("folder 700 consilium-site"),
                                 HasSubstr("/var/lib/consilium-site:/usr/sbin/nologin\n0\n"),
                                 HasSubstr("changed\nconsilium-site " CONSILIUM_VERSION),
                                 HasSubstr("holds keys and records, and stays"),
                                 HasSubstr("key\n2\n"), HasSubstr("an empty folder goes")))
      << outcome.err;
  EXPECT_FALSE(std::filesystem::exists("/usr/bin/consilium-site") &&
               std::filesystem::exists(home + "/basel"));
}

}  // namespace
}  // namespace consilium::testing
