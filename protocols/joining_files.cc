// The text files of joining, the coordinator's invitation and the site's request, and of a member
// that replaces its transport key.

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "common/crypto/hash.h"
#include "protocols/roster.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kInvitationType = "consilium-invitation";
constexpr std::string_view kRequestType = "consilium-join-request";
constexpr std::string_view kRotationType = "consilium-rotation-request";
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

Bytes SignedBytesOf(const Invitation& invitation) {
  const Digest digest = Hasher("consilium/invitation/v1")
                            .Add(invitation.federation)
                            .Add(invitation.federation_name)
                            .Add(invitation.site_name)
                            .Add(invitation.endpoint)
                            .Add(invitation.coordinator_identity)
                            .Add(invitation.coordinator_transport)
                            .Add(invitation.token)
                            .Finish();
  Bytes message = ToBytes("consilium/invitation/v1");
  message.insert(message.end(), digest.bytes.begin(), digest.bytes.end());
  return message;
}

Bytes SignedBytesOf(const JoinRequest& request) {
  const Digest digest = Hasher("consilium/join-request/v1")
                            .Add(request.federation)
                            .Add(request.site_name)
                            .Add(request.identity)
                            .Add(request.transport)
                            .Add(request.token)
                            .Finish();
  Bytes message = ToBytes("consilium/join-request/v1");
  message.insert(message.end(), digest.bytes.begin(), digest.bytes.end());
  return message;
}

Bytes SignedBytesOf(const RotationRequest& request) {
  const Digest digest = Hasher("consilium/rotation-request/v1")
                            .Add(request.federation)
                            .Add(request.site_name)
                            .Add(request.identity)
                            .Add(request.present)
                            .Add(request.next)
                            .Finish();
  Bytes message = ToBytes("consilium/rotation-request/v1");
  message.insert(message.end(), digest.bytes.begin(), digest.bytes.end());
  return message;
}

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

std::string AsFile(const Json& json) { return json.dump(2) + "\n"; }

}  // namespace

std::string WriteInvitation(const Invitation& invitation, const SigningKey& coordinator) {
  const Signature signature = coordinator.Sign(SignedBytesOf(invitation));
  Json json;
  json["type"] = kInvitationType;
  json["version"] = kFileVersion;
  json["federation"] = invitation.federation.ToHex();
  json["federation_name"] = invitation.federation_name;
  json["site_name"] = invitation.site_name;
  json["endpoint"] = invitation.endpoint;
  json["coordinator_identity"] = invitation.coordinator_identity.ToHex();
  json["coordinator_transport"] = invitation.coordinator_transport.ToHex();
  json["token"] = ToHex(invitation.token);
  json["signature"] = ToHex(signature.bytes);
  return AsFile(json);
}

Result<Invitation> ReadInvitation(std::string_view text, std::string_view file_name) {
  TRY(const FieldReader reader, FieldReader::Open(text, file_name, kInvitationType, 10));
  Invitation invitation;
  Signature signature;
  TRY_STATUS(reader.Fill("federation", invitation.federation.bytes));
  TRY(invitation.federation_name, reader.NameOf("federation_name", "federation"));
  TRY(invitation.site_name, reader.NameOf("site_name", "site"));
  TRY(invitation.endpoint, reader.Text("endpoint", kMaxEndpointLength));
  if (!IsEndpoint(invitation.endpoint)) {
    return reader.FailField("endpoint", "is not of the form tcp://HOST:PORT");
  }
  TRY_STATUS(reader.Fill("coordinator_identity", invitation.coordinator_identity.bytes));
  TRY_STATUS(reader.Fill("coordinator_transport", invitation.coordinator_transport.bytes));
  TRY_STATUS(reader.Fill("token", invitation.token));
  TRY_STATUS(reader.Fill("signature", signature.bytes));
  if (invitation.federation != FederationOf(invitation.coordinator_identity)) {
    return reader.FailField("federation", "does not belong to the coordinator's identity");
  }
  if (!Verify(invitation.coordinator_identity, SignedBytesOf(invitation), signature)) {
    return reader.FailField("signature", "is not the coordinator's on these fields");
  }
  return invitation;
}

std::string WriteJoinRequest(const JoinRequest& request, const SigningKey& site) {
  const Signature signature = site.Sign(SignedBytesOf(request));
  Json json;
  json["type"] = kRequestType;
  json["version"] = kFileVersion;
  json["federation"] = request.federation.ToHex();
  json["site_name"] = request.site_name;
  json["identity"] = request.identity.ToHex();
  json["transport"] = request.transport.ToHex();
  json["token"] = ToHex(request.token);
  json["signature"] = ToHex(signature.bytes);
  return AsFile(json);
}

Result<JoinRequest> ReadJoinRequest(std::string_view text, std::string_view file_name) {
  TRY(const FieldReader reader, FieldReader::Open(text, file_name, kRequestType, 8));
  JoinRequest request;
  Signature signature;
  TRY_STATUS(reader.Fill("federation", request.federation.bytes));
  TRY(request.site_name, reader.NameOf("site_name", "site"));
  TRY_STATUS(reader.Fill("identity", request.identity.bytes));
  TRY_STATUS(reader.Fill("transport", request.transport.bytes));
  TRY_STATUS(reader.Fill("token", request.token));
  TRY_STATUS(reader.Fill("signature", signature.bytes));
  if (!Verify(request.identity, SignedBytesOf(request), signature)) {
    return reader.FailField("signature", "is not made by the identity that the request names");
  }
  return request;
}

std::string WriteRotationRequest(const RotationRequest& request, const SigningKey& site) {
  const Signature signature = site.Sign(SignedBytesOf(request));
  Json json;
  json["type"] = kRotationType;
  json["version"] = kFileVersion;
  json["federation"] = request.federation.ToHex();
  json["site_name"] = request.site_name;
  json["identity"] = request.identity.ToHex();
  json["present"] = request.present.ToHex();
  json["next"] = request.next.ToHex();
  json["signature"] = ToHex(signature.bytes);
  return AsFile(json);
}

Result<RotationRequest> ReadRotationRequest(std::string_view text, std::string_view file_name) {
  TRY(const FieldReader reader, FieldReader::Open(text, file_name, kRotationType, 8));
  RotationRequest request;
  Signature signature;
  TRY_STATUS(reader.Fill("federation", request.federation.bytes));
  TRY(request.site_name, reader.NameOf("site_name", "site"));
  TRY_STATUS(reader.Fill("identity", request.identity.bytes));
  TRY_STATUS(reader.Fill("present", request.present.bytes));
  TRY_STATUS(reader.Fill("next", request.next.bytes));
  TRY_STATUS(reader.Fill("signature", signature.bytes));
  if (!Verify(request.identity, SignedBytesOf(request), signature)) {
    return reader.FailField("signature", "is not made by the identity that the request names");
  }
  return request;
}

bool IsRotationRequest(std::string_view text) {
  if (text.size() > kMaxFileBytes) return false;
  const Json json = Json::parse(text, nullptr, false);
  return json.is_object() && json.value("type", Json()) == kRotationType;
}

}  // namespace consilium
