#include "simulations/storm/liars.h"

#include <algorithm>
#include <utility>

#include "protocols/roster.h"
#include "protocols/secure_sum/sketch.h"
#include "protocols/secure_sum/transcript.h"

namespace consilium {
namespace {

constexpr std::size_t kRemembered = 32;

/// The message with its body altered, sealed again; nothing if it is of another kind, cannot be
/// read, or `alter` says that it has nothing to alter.
template <class Body, class Alter>
std::vector<Bytes> Altered(MessageKind kind,
                           const OpenedMessage& message,
                           const SigningKey& key,
                           Alter alter) {
  if (message.kind != kind) return {};
  auto body = Decode<Body>(message.body);
  if (!body || !alter(*body)) return {};
  const Bytes bytes = Encode(*body);
  return {IsSigned(kind) ? SealMessage(kind, message.route, bytes, key)
                         : FrameMessage(kind, message.route, bytes)};
}

template <class Tag>
void Flip(Id32<Tag>& id) {
  id.bytes[5] ^= std::byte{4};
}

Bytes Noise(RandomSource& random, std::size_t size) {
  Bytes noise(size);
  random.Fill(noise);
  return noise;
}

void Remember(std::deque<Bytes>& sent, const Bytes& message) {
  sent.push_back(message);
  if (sent.size() > kRemembered) sent.pop_front();
}

std::vector<Bytes> Both(std::vector<Bytes> first, const Bytes& then) {
  if (!first.empty()) first.push_back(then);
  return first;
}

}  // namespace

// -- Sites

std::vector<Bytes> SiteLiar::Instead(const Bytes& bytes) {
  const auto message = OpenMessage(bytes);
  if (message->kind == MessageKind::kShares) {
    peers_.clear();
    const auto shares = Decode<Shares>(message->body);
    for (const SealedShare& share : shares->shares) peers_.push_back(share.recipient);
  }
  Remember(sent_, bytes);
  newest_lie_ = Fault::kCount;
  if (dealing_ && dealing_->route == message->route &&
      message->kind == MessageKind::kUploadHeader) {
    newest_lie_ = Fault::kSiteDealsInconsistently;
    return Altered<UploadHeader>(message->kind, *message, identity_, [&](UploadHeader& header) {
      header.delivery_root = dealing_->root;
      return true;
    });
  }
  if (random_.Unit() >= day_.site_lie_rate) return {bytes};
  const Fault lie = day_.site_lies[random_.Below(day_.site_lies.size())];
  if (lie == Fault::kSiteKeepsSilent) {
    newest_lie_ = lie;
    ++counts_[static_cast<std::size_t>(lie)];
    return {};
  }
  std::vector<Bytes> instead = Break(lie, *message, bytes);
  if (instead.empty()) return {bytes};
  newest_lie_ = lie;
  ++counts_[static_cast<std::size_t>(lie)];
  return instead;
}

Bytes SiteLiar::Believes(const Bytes& bytes, const SigningKey& coordinator) {
  const auto message = OpenMessage(bytes);
  if (!dealing_ || !message || message->kind != MessageKind::kDelivery ||
      message->route != dealing_->route) {
    return bytes;
  }
  auto delivery = Decode<Delivery>(message->body);
  if (!delivery) return bytes;
  dealing_->root = DeliveryRoot(dealing_->context, *delivery);
  for (DeliveredShare& share : delivery->shares) {
    if (share.sealed.empty()) share.shares_digest = dealing_->own;
  }
  return SealMessage(message->kind, message->route, Encode(*delivery), coordinator);
}

std::vector<Bytes> SiteLiar::Break(Fault lie, const OpenedMessage& message, const Bytes& bytes) {
  std::vector<Bytes> instead = BreakForm(lie, message, bytes);
  if (instead.empty()) instead = BreakDealing(lie, message);
  if (instead.empty()) instead = BreakUpload(lie, message);
  if (instead.empty()) instead = BreakSketch(lie, message);
  if (instead.empty()) instead = BreakOpening(lie, message);
  if (instead.empty()) instead = SayMore(lie, message, bytes);
  return instead;
}

std::vector<Bytes> SiteLiar::BreakForm(Fault lie,
                                       const OpenedMessage& message,
                                       const Bytes& bytes) {
  Route route = message.route;
  Bytes other = bytes;
  switch (lie) {
    case Fault::kSiteSendsGarbage:
      return {Noise(random_, 1 + random_.Below(300))};
    case Fault::kSiteSendsHalf:
      other.resize(bytes.size() / 2);
      return {other};
    case Fault::kSiteSendsWrongBody:
      if (!IsSigned(message.kind)) return {};
      return {SealMessage(message.kind, route, Noise(random_, 3), identity_)};
    case Fault::kSiteForgesSignature:
      if (!IsSigned(message.kind)) return {};
      other.back() ^= std::byte{1};
      return {other};
    case Fault::kSiteNamesOtherFederation:
      Flip(route.federation);
      if (!IsSigned(message.kind)) return {};
      return {SealMessage(message.kind, route, message.body, identity_)};
    case Fault::kSiteSendsCoordinatorsKind:
      return {SealMessage(MessageKind::kSurvivors, route, Encode(Survivors()), identity_), bytes};
    default:
      return {};
  }
}

std::vector<Bytes> SiteLiar::BreakDealing(Fault lie, const OpenedMessage& message) {
  if (lie == Fault::kSiteOffersBadPrekey) {
    return Altered<Prekey>(MessageKind::kPrekey, message, identity_, [&](Prekey& prekey) {
      (random_.Below(2) == 0 ? prekey.masking : prekey.encryption) = ExchangeKey{};
      return true;
    });
  }
  return Altered<Shares>(MessageKind::kShares, message, identity_, [&](Shares& shares) {
    switch (lie) {
      case Fault::kSiteSkipsRecipient:
        shares.shares.pop_back();
        return true;
      case Fault::kSiteSignsOtherContext:
        Flip(shares.context);
        return true;
      case Fault::kSiteDealsInconsistently:
        dealing_ = Dealing{message.route, shares.context, DigestOfShares(shares), Digest()};
        Flip(shares.commitment);
        return true;
      case Fault::kSiteSpoilsAllShares:
        for (SealedShare& share : shares.shares) share.sealed.back() ^= std::byte{1};
        return true;
      case Fault::kSiteSpoilsOneShare:
        shares.shares.front().sealed.back() ^= std::byte{1};
        return true;
      default:
        return false;
    }
  });
}

std::vector<Bytes> SiteLiar::BreakUpload(Fault lie, const OpenedMessage& message) {
  std::vector<Bytes> header = Altered<UploadHeader>(
      MessageKind::kUploadHeader, message, identity_, [&](UploadHeader& upload) {
        if (lie == Fault::kSiteSignsOtherContext) Flip(upload.context);
        if (lie == Fault::kSiteSendsWrongLength) ++upload.words;
        return lie == Fault::kSiteSignsOtherContext || lie == Fault::kSiteSendsWrongLength;
      });
  if (!header.empty()) return header;
  return Altered<Chunk>(MessageKind::kUploadChunk, message, identity_, [&](Chunk& chunk) {
    if (lie == Fault::kSiteSendsOtherVector) chunk.words.front() ^= 1U;
    if (lie == Fault::kSiteSendsWrongLength) chunk.words.pop_back();
    return lie == Fault::kSiteSendsOtherVector || lie == Fault::kSiteSendsWrongLength;
  });
}

/// As of a shorter vector, which the sum finds out, or of one that is far too long.
std::vector<Bytes> SiteLiar::BreakSketch(Fault lie, const OpenedMessage& message) {
  if (lie != Fault::kSiteLiesInSketch) return {};
  return Altered<Sketch>(MessageKind::kSketch, message, identity_, [&](Sketch& sketch) {
    auto numbers = SketchNumbersOf(sketch.numbers);
    if (!numbers) return false;
    const bool is_short = random_.Below(2) == 0;
    for (SketchNumber& number : *numbers) number = is_short ? number / 10 : number * 1'000;
    sketch.numbers = SketchWords(*numbers);
    return true;
  });
}

std::vector<Bytes> SiteLiar::BreakOpening(Fault lie, const OpenedMessage& message) {
  if (lie == Fault::kSiteConfirmsOtherTranscript) {
    return Altered<Confirmation>(MessageKind::kConfirmation, message, identity_,
                                 [](Confirmation& confirmation) {
                                   Flip(confirmation.transcript);
                                   return true;
                                 });
  }
  return Altered<Unmasking>(MessageKind::kUnmasking, message, identity_, [&](Unmasking& unmasking) {
    if (lie == Fault::kSiteOmitsShare) {
      unmasking.shares.pop_back();
      return true;
    }
    if (lie != Fault::kSiteRevealsFalseShare) return false;
    // The lowest bit of a scalar's lowest byte: it stays below the modulus.
    for (RevealedShare& share : unmasking.shares) share.share[0] ^= std::byte{1};
    return true;
  });
}

std::vector<Bytes> SiteLiar::SayMore(Fault lie, const OpenedMessage& message, const Bytes& bytes) {
  const Route& route = message.route;
  switch (lie) {
    case Fault::kSiteRepeatsDifferently:
      if (message.kind == MessageKind::kUploadHeader) {
        std::vector<Bytes> twice = Altered<UploadHeader>(MessageKind::kUploadHeader, message,
                                                         identity_, [](UploadHeader& header) {
                                                           Flip(header.vector_hash);
                                                           return true;
                                                         });
        twice.insert(twice.begin(), bytes);
        return twice;
      }
      return {};
    case Fault::kSiteReplays:
      return {sent_[random_.Below(sent_.size())], bytes};
    case Fault::kSiteSendsOutOfTurn:
      if (message.kind != MessageKind::kShares && message.kind != MessageKind::kUploadHeader) {
        return {};
      }
      return {SealMessage(MessageKind::kConfirmation, route, Encode(Confirmation()), identity_),
              bytes};
    case Fault::kSiteRestartsInWords: {
      if (message.kind != MessageKind::kConfirmation) return {};
      Hello hello;
      random_.Fill(hello.boot);
      const Route outside{route.federation, {}, {}, {}};
      return {SealMessage(MessageKind::kHello, outside, Encode(hello), identity_), bytes};
    }
    case Fault::kSiteRefusesFalsely: {
      if (message.kind != MessageKind::kUploadHeader || peers_.empty()) return {};
      RefusalMessage refusal;
      refusal.refused_kind = static_cast<std::uint16_t>(MessageKind::kDelivery);
      refusal.reason = static_cast<std::uint16_t>(RefusalReason::kShareDoesNotOpen);
      refusal.about = peers_[random_.Below(peers_.size())];
      return {SealMessage(MessageKind::kRefusal, route, Encode(refusal), identity_)};
    }
    case Fault::kSiteMakesUpReceipt:
      return Altered<Hello>(MessageKind::kHello, message, identity_, [](Hello& hello) {
        hello.receipt.head.records += 1'000;
        return true;
      });
    default:
      return {};
  }
}

// -- The coordinator

std::vector<Bytes> CoordinatorLiar::Instead(SiteId site, const Bytes& bytes) {
  const auto message = OpenMessage(bytes);
  Remember(sent_[site], bytes);
  newest_lie_ = Fault::kCount;
  if (random_.Unit() >= day_.coordinator_lie_rate) return {bytes};
  const Fault lie = day_.coordinator_lies[random_.Below(day_.coordinator_lies.size())];
  if (lie == Fault::kLieSilence) {
    newest_lie_ = lie;
    ++counts_[static_cast<std::size_t>(lie)];
    return {};
  }
  std::vector<Bytes> instead = Lie(lie, site, *message, bytes);
  if (instead.empty()) return {bytes};
  newest_lie_ = lie;
  ++counts_[static_cast<std::size_t>(lie)];
  return instead;
}

std::vector<Bytes> CoordinatorLiar::Lie(Fault lie,
                                        SiteId site,
                                        const OpenedMessage& message,
                                        const Bytes& bytes) {
  switch (lie) {
    case Fault::kLieUnsigned: {
      if (!IsSigned(message.kind)) return {};
      Bytes other = bytes;
      other.back() ^= std::byte{1};
      return {other};
    }
    case Fault::kLieGarbage:
      return Both({Noise(random_, 1 + random_.Below(300))}, bytes);
    case Fault::kLieReplay: {
      const std::deque<Bytes>& sent = sent_[site];
      return {sent[random_.Below(sent.size())], bytes};
    }
    case Fault::kLieReplayedRound:
      for (const Bytes& sent : sent_[site]) {
        if (OpenMessage(sent)->kind == MessageKind::kRoundStart && sent != bytes) {
          return {bytes, sent};
        }
      }
      return {};
    default:
      break;
  }
  std::vector<Bytes> instead = LieAtStart(lie, site, message);
  if (instead.empty()) instead = LieInRound(lie, site, message);
  if (instead.empty()) instead = LieOutsideRounds(lie, message);
  // Half of the time the truth follows: an honest site must have kept its state.
  return random_.Below(2) == 0 ? instead : Both(std::move(instead), bytes);
}

std::vector<Bytes> CoordinatorLiar::LieAtStart(Fault lie,
                                               SiteId site,
                                               const OpenedMessage& message) {
  return Altered<RoundStart>(MessageKind::kRoundStart, message, identity_, [&](RoundStart& start) {
    auto& participants = start.participants;
    const auto other =
        std::find_if(participants.begin(), participants.end(),
                     [&](const Participant& participant) { return participant.site != site; });
    switch (lie) {
      case Fault::kLieSwappedPrekey:
        random_.Fill(other->prekey.masking.bytes);
        return true;
      case Fault::kLieLowerThresholds:
        --start.thresholds.shares;
        return true;
      case Fault::kLieFewerParticipants:
        participants.erase(other);
        return true;
      case Fault::kLieOtherQuery:
        start.query_hash.bytes[0] ^= std::byte{1};
        return true;
      case Fault::kLieOldRoster:
        start.roster_epoch = RosterEpoch(start.roster_epoch.value() - 1);
        return true;
      default:
        return false;
    }
  });
}

template <class Entry, class SiteOf>
void CoordinatorLiar::KeepSome(std::vector<Entry>& entries, SiteId own, SiteOf site_of) {
  std::uint64_t gone = 1 + random_.Below(entries.size() - 1);
  std::erase_if(entries, [&](const Entry& entry) {
    if (site_of(entry) == own || gone == 0) return false;
    --gone;
    return true;
  });
}

std::vector<Bytes> CoordinatorLiar::LieInRound(Fault lie,
                                               SiteId site,
                                               const OpenedMessage& message) {
  std::vector<Bytes> instead =
      Altered<Delivery>(MessageKind::kDelivery, message, identity_, [&](Delivery& delivery) {
        if (lie != Fault::kLieOtherDelivery) return false;
        KeepSome(delivery.shares, site, [](const DeliveredShare& share) { return share.dealer; });
        return true;
      });
  if (!instead.empty()) return instead;
  instead =
      Altered<Survivors>(MessageKind::kSurvivors, message, identity_, [&](Survivors& survivors) {
        auto& headers = survivors.headers;
        const auto other =
            std::find_if(headers.begin(), headers.end(),
                         [&](const SurvivorHeader& header) { return header.site != site; });
        if (lie == Fault::kLieOtherSurvivors) {
          KeepSome(headers, site, [](const SurvivorHeader& header) { return header.site; });
          return true;
        }
        if (lie == Fault::kLieForgedHeader) Flip(other->header.vector_hash);
        return lie == Fault::kLieForgedHeader;
      });
  if (!instead.empty()) return instead;
  return Altered<Quorum>(MessageKind::kQuorum, message, identity_, [&](Quorum& quorum) {
    if (lie == Fault::kLieForgedQuorum) {
      quorum.signatures.front().signature.bytes[9] ^= std::byte{1};
    }
    if (lie == Fault::kLieSmallQuorum) quorum.signatures.pop_back();
    return lie == Fault::kLieForgedQuorum || lie == Fault::kLieSmallQuorum;
  });
}

std::vector<Bytes> CoordinatorLiar::LieOutsideRounds(Fault lie, const OpenedMessage& message) {
  switch (lie) {
    case Fault::kLieOtherSum:
      return Altered<RoundClosed>(MessageKind::kRoundClosed, message, identity_,
                                  [](RoundClosed& closed) {
                                    ++closed.sum.front();
                                    return true;
                                  });
    case Fault::kLieOtherPlan:
      return Altered<StudyOffer>(
          MessageKind::kStudyOffer, message, identity_, [](StudyOffer& offer) {
            const std::size_t at = offer.plan_text.find("minimum_patients = ");
            offer.plan_text.replace(at + 19, 1, "1");
            return true;
          });
    case Fault::kLieForeignRoster:
      return Altered<Welcome>(MessageKind::kWelcome, message, identity_, [&](Welcome& welcome) {
        const SigningKey stranger = SigningKey::Generate(random_);
        const auto roster = Decode<SignedRoster>(welcome.roster);
        welcome.roster = Encode(SignRoster(roster->roster, stranger));
        return true;
      });
    default:
      return {};
  }
}

}  // namespace consilium
