#include "tests/repository/source_tree.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>

namespace consilium {
namespace {

std::vector<std::string> SplitLines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool IsWordCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

/// Overwrites comments and the insides of string and character literals with blanks.
class Blanker {
 public:
  explicit Blanker(std::string text) : text_(std::move(text)) {}

  std::string Run() {
    while (at_ < text_.size()) {
      if (StartsWith("//")) {
        BlankUntil(LineEnd());
      } else if (StartsWith("/*")) {
        BlankUntil(After("*/", at_ + 2));
      } else if (text_[at_] == '"') {
        BlankString();
      } else if (text_[at_] == '\'' && !IsDigitSeparator()) {
        BlankQuoted('\'');
      } else {
        ++at_;
      }
    }
    return std::move(text_);
  }

 private:
  bool StartsWith(std::string_view what) const {
    return std::string_view(text_).substr(at_).starts_with(what);
  }
  bool IsDigitSeparator() const { return at_ > 0 && IsWordCharacter(text_[at_ - 1]); }
  std::size_t LineEnd() const { return std::min(text_.find('\n', at_), text_.size()); }
  std::size_t After(const std::string& what, std::size_t from) const {
    const std::size_t found = text_.find(what, from);
    return found == std::string::npos ? text_.size() : found + what.size();
  }
  void BlankUntil(std::size_t end) {
    for (; at_ < end; ++at_) {
      if (text_[at_] != '\n') text_[at_] = ' ';
    }
  }
  void BlankString() {
    if (at_ == 0 || text_[at_ - 1] != 'R') return BlankQuoted('"');
    const std::size_t open = std::min(text_.find('(', at_), text_.size());
    const std::string closing = ")" + text_.substr(at_ + 1, open - at_ - 1) + "\"";
    BlankUntil(After(closing, open));
  }
  void BlankQuoted(char quote) {
    ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      const std::size_t step = text_[at_] == '\\' ? 2 : 1;
      BlankUntil(std::min(at_ + step, text_.size()));
    }
    if (at_ < text_.size()) ++at_;
  }

