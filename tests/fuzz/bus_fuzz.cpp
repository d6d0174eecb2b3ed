#include <string>

#include "chat/bus.hpp"
#include "chat/log_cursor.hpp"
#include "chat/notifications.hpp"
#include "tests/fuzz/demand.hpp"

// What comes over the channels of a shard, a payload a line: by itself, and what it does to a room's place in its log.

using namespace starling;
using namespace starling::fuzz;

namespace {

/// What another node would write for what was read; empty for what only scripts write.
struct writer {
  std::string operator()(const member_typing& e) const { return write_typing(e.user); }
  std::string operator()(const member_read& e) const { return write_read(e.user, e.seq); }
  std::string operator()(const who_asked& e) const { return write_who_asked(e.node, e.number); }
  std::string operator()(const who_told& e) const { return write_who_told(e.node, e.number, e.users); }
  std::string operator()(const room_hinted& e) const { return write_hint(e); }
  std::string operator()(const sessions_kicked& e) const { return write_kick(e); }
  std::string operator()(const auto&) const { return {}; }
};

/// Does what a node does with it, and checks that `step_of`, which looks at the front only, has seen the same.
struct teller {
  feed_step step;

  void operator()(const message_logged& e) const {
    demand(step.at == e.entry.at, "a message moves the feed to its place");
    message_notification("lobby", e.entry);
  }
  void operator()(const member_changed& e) const {
    demand(step.version == e.version, "a change of members moves the feed to its version");
    member_notification("lobby", e);
  }
  void operator()(const presence_changed& e) const {
    demand(step.version == e.now.version, "a change of presence moves the feed to its version");
    presence_notification("ann", e.now);
  }
  void operator()(const auto&) const { demand(!step.at && !step.version, "nothing else moves a feed"); }
};

/// Checks that a room tells its members one order, without holes that it does not own up to.
void check(const log_cursor::step& step, log_position& told) {
  if (step.gap && step.gap->to >= step.gap->from) {
    demand(step.gap->epoch >= told.epoch, "a gap is not in a log that is over");
    told = {step.gap->epoch, step.gap->to};
  }
  if (!step.entry) return;
  auto& at = step.entry->at;
  demand(at.epoch > told.epoch || (at.epoch == told.epoch && at.seq > told.seq), "messages are told in order, once");
  told = at;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  log_cursor cursor({1, 0});
  auto told = cursor.last();
  for (auto text = text_of(data, size); !text.empty();) {
    const auto payload = take_line(text);
    read_trace_mark(payload);
    const auto step = step_of(payload);
    const auto event = read_bus(payload);
    if (!event) continue;
    std::visit(teller{step}, *event);
    const auto written = std::visit(writer{}, *event);
    if (!written.empty()) {
      const auto again = read_bus(written);
      demand(again && std::visit(writer{}, *again) == written, "what is written again reads the same");
    }
    if (auto* message = std::get_if<message_logged>(&*event))
      for (auto& one : cursor.offer(message->entry))
        check(one, told);
  }
  return 0;
}
