// The text files of joining, the coordinator's invitation and the site's request, and of a member
// that replaces its transport key.

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/crypto/hash.h"
#include "protocols/roster.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFileVersion = 1;
constexpr std::size_t kMaxFileBytes = 16 * 1024;
constexpr std::size_t kMaxEndpointLength = 300;

/// The file's fields, read one by one; every error names the file and the field.
class FieldReader {
 public:
  static Result<FieldReader> Open(std::string_view text,
                                  std::string_view file_name,
                                  std::string_view type,
                                  std::size_t fields) {
    FieldReader reader{std::string(file_name)};
    if (text.size() > kMaxFileBytes) return reader.FailFile("is too long to be one");
    reader.json_ = Json::parse(text, nullptr, false);
    if (!reader.json_.is_object()) return reader.FailFile("is not a JSON object");
    TRY(const std::string found, reader.Text("type", kMaxNameLength));
    if (found != type) return reader.FailField("type", "is not \"" + std::string(type) + "\"");
    const auto version = reader.json_.find("version");
    if (version == reader.json_.end() || *version != kFileVersion) {
      return reader.FailField("version", "is not " + std::to_string(kFileVersion));
    }
    if (reader.json_.size() != fields)
      return reader.FailFile("has fields that do not belong there");
    return reader;
  }

  Result<std::string> Text(const char* field, std::size_t longest) const {
    const auto found = json_.find(field);
    if (found == json_.end()) return FailField(field, "is missing");
    if (!found->is_string()) return FailField(field, "is not a text");
    auto text = found->get<std::string>();
    if (text.size() > longest) return FailField(field, "is too long");
    return text;
  }

  Result<std::string> NameOf(const char* field, std::string_view what) const {
    TRY(auto name, Text(field, kMaxFileBytes));
    if (auto checked = CheckName(what, name); !checked) {
      return FailIn(file_name_, std::move(checked).error());
    }
    return name;
  }

  template <std::size_t N>
  Status Fill(const char* field, ByteArray<N>& bytes) const {
    TRY(const std::string hex, Text(field, 2 * N));
    const Result<Bytes> found = FromHex(hex);
    if (!found || found->size() != N) {
      return FailField(field, "is not " + std::to_string(2 * N) + " hexadecimal digits");
    }
    std::copy(found->begin(), found->end(), bytes.begin());
    return {};
  }

  tl::unexpected<Error> FailField(std::string_view field, std::string_view what) const {
    return FailFile("is damaged: field \"" + std::string(field) + "\" " + std::string(what));
  }
  tl::unexpected<Error> FailFile(std::string_view what) const {
    return Fail(ErrorCode::kCorrupt, file_name_ + ": the file " + std::string(what),
                "Ask for the file again and do not edit it.");
  }

 private:
  explicit FieldReader(std::string file_name) : file_name_(std::move(file_name)) {}
  std::string file_name_;
  Json json_;
};

/// "tcp://host:port"; the host a name, an IPv4 address or an IPv6 address in brackets.
bool IsEndpoint(std::string_view text) {
  constexpr std::string_view kScheme = "tcp://";
  if (text.size() > kMaxEndpointLength || !text.starts_with(kScheme)) return false;
  text.remove_prefix(kScheme.size());
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string_view inner = bracketed ? host.substr(1, host.size() - 2) : host;
  const bool characters = std::all_of(inner.begin(), inner.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || (bracketed && c == ':');
  });
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return characters && error == std::errc() && end == port.data() + port.size() && number >= 1 &&
         number <= 65535;
}

// Each file with its fields in their order, which is that of the file and of what is signed.

struct InvitationFile {
  using Content = Invitation;
  static constexpr std::string_view kType = "consilium-invitation";
  static constexpr std::string_view kDomain = "consilium/invitation/v1";
  static constexpr std::string_view kForged = "is not the coordinator's on these fields";

  static const IdentityKey& Signer(const Invitation& file) { return file.coordinator_identity; }
  template <class File, class Visitor>
  static void Visit(File& file, Visitor& visitor) {
    visitor.Key("federation", file.federation.bytes);
    visitor.Name("federation_name", file.federation_name, "federation");
    visitor.Name("site_name", file.site_name, "site");
    visitor.Endpoint("endpoint", file.endpoint);
    visitor.Key("coordinator_identity", file.coordinator_identity.bytes);
    visitor.Key("coordinator_transport", file.coordinator_transport.bytes);
    visitor.Key("token", file.token);
  }
};

constexpr std::string_view kRequestForged = "is not made by the identity that the request names";

struct JoinRequestFile {
  using Content = JoinRequest;
  static constexpr std::string_view kType = "consilium-join-request";
  static constexpr std::string_view kDomain = "consilium/join-request/v1";
  static constexpr std::string_view kForged = kRequestForged;

  static const IdentityKey& Signer(const JoinRequest& file) { return file.identity; }
  template <class File, class Visitor>
  static void Visit(File& file, Visitor& visitor) {
    visitor.Key("federation", file.federation.bytes);
    visitor.Name("site_name", file.site_name, "site");
    visitor.Key("identity", file.identity.bytes);
    visitor.Key("transport", file.transport.bytes);
    visitor.Key("token", file.token);
  }
};

