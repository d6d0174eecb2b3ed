#pragma once

#include <deque>
#include <map>
#include <set>

#include "actors/observed.hpp"
#include "actors/protocol.hpp"
#include "chat/log_cursor.hpp"

namespace starling {

/// What room actors share.
struct room_options {
  std::string node; // name#incarnation
  struct limits limits;
  struct timings timings;
  std::shared_ptr<fan_out> fan;
  router_actor router;
  presence_actor presence;
  node_actor parent;
  drill_settings drill = {};
};

class room_state {
public:
  room_state(room_actor::pointer self) : self_(self) {}

  void start(room_id id, std::shared_ptr<const room_options> options);
  caf::result<attended> attend_seat(attend& what);
  void leave(const leave_seat& what);
  caf::result<redis_value> post(room_post& what);
  void typing(const typing_here& what);
  void read(const read_here& what);
  caf::result<std::vector<user_id>> who();
  void who_ends(std::uint64_t number);
  /// `restored`: this room has just brought the shard what it knows.
  void feed_is_up(bool restored = false);
  void news(const feed_news& what);
  void moved(const feed_tail& now);
  void feed_is_down(const feed_down& what);
  void go_down();
  void retry();
  void maybe_end();
  void forgotten();
  /// For those who look into the actor.
  std::string describe() const;

private:
  struct seat {
    session_number session;
    std::shared_ptr<client> sink;
    user_id user;
    room_role role;
  };
  struct seat_asker {
    caf::typed_response_promise<attended> answer;
    frame place; // see `attend`
  };
  /// A session on its way to a seat. There is one way for each, however often the session asks: two would tell it what
  /// it has missed twice.
  struct newcomer {
    attend what;
    std::vector<seat_asker> askers; // one a request: limits.requests_in_flight, and one more
    bool under_way = false;         // else it waits until the room is ready
    bool gone = false;              // before it had a seat
    room_description room{};
    unsigned stalls = 0; // readings of the log that brought nothing
  };
  using newcomer_ptr = std::shared_ptr<newcomer>;
  struct who_query {
    std::uint64_t number = 0;
    std::int64_t expected = -1; // nodes that were reached; -1: not known yet
    std::int64_t told = 0;
    std::set<user_id> users;
    std::vector<caf::typed_response_promise<std::vector<user_id>>> askers;
  };
  enum class phase : std::uint8_t { subscribing, reading, ready, down };

  // seats (room_seats.cpp)
  void admit(const newcomer_ptr& who);
  bool is_up_to_date(const room_description& known) const;
  void admit(const newcomer_ptr& who, room_description description);
  void catch_up(const newcomer_ptr& who, seq_number from);
  seq_number tell_newcomer(attend& who, const log_range& range, seq_number from);
  seq_number skip_for(attend& who, seq_number from, seq_number to);
  void greet(attend& who);
  std::vector<seat>::iterator place_of(session_number session);
  bool has_seat(session_number session);
  void take_seat(const newcomer_ptr& who);
  void refuse(const newcomer_ptr& who, const client_error& why);
  void remove_newcomer(const newcomer_ptr& who);
  /// What they are now: they may go while they are looked through.
  std::vector<newcomer_ptr> newcomers() const;
  void drop_user(const member_changed& event);
  void drop_seats_of(const user_id& user);
  void plan_end();

  // the log (room_log.cpp)
  bool knows_nothing() const;
  void begin_at(const feed_tail& now);
  void become_ready();
  bool awaits_news(const feed_tail& now);
  void follow(const feed_tail& now);
  bool has_lost(const feed_tail& now) const;
  bool began_anew(std::uint64_t epoch) const;
  void restore(log_position seen);
  void restore_failed();
  void repair(bool from_start = false);
  void repaired(const redis_value& answer, bool from_start);
  void repair_failed();
  void tell(std::vector<log_cursor::step> steps);
  void count_gap(const log_gap& gap);
  void push(std::string_view text, frame_kind kind, const user_id* except = nullptr, const log_entry* entry = nullptr);

  // news
  void handle(message_logged& event);
  void handle(member_changed& event);
  void handle(member_typing& event);
  void handle(member_read& event);
  void handle(who_asked& event);
  void handle(who_told& event);
  void handle(room_hinted&) {}
  void handle(presence_changed&) {}
  void handle(sessions_kicked&) {}
  void handle(tokens_revoked&) {}
  void check_members();
  void publish(std::string payload);
  void drill() const;
  void finish_who();

  room_actor::pointer self_;
  room_id id_;
  std::shared_ptr<const room_options> options_;
  phase phase_ = phase::subscribing;
  log_cursor cursor_;
  room_description known_;                           // as last told by the shard; `tail` and `role` are not kept up
  std::vector<seat> seats_;                          // by session, rising
  std::map<session_number, newcomer_ptr> newcomers_; // bounded by the sessions of the node
  std::uint64_t attends_ = 0;
  bool repairing_ = false;
  std::optional<seq_number> behind_since_; // nothing: not behind
  std::optional<seq_number> seen_at_look_; // when the log was found to be further, and its news were waited for
  std::chrono::steady_clock::time_point next_look_{};
  bool restoring_ = false;
  unsigned failures_ = 0;                             // in a row, of reading the log
  std::uint64_t brought_epoch_ = 0;                   // the newest log epoch whose shard was told what is known here
  static constexpr std::size_t early_news_max = 1000; // beyond: the next check of the tail repairs
  std::vector<feed_news> early_news_;
  std::unique_ptr<who_query> who_;
  std::uint64_t who_number_ = 0;
  std::vector<std::pair<user_id, std::chrono::steady_clock::time_point>> typed_; // local members, for one a second
};

using room_self = self_pointer<room_actor, room_state>;

room_actor::behavior_type room(room_self self, room_id id, std::shared_ptr<const room_options> options);

} // namespace starling
