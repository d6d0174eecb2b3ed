#include "actors/shard_door.hpp"

namespace starling {

shard_door_actor::behavior_type shard_door(self_pointer<shard_door_actor, shard_door_state> self, shard_question ask) {
  self->observe("shard_door", {});
  return {
      [self, ask](const ask_shard& what) -> caf::result<redis_value> {
        auto number = ++self->state.last;
        auto promise = self->make_response_promise<redis_value>();
        self->state.asked.emplace(number, promise);
        ask(what, [to = shard_door_actor(self), number](redis_value answer) {
          caf::anon_send(to, shard_answered{number, std::move(answer)});
        });
        return promise;
      },
      [self](shard_answered& what) {
        auto asked = self->state.asked.find(what.number);
        if (asked == self->state.asked.end()) return;
        asked->second.deliver(std::move(what.answer));
        self->state.asked.erase(asked);
      },
  };
}

void gathered_answer::ask(const shard_door_actor& door, ask_shard what, std::function<void(redis_value&)> take) {
  ++left_;
  auto me = shared_from_this();
  self_->request(door, patience, std::move(what))
      .then(
          [me, take](redis_value& answer) {
            take(answer);
            me->end_one();
          },
          [me, take](const caf::error&) {
            redis_value late = redis_value::error{"no answer within " + std::to_string(patience.count()) + " ms"};
            take(late);
            me->end_one();
          });
}

void gathered_answer::end_one() {
  if (--left_ == 0) promise_.deliver(answer_with(result));
}

} // namespace starling
