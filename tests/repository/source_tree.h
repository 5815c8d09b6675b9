#pragma once

// The project's own files as text, for rules that no compiler checks.

#include <filesystem>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace consilium {

struct SourceFile {
  std::string path;  ///< From the root, with '/'.
  std::string text;
  std::vector<std::string> lines;  ///< Without their ends.
  /// C++ only: the lines with comments and the insides of literals blanked, at the same columns.
  std::vector<std::string> code;

  bool IsCpp() const { return path.ends_with(".h") || path.ends_with(".cc"); }
  bool Under(std::string_view folder) const { return path.starts_with(folder); }
  std::string FileName() const { return path.substr(path.rfind('/') + 1); }
};

/// Breaches of one rule. Each says FILE:LINE: what is wrong, and what to do instead.
class Findings {
 public:
  void Add(const SourceFile& file,
           std::size_t line,
           std::string_view what,
           std::string_view remedy);
  void AddPath(std::string_view path, std::string_view what, std::string_view remedy);
  bool empty() const { return messages_.empty(); }
  std::size_t size() const { return messages_.size(); }
  std::string Text() const;

 private:
  std::vector<std::string> messages_;
};

/// Makes a SourceFile of text that is on no disk: rules are tried on bad examples, too.
SourceFile MakeSourceFile(std::string path, std::string text);

std::filesystem::path RepositoryRoot();
/// Every file of the project but build folders, dot-folders of tools and binary data. Read once.
const std::vector<SourceFile>& SourceTree();
/// Those of SourceTree() that are C++.
std::vector<const SourceFile*> CppFiles();
/// nullptr when there is none.
const SourceFile* FindFile(std::string_view path);

/// A finding for each line of code that matches.
void FindInCode(const SourceFile& file,
                const std::regex& pattern,
                std::string_view what,
                std::string_view remedy,
                Findings& findings);

/// The paths included by a file: "common/bytes.h", "zmq.h"; with their line, from 1.
struct Include {
  std::string path;
  std::size_t line = 0;
};
std::vector<Include> IncludesOf(const SourceFile& file);

struct FunctionExtent {
  std::size_t first_line = 0;  ///< From 1: where the body's brace opens.
  std::size_t lines = 0;
};
/// Functions found by counting braces outside of namespaces, classes, enums and initialisers.
std::vector<FunctionExtent> FunctionsOf(const SourceFile& file);

}  // namespace consilium