struct RotationRequestFile {
  using Content = RotationRequest;
  static constexpr std::string_view kType = "consilium-rotation-request";
  static constexpr std::string_view kDomain = "consilium/rotation-request/v1";
  static constexpr std::string_view kForged = kRequestForged;

  static const IdentityKey& Signer(const RotationRequest& file) { return file.identity; }
  template <class File, class Visitor>
  static void Visit(File& file, Visitor& visitor) {
    visitor.Key("federation", file.federation.bytes);
    visitor.Name("site_name", file.site_name, "site");
    visitor.Key("identity", file.identity.bytes);
    visitor.Key("present", file.present.bytes);
    visitor.Key("next", file.next.bytes);
  }
};

/// Hashes the fields, and counts them.
struct HashingVisitor {
  Hasher hasher;
  std::size_t fields = 0;

  void Key(const char*, ByteSpan bytes) { ++fields, hasher.Add(bytes); }
  void Name(const char*, std::string_view name, std::string_view) { ++fields, hasher.Add(name); }
  void Endpoint(const char*, std::string_view text) { ++fields, hasher.Add(text); }
};

struct WritingVisitor {
  Json json;

  void Key(const char* field, ByteSpan bytes) { json[field] = ToHex(bytes); }
  void Name(const char* field, const std::string& name, std::string_view) { json[field] = name; }
  void Endpoint(const char* field, const std::string& text) { json[field] = text; }
};

/// Stops at the first field that cannot be read.
struct ReadingVisitor {
  const FieldReader& reader;
  Status status;

  template <std::size_t N>
  void Key(const char* field, ByteArray<N>& bytes) {
    if (status) status = reader.Fill(field, bytes);
  }
  void Name(const char* field, std::string& name, std::string_view what) {
    if (status) status = Take(reader.NameOf(field, what), name);
  }
  void Endpoint(const char* field, std::string& text) {
    if (status) status = Take(reader.Text(field, kMaxEndpointLength), text);
    if (status && !IsEndpoint(text)) {
      status = reader.FailField(field, "is not of the form tcp://HOST:PORT");
    }
  }

 private:
  static Status Take(Result<std::string> read, std::string& into) {
    TRY(into, std::move(read));
    return {};
  }
};

template <class File>
Bytes SignedBytesOf(const typename File::Content& content) {
  HashingVisitor hashing{Hasher(File::kDomain)};
  File::Visit(content, hashing);
  const Digest digest = hashing.hasher.Finish();
  Bytes message = ToBytes(File::kDomain);
  message.insert(message.end(), digest.bytes.begin(), digest.bytes.end());
  return message;
}

template <class File>
std::string Write(const typename File::Content& content, const SigningKey& signer) {
  WritingVisitor writing;
  writing.json["type"] = File::kType;
  writing.json["version"] = kFileVersion;
  File::Visit(content, writing);
  writing.json["signature"] = ToHex(signer.Sign(SignedBytesOf<File>(content)).bytes);
  return writing.json.dump(2) + "\n";
}

template <class File>
Result<typename File::Content> Read(std::string_view text, std::string_view file_name) {
  typename File::Content content;
  HashingVisitor counting{Hasher(File::kDomain)};
  File::Visit(std::as_const(content), counting);
  constexpr std::size_t kAround = 3;  // Type, version and signature.
  TRY(const FieldReader reader,
      FieldReader::Open(text, file_name, File::kType, counting.fields + kAround));
  ReadingVisitor reading{reader, {}};
  File::Visit(content, reading);
  TRY_STATUS(reading.status);
  Signature signature;
  TRY_STATUS(reader.Fill("signature", signature.bytes));
  if constexpr (std::is_same_v<File, InvitationFile>) {
    if (content.federation != FederationOf(content.coordinator_identity)) {
      return reader.FailField("federation", "does not belong to the coordinator's identity");
    }
  }
  if (!Verify(File::Signer(content), SignedBytesOf<File>(content), signature)) {
    return reader.FailField("signature", File::kForged);
  }
  return content;
}

}  // namespace

std::string WriteInvitation(const Invitation& invitation, const SigningKey& coordinator) {
  return Write<InvitationFile>(invitation, coordinator);
}

Result<Invitation> ReadInvitation(std::string_view text, std::string_view file_name) {
  return Read<InvitationFile>(text, file_name);
}

std::string WriteJoinRequest(const JoinRequest& request, const SigningKey& site) {
  return Write<JoinRequestFile>(request, site);
}

Result<JoinRequest> ReadJoinRequest(std::string_view text, std::string_view file_name) {
  return Read<JoinRequestFile>(text, file_name);
}

std::string WriteRotationRequest(const RotationRequest& request, const SigningKey& site) {
  return Write<RotationRequestFile>(request, site);
}

Result<RotationRequest> ReadRotationRequest(std::string_view text, std::string_view file_name) {
  return Read<RotationRequestFile>(text, file_name);
}

bool IsRotationRequest(std::string_view text) {
  if (text.size() > kMaxFileBytes) return false;
  const Json json = Json::parse(text, nullptr, false);
  return json.is_object() && json.value("type", Json()) == RotationRequestFile::kType;
}

}  // namespace consilium
