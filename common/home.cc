#include "common/home.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/crypto/hash.h"
#include "common/crypto/sealing.h"
#include "common/files.h"

namespace consilium {
namespace {

constexpr std::size_t kMaxKeyFileBytes = 4096;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::string_view kMagic = "consilium-key v1 ";
constexpr std::string_view kPersonal = "personal";

/// What the first line can say about how the secret is kept.
enum class Form { kPlain, kInteractive, kModerate };

constexpr std::array<std::pair<Form, std::string_view>, 3> kForms = {
    {{Form::kPlain, "plain"},
     {Form::kInteractive, "argon2id interactive"},
     {Form::kModerate, "argon2id moderate"}}};

PassphraseCost CostOf(Form form) {
  return form == Form::kInteractive ? PassphraseCost::kInteractive : PassphraseCost::kModerate;
}

std::string HeaderLine(std::string_view kind, Form form) {
  const auto* found = std::find_if(kForms.begin(), kForms.end(),
                                   [&](const auto& known) { return known.first == form; });
  return std::string(kMagic) + std::string(kind) + " " + std::string(found->second);
}

std::filesystem::path KeyFile(const std::filesystem::path& home, std::string_view kind) {
  return home / (std::string(kind) + ".key");
}

std::string ChecksumOf(std::string_view first_two_lines) {
  const Digest digest = Hasher("consilium/key-file/v1").Add(first_two_lines).Finish();
  return ToHex(digest.span().first(kChecksumBytes));
}

tl::unexpected<Error> Damaged(const std::filesystem::path& file, std::string_view how) {
  return Fail(ErrorCode::kCorrupt, "the key file '" + file.string() + "' " + std::string(how),
              "Restore it from a backup; without one this party must join again under a new key.");
}

/// A buffer with secret text that is wiped on every way out.
class WipedText {
 public:
  explicit WipedText(Bytes bytes) : bytes_(std::move(bytes)) {}
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText() { Wipe(bytes_); }

  ByteSpan bytes() const { return bytes_; }
  std::string_view text() const { return AsText(bytes_); }

