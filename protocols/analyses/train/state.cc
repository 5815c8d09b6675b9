#include "protocols/analyses/train/state.h"

#include <utility>

#include "common/wire.h"
#include "protocols/analyses/train/floats.h"

namespace consilium::train {
namespace {

struct StateMessage {
  Bytes control;
  Bytes own;
  Bytes update;
  std::uint32_t updated = 0;
  std::uint64_t rows = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<4 * kMaxParameters>(control), AtMost<4 * kMaxParameters>(own),
            AtMost<4 * kMaxParameters>(update), updated, rows);
  }
};

}  // namespace

Result<SiteState> DecodeState(ByteSpan bytes, const TrainPlan& plan) {
  SiteState state;
  const std::size_t controls = plan.Controls() ? plan.network.parameters : 0;
  state.control.assign(controls, 0.0F);
  if (bytes.empty()) return state;
  TRY(const StateMessage message, Decode<StateMessage>(bytes));
  const std::size_t all = 4 * plan.network.parameters;
  const std::size_t own = plan.HasOwnModels() || !plan.personal.empty() ? all : 0;
  const bool update_fits =
      message.update.empty() || (plan.IsRobust() && message.update.size() == all);
  if (message.control.size() != 4 * controls || !update_fits ||
      (!message.own.empty() && message.own.size() != own)) {
    return Fail(ErrorCode::kCorrupt, "the site's state is not one of this plan");
  }
  state.control = FloatsOf(message.control);
  state.own = FloatsOf(message.own);
  state.update = FloatsOf(message.update);
  state.updated = message.updated;
  state.rows = message.rows;
  if (!AllFinite(state.control) || !AllFinite(state.own) || !AllFinite(state.update)) {
    return Fail(ErrorCode::kCorrupt, "the site's state holds a number that makes no sense");
  }
  return state;
}

Bytes EncodeState(const SiteState& state, const TrainPlan& plan) {
  if (!plan.HasState()) return {};
  return Encode(StateMessage{BytesOf(state.control), BytesOf(state.own), BytesOf(state.update),
                             state.updated, state.rows});
}

}  // namespace consilium::train
