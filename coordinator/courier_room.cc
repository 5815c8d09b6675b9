#include "coordinator/courier_room.h"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/check.h"
#include "protocols/courier/conversation_starts.h"

namespace consilium {

Result<CourierRoom::Taken> CourierRoom::Take(ByteSpan file,
                                             const CoordinatorCore& core,
                                             UtcSeconds now) {
  TRY(const TransportKey writer, WriterOf(file, core.roster().federation, keys_.transport));
  const Member* const member = core.MemberWithKey(writer);
  if (member == nullptr) {
    return Fail(ErrorCode::kRefused, "it was written by nobody on the roster",
                "Admit the site first; a revoked one has nothing to say.");
  }
  auto desk = desks_.find(member->id);
  std::optional<CourierDesk> begun;
  if (desk == desks_.end() || desk->second.peer() != writer) {
    const CourierKeys keys{core.roster().federation, keys_.identity,   keys_.transport,
                           keys_.transport_secret,   member->identity, writer};
    begun.emplace(Courier::Side::kCoordinator, keys, random_, NextStart(last_start_, now));
  }
  TRY(Courier::Taken taken, (begun ? *begun : desk->second).TakeFile(file, now));
  if (begun) {
    last_start_ = begun->courier().started_at();
    desks_.erase(member->id);
    desks_.emplace(member->id, std::move(*begun));
  }
  return Taken{member->id, writer, member->name, std::move(taken.messages)};
}

bool CourierRoom::Send(SiteId site, SharedBytes message, UtcSeconds now) {
  const auto desk = desks_.find(site);
  CHECK(desk != desks_.end());
  desk->second.Send(std::move(message));
  if (!desk->second.courier().overflows()) return true;
  last_start_ = NextStart(last_start_, now);
  desk->second.BeginAnew(last_start_);
  return false;
}

void CourierRoom::ForgetKey(const TransportKey& key) {
  std::erase_if(desks_, [&](const auto& entry) { return entry.second.peer() == key; });
}

std::size_t CourierRoom::Waiting(SiteId site) const {
  const auto desk = desks_.find(site);
  return desk == desks_.end() ? 0 : desk->second.courier().waiting();
}

Result<WrittenReply> CourierRoom::Write(const std::string& site,
                                        const Roster& roster,
                                        UtcSeconds now) const {
  const Member* const member = roster.FindByName(site);
  const auto desk = member == nullptr ? desks_.end() : desks_.find(member->id);
  if (desk == desks_.end()) {
    return Fail(ErrorCode::kNotFound,
                "no file of site " + site + " was taken in since the service started",
                "Take in its newest one first: `consilium-coordinator inbox DIR FILE`.");
  }
  WrittenReply reply;
  const Courier& courier = desk->second.courier();
  if (!courier.has_news()) return reply;
  TRY(reply.file, desk->second.WriteFile());
  reply.name = CourierFileName("to", member->name, now);
  reply.messages = courier.Write().messages.size();
  reply.left = courier.waiting() - reply.messages;
  return reply;
}

std::string CourierRoom::ListText(const Roster& roster) const {
  nlohmann::ordered_json list{{"sites", nlohmann::ordered_json::array()}};
  for (const auto& [site, desk] : desks_) {
    const Member* const member = roster.Find(site);
    if (member == nullptr) continue;
    list["sites"].push_back({{"site", member->name},
                             {"waiting", desk.courier().waiting()},
                             {"news", desk.courier().has_news()}});
  }
  return list.dump();
}

}  // namespace consilium