 private:
  Bytes bytes_;
};

/// Lower-case hexadecimal into a buffer that never grows, so that no copy is left in freed memory.
void AppendHex(Bytes& to, ByteSpan bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  CHECK(to.capacity() - to.size() >= 2 * bytes.size());
  for (const std::byte byte : bytes) {
    to.push_back(static_cast<std::byte>(kDigits[std::to_integer<unsigned>(byte) >> 4]));
    to.push_back(static_cast<std::byte>(kDigits[std::to_integer<unsigned>(byte) & 15]));
  }
}

void AppendText(Bytes& to, std::string_view text) {
  CHECK(to.capacity() - to.size() >= text.size());
  const ByteSpan bytes = AsBytes(text);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// salt || sealed secret.
Result<Bytes> Protect(ByteSpan secret,
                      const Passphrase& passphrase,
                      Form form,
                      std::string_view header,
                      RandomSource& random) {
  const auto salt = random.Draw<kSaltBytes>();
  TRY(const SecretKey32 key, KeyFromPassphrase(passphrase.Expose(), salt, CostOf(form)));
  Bytes payload(salt.begin(), salt.end());
  const Bytes sealed = Seal(key, secret, AsBytes(header), random);
  payload.insert(payload.end(), sealed.begin(), sealed.end());
  return payload;
}

Status SaveKey(const std::filesystem::path& file,
               std::string_view kind,
               const SecretKey32& secret,
               const KeyProtection& protection,
               RandomSource& random) {
  TRY_STATUS(CheckPrivate(file.parent_path()));
  std::error_code error;
  const auto status = std::filesystem::symlink_status(file, error);
  if (status.type() != std::filesystem::file_type::not_found) {
    return Fail(ErrorCode::kConflict, "the key file '" + file.string() + "' exists already",
                "A key is made once. Use another folder for another party.");
  }
  Form form = Form::kPlain;
  if (protection.passphrase.has_value()) {
    form = protection.cost == PassphraseCost::kModerate ? Form::kModerate : Form::kInteractive;
  }
  const std::string header = HeaderLine(kind, form);
  Bytes text;
  text.reserve(kMaxKeyFileBytes);
  AppendText(text, header);
  AppendText(text, "\n");
  if (protection.passphrase.has_value()) {
    TRY(const Bytes payload,
        Protect(secret.Expose(), *protection.passphrase, form, header, random));
    AppendHex(text, payload);
  } else {
    AppendHex(text, secret.Expose());
  }
  AppendText(text, "\n");
  AppendText(text, ChecksumOf(AsText(text)) + "\n");
  const WipedText whole(std::move(text));
  return WriteFileAtomically(file, whole.bytes(), 0600);
}

struct KeyLines {
  Form form = Form::kPlain;
  std::string header;
  std::string_view payload;  ///< A view into the file's text.
};

Result<KeyLines> SplitLines(std::string_view text,
                            std::string_view kind,
                            const std::filesystem::path& file) {
  const std::size_t first = text.find('\n');
  const std::size_t second = first == std::string_view::npos ? first : text.find('\n', first + 1);
  if (second == std::string_view::npos) return Damaged(file, "is truncated");
  const std::string_view body = text.substr(0, second + 1);
  if (text.substr(second + 1) != ChecksumOf(body) + "\n") {
    return Damaged(file, "is truncated or was changed: its checksum does not fit");
  }
  KeyLines lines;
  lines.header = text.substr(0, first);
  lines.payload = text.substr(first + 1, second - first - 1);
  for (const auto& known : kForms) {
    if (lines.header == HeaderLine(kind, known.first)) {
      lines.form = known.first;
      return lines;
    }
  }
  return Damaged(file, "does not begin as a version 1 " + std::string(kind) + " key file does");
}

Result<SecretKey32> Unprotect(ByteSpan payload,
                              const KeyLines& lines,
                              const std::filesystem::path& file,
                              const PassphraseProvider& ask_passphrase) {
  if (payload.size() != kSaltBytes + SecretKey32::size() + kSealOverhead) {
    return Damaged(file, "does not hold a sealed key");
  }
  ByteArray<kSaltBytes> salt;
  std::copy_n(payload.begin(), kSaltBytes, salt.begin());
  TRY(const Passphrase passphrase, ask_passphrase(file));
  TRY(const SecretKey32 key, KeyFromPassphrase(passphrase.Expose(), salt, CostOf(lines.form)));
  Result<Bytes> opened = Unseal(key, payload.subspan(kSaltBytes), AsBytes(lines.header));
  if (!opened) {
    return Fail(ErrorCode::kRefused,
                "the passphrase does not open the key file '" + file.string() + "'",
                "Try again with the passphrase chosen when the key was made.");
  }
  const WipedText secret(std::move(*opened));
  return SecretKey32(secret.bytes());
}

Result<SecretKey32> LoadKey(const std::filesystem::path& file,
                            std::string_view kind,
                            const PassphraseProvider& ask_passphrase) {
  TRY_STATUS(CheckPrivate(file.parent_path()));
  TRY_STATUS(CheckPrivate(file));
  TRY(Bytes bytes, ReadFile(file, kMaxKeyFileBytes));
  const WipedText text(std::move(bytes));
  TRY(const KeyLines lines, SplitLines(text.text(), kind, file));
  Result<Bytes> payload = FromHex(lines.payload);
  if (!payload) return Damaged(file, "has a second line that is not hexadecimal");
  const WipedText key(std::move(*payload));
  if (lines.form == Form::kPlain && kind == kPersonal) {
    return Damaged(file, "has no passphrase, which a person's key must have");
  }
  if (lines.form != Form::kPlain) return Unprotect(key.bytes(), lines, file, ask_passphrase);
  if (key.bytes().size() != SecretKey32::size()) return Damaged(file, "does not hold 32 bytes");
  return SecretKey32(key.bytes());
}

}  // namespace

Passphrase::Passphrase(std::string_view text) : text_(ToBytes(text)) {}

Passphrase& Passphrase::operator=(Passphrase&& other) noexcept {
  if (this != &other) {
    Wipe(text_);
    text_ = std::move(other.text_);
  }
  return *this;
}

Passphrase::~Passphrase() { Wipe(text_); }

PassphraseProvider PassphraseMemory::provider() {
  return [this](const std::filesystem::path& file) -> Result<Passphrase> {
    if (!known_) {
      TRY(Passphrase typed, ask_(file));
      known_.emplace(std::move(typed));
    }
    return Passphrase(known_->Expose());
  };
}

Status SaveIdentity(const std::filesystem::path& home,
                    const SigningKey& key,
                    const KeyProtection& protection,
                    RandomSource& random) {
  return SaveKey(KeyFile(home, "identity"), "identity", key.Seed(), protection, random);
}

Status SaveTransportSecret(const std::filesystem::path& home,
                           const SecretKey32& secret,
                           const KeyProtection& protection,
                           RandomSource& random) {
  return SaveKey(KeyFile(home, "transport"), "transport", secret, protection, random);
}

Result<SigningKey> LoadIdentity(const std::filesystem::path& home,
                                const PassphraseProvider& ask_passphrase) {
  TRY(const SecretKey32 seed, LoadKey(KeyFile(home, "identity"), "identity", ask_passphrase));
  return SigningKey::FromSeed(seed);
}

Result<SecretKey32> LoadTransportSecret(const std::filesystem::path& home,
                                        const PassphraseProvider& ask_passphrase) {
  return LoadKey(KeyFile(home, "transport"), "transport", ask_passphrase);
}

Status SavePersonalKey(const std::filesystem::path& file,
                       const SigningKey& key,
                       const KeyProtection& protection,
                       RandomSource& random) {
  CHECK(protection.passphrase.has_value());
  return SaveKey(file, kPersonal, key.Seed(), protection, random);
}

Result<SigningKey> LoadPersonalKey(const std::filesystem::path& file,
                                   const PassphraseProvider& ask_passphrase) {
  TRY(const SecretKey32 seed, LoadKey(file, kPersonal, ask_passphrase));
  return SigningKey::FromSeed(seed);
}

PassphraseProvider NobodyToAsk() {
  return [](const std::filesystem::path& file) -> Result<Passphrase> {
    return Fail(ErrorCode::kPermission,
                "the key file '" + file.string() + "' needs a passphrase and nobody can be asked",
                "Start the program on a terminal, or give the passphrase as its help says.");
  };
}

}  // namespace consilium
