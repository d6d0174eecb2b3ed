#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "actors/member_changes.hpp"
#include "actors/observed.hpp"
#include "actors/protocol.hpp"
#include "chat/rate_limit.hpp"

namespace starling {

/// What session actors share.
struct session_options {
  std::string node; // its name, as clients are told
  struct limits limits;
  struct timings timings;
  bool create_public_rooms = true;
  router_actor router;
  presence_actor presence;
  node_actor parent;
};

/// The count of a connection's requests under way: raised where they are handed over, lowered where they are answered.
using flow_count = std::atomic<std::size_t>;

class session_state {
public:
  session_state(session_actor::pointer self) : self_(self) {}
  ~session_state();

  void start(std::shared_ptr<const session_options> options, identity who, session_number number,
             std::shared_ptr<client> sink, std::shared_ptr<flow_count> under_way);
  void open_unasked();
  void submit(submission& what);
  void rooms_have_changed(const rooms_changed& what);
  void lost_seat(const seat_lost& what);
  void lost_room(const room_failed& what);
  void kicked(const session_kicked& what);
  void revoked(const session_revoked& what);
  void retry();
  /// For those who look into the actor.
  std::string describe() const;

private:
  /// A request to be answered: everything that the answer needs. Exactly one of `answer`, `refuse` is called for each.
  struct asked {
    std::string id;
    std::shared_ptr<replies> answers;
    bool held = false;     // the client's outbox waits for this answer
    frame place = nullptr; // where in the outbox it goes, if one was kept; else ahead of all that waits
    std::shared_ptr<void> becoming = nullptr; // a member, by this request
    std::uint64_t trace = 0;                  // not 0: the request's way is noted under this number
  };
  struct my_room {
    std::optional<room_actor> actor; // nothing: not seated (being seated, or its shard is away)
    seq_number mark = 0;             // read mark
  };
  template <class T>
  using then = std::function<void(T)>;

  // answering (session.cpp)
  void take(asked who, request_params& what);
  std::uint64_t trace(request_params& what, std::chrono::steady_clock::time_point received);
  void answer(const asked& who, std::string_view result);
  void refuse(const asked& who, client_error why);
  void finish(const asked& who, std::string payload);
  asked hold(asked who);
  asked hold_becoming(asked who, const room_id& room);
  void done(const asked& who, const redis_value& value, const std::function<void()>& next);

  // asking (session.cpp)
  /// Runs a script; on failure the request is refused.
  void run(const asked& who, script_call call, then<const redis_value&> next);
  /// Runs scripts side by side; goes on with all answers, failures among them as errors.
  void run_all(std::vector<script_call> calls, then<std::vector<redis_value>> next);
  /// The same scripts as for the server API.
  member_changes changes();
  member_changes::then<std::monostate> answer_done(asked who);
  /// `known`: what the shard has just said that the room is to this user, if it was asked.
  /// `place`: see `attend`.
  void seat(const room_id& room, first_words words, std::optional<room_description> known, then<outcome<attended>> next,
            const frame& place = nullptr);

  // opening (session_open.cpp)
  void open(std::optional<asked> reply);
  void open_failed(const std::optional<asked>& reply, client_error why);
  void open_rooms(std::optional<asked> reply, const user_rooms& list);
  void opened(const std::optional<asked>& reply, const std::string& rooms);
  std::string opened_text(const std::string& rooms) const;
  void read_rooms_again();
  void end_revoked();
  void note_again(const room_id& room, seq_number mark);
  void retry_later();

  // requests (session_requests.cpp)
  void handle(asked who, session_open&);
  void handle(asked who, session_verified&);
  void handle(asked who, ping&);
  void handle(asked who, room_create& what);
  void handle(asked who, room_join& what);
  void handle(asked who, room_leave& what);
  void handle(asked who, room_add& what);
  void handle(asked who, room_remove& what);
  void handle(asked who, room_info& what);
  void handle(asked who, room_members& what);
  void handle(asked who, room_who& what);
  void handle(asked who, room_list&);
  void handle(asked who, room_history& what);
  void handle(asked who, room_sync& what);
  void handle(asked who, presence_get& what);
  void handle(asked who, presence_watch& what);
  void handle(asked who, presence_unwatch& what);
  void refuse_member(const asked& who, const room_id& room, client_error why);
  void joined(asked who, room_id room, std::optional<seq_number> since, room_description known);
  void answer_joined(const asked& who, const room_id& room, std::optional<seq_number> since,
                     const room_description& description);
  void hint(const user_id& user, const room_hinted& what);
  const room_actor* seated(const room_id& room) const;

  // requests (session_messages.cpp)
  void handle(asked who, message_send& what);
  void handle(asked who, message_read& what);
  void handle(asked who, starling::typing& what);
  void post(asked who, message_send& what);
  void begin_dialogue(asked who, message_send what);
  void dialogue_made(const room_id& room, made_dialogue made);
  void dialogue_failed(const room_id& room, const client_error& why);

  enum class phase : std::uint8_t { closed, opening, open };

  session_actor::pointer self_;
  std::shared_ptr<const session_options> options_;
  identity who_;
  session_number number_ = 0;
  std::shared_ptr<client> sink_;
  std::shared_ptr<flow_count> under_way_;
  phase phase_ = phase::closed;
  std::map<room_id, my_room> rooms_;
  std::vector<room_id> seating_; // rooms asked for a seat that have not said that it is taken: limits.rooms_per_user
  std::shared_ptr<std::multiset<room_id>> becoming_; // rooms that requests under way are about to make or to join
  std::uint64_t rooms_version_ = 0;
  std::uint64_t rooms_moved_ = 0; // the version that was told while opening; 0: none was
  std::int64_t revoked_s_ = 0;    // as it stood when the session opened
  bool retrying_ = false;
  std::optional<token_bucket> bucket_;
  // Messages that wait for their dialogue; bounded by requests_in_flight, as is what comes while opening.
  std::map<room_id, std::vector<std::pair<asked, message_send>>> beginning_;
  std::vector<std::pair<asked, request_params>> early_; // came while opening
};

using session_self = self_pointer<session_actor, session_state>;

session_actor::behavior_type session(session_self self, std::shared_ptr<const session_options> options, identity who,
                                     session_number number, std::shared_ptr<client> sink,
                                     std::shared_ptr<flow_count> under_way);

} // namespace starling