  std::string text_;
  std::size_t at_ = 0;
};

bool IsSkippedFolder(const std::filesystem::path& folder) {
  static const std::set<std::string> kSkipped = {".git", ".cache", "demo-federation"};
  const std::string name = folder.filename().string();
  return kSkipped.contains(name) || name.starts_with("build");
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<SourceFile> ReadTree() {
  std::vector<SourceFile> files;
  const std::filesystem::path root = RepositoryRoot();
  auto entry = std::filesystem::recursive_directory_iterator(root);
  for (; entry != std::filesystem::recursive_directory_iterator(); ++entry) {
    if (entry->is_directory() && IsSkippedFolder(entry->path())) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      std::string text = ReadText(entry->path());
      if (text.find('\0') != std::string::npos) continue;
      files.push_back(MakeSourceFile(
          std::filesystem::relative(entry->path(), root).generic_string(), std::move(text)));
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

/// The statement before a brace, without template heads and requires-clauses.
std::string WithoutTemplateHead(std::string statement) {
  const std::size_t start = statement.find("template");
  if (start == std::string::npos) return statement;
  std::size_t at = statement.find('<', start);
  int depth = 0;
  for (; at < statement.size(); ++at) {
    if (statement[at] == '<') ++depth;
    if (statement[at] == '>' && --depth == 0) break;
  }
  return at < statement.size() ? statement.substr(at + 1) : statement;
}

bool OpensFunction(const std::string& raw) {
  static const std::regex kOther(R"(\b(namespace|class|struct|union|enum|concept|extern)\b)");
  const std::string statement = WithoutTemplateHead(raw);
  const std::size_t parenthesis = statement.find('(');
  if (parenthesis == std::string::npos) return false;
  const std::string before = statement.substr(0, parenthesis);
  if (std::regex_search(before, kOther)) return false;
  const std::size_t equals = before.find('=');
  return equals == std::string::npos || before.find("operator") != std::string::npos;
}

bool OpensScope(const std::string& statement) {
  static const std::regex kScope(R"(\b(namespace|class|struct|union|extern)\b)");
  return std::regex_search(WithoutTemplateHead(statement), kScope);
}

/// Directives and their continuations, which may hold unbalanced braces.
std::vector<std::string> WithoutDirectives(std::vector<std::string> lines) {
  bool continued = false;
  for (std::string& line : lines) {
    const std::size_t first = line.find_first_not_of(" \t");
    const bool directive = continued || (first != std::string::npos && line[first] == '#');
    continued = directive && !line.empty() && line.back() == '\\';
    if (directive) line.clear();
  }
  return lines;
}

}  // namespace

void Findings::Add(const SourceFile& file,
                   std::size_t line,
                   std::string_view what,
                   std::string_view remedy) {
  AddPath(file.path + ":" + std::to_string(line), what, remedy);
}

void Findings::AddPath(std::string_view path, std::string_view what, std::string_view remedy) {
  messages_.push_back(std::string(path) + ": " + std::string(what) + " " + std::string(remedy));
}

std::string Findings::Text() const {
  std::string text;
  for (const std::string& message : messages_) text += "\n" + message;
  return text;
}

SourceFile MakeSourceFile(std::string path, std::string text) {
  SourceFile file;
  file.path = std::move(path);
  file.lines = SplitLines(text);
  if (file.IsCpp()) file.code = SplitLines(Blanker(text).Run());
  file.text = std::move(text);
  return file;
}

std::filesystem::path RepositoryRoot() { return CONSILIUM_SOURCE_DIR; }

const std::vector<SourceFile>& SourceTree() {
  static const std::vector<SourceFile> kFiles = ReadTree();
  return kFiles;
}

std::vector<const SourceFile*> CppFiles() {
  std::vector<const SourceFile*> files;
  for (const SourceFile& file : SourceTree()) {
    if (file.IsCpp()) files.push_back(&file);
  }
  return files;
}

const SourceFile* FindFile(std::string_view path) {
  const auto& files = SourceTree();
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const SourceFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

void FindInCode(const SourceFile& file,
                const std::regex& pattern,
                std::string_view what,
                std::string_view remedy,
                Findings& findings) {
  for (std::size_t i = 0; i < file.code.size(); ++i) {
    if (std::regex_search(file.code[i], pattern)) findings.Add(file, i + 1, what, remedy);
  }
}

std::vector<Include> IncludesOf(const SourceFile& file) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Include> includes;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (std::regex_search(file.lines[i], match, kInclude)) {
      includes.push_back(Include{match[1].str(), i + 1});
    }
  }
  return includes;
}

std::vector<FunctionExtent> FunctionsOf(const SourceFile& file) {
  std::vector<FunctionExtent> functions;
  std::string statement;
  int inside = 0;  // Depth of braces that are no namespace or class; 0 outside of any.
  std::vector<bool> scopes;
  std::size_t function_start = 0;
  const std::vector<std::string> lines = WithoutDirectives(file.code);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (const char c : lines[i] + "\n") {
      if (c == '{') {
        const bool scope = inside == 0 && OpensScope(statement) && !OpensFunction(statement);
        if (inside == 0 && OpensFunction(statement)) function_start = i + 1;
        scopes.push_back(scope);
        if (!scope) ++inside;
        statement.clear();
      } else if (c == '}' && !scopes.empty()) {
        const bool scope = scopes.back();
        scopes.pop_back();
        if (!scope && --inside == 0 && function_start > 0) {
          functions.push_back(FunctionExtent{function_start, i + 2 - function_start});
          function_start = 0;
        }
        statement.clear();
      } else if (c == ';' && inside == 0) {
        statement.clear();
      } else {
        statement += c == '\n' ? ' ' : c;
      }
    }
  }
  return functions;
}

}  // namespace consilium
