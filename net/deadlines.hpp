#pragma once

#include <chrono>
#include <optional>

#include "chat/settings.hpp"

namespace starling::net {

/// What a WebSocket connection must do by itself, and when. Decides only: time comes from outside, nothing happens
/// here.
///
/// Lean, since there are 100,000 of them: each knows its moments, and is asked again when the earliest has come.
class deadlines {
public:
  using steady_time = std::chrono::steady_clock::time_point;
  using system_time = std::chrono::system_clock::time_point;
  static constexpr auto never = steady_time::max();

  enum class due {
    nothing,
    ping,         // it was silent: ask whether it is there
    warn,         // its token ends soon
    not_opened,   // no session in time
    not_upgraded, // not even a WebSocket in time
    no_answer,    // to a ping
    token_expired,
    leave, // it is its turn to be sent away
    shut,  // the end takes too long
  };
  struct decision {
    due what = due::nothing;
    steady_time again = never; // when to ask next, if `what` does not end the connection
  };

  deadlines(const timings& times, steady_time now) : times_(&times), started_(now) {}

  void upgraded() { upgraded_ = true; }
  /// Something came from the client; the next ping is `silence` away, which the caller jitters.
  void heard(steady_time now, milliseconds silence);
  /// The session is open, or its token was renewed; false if that was known.
  bool opened(std::optional<system_time> token_ends);
  /// The client's frames are not being read: it cannot be heard, so it is not asked either.
  void pause(bool on) { paused_ = on; }
  void leave_at(steady_time when) { leave_at_ = when; }
  /// The close frame is on its way: the client and the network have `linger` to take it.
  void end_by(steady_time when);

  /// What is due; counts as done with this answer.
  decision look(steady_time now, system_time clock);
  /// How long the token is still good.
  milliseconds token_left(system_time clock) const;

private:
  decision look_silence(steady_time now);
  decision look_token(steady_time now, system_time clock);

  const timings* times_;
  steady_time started_;
  steady_time ping_at_ = never;
  steady_time answer_by_ = never; // a ping is out
  steady_time leave_at_ = never;
  steady_time end_by_ = never;
  std::optional<system_time> token_ends_;
  bool upgraded_ = false;
  bool opened_ = false;
  bool paused_ = false;
  bool warned_ = false;
};

} // namespace starling::net
