#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/codec.hpp"
#include "chat/error.hpp"
#include "chat/frame.hpp"
#include "chat/redis_value.hpp"
#include "chat/settings.hpp"

/// What actors need of the outside world; `net/` implements it, tests replace it.
namespace starling {

/// One connected client, as actors see it. Every function may be called from any thread and returns at once.
class client {
public:
  virtual ~client() = default;

  /// Puts a frame into the client's outbox. A full outbox closes the connection (4008).
  virtual void push(const frame& what, frame_kind kind) = 0;

  /// Holds back what is pushed from now on, until `release`: so that a reply leaves before what follows from it.
  /// Calls nest; `release` pushes `first` (null: nothing) ahead of all that was held, or where a place was kept for it.
  virtual void hold() = 0;
  virtual void release(const frame& first, const frame& place = nullptr) = 0;
  /// Keeps a place among what is held, for what is released with this empty frame; nothing if nothing is held.
  virtual void keep_place(const frame& place) = 0;

  /// Pushes a frame past a hold: replies to other requests, pongs.
  virtual void push_now(const frame& what) = 0;

  /// Closes the connection after what waits in the outbox.
  virtual void close(close_code code, std::string_view reason) = 0;

  /// More requests may be read (see `session_port::submit`).
  virtual void resume_reading() = 0;
};

/// Pushes one frame to many clients: the end of the fan-out of a room. Cheaper than a loop over `push`, since
/// the connections that become writable by it are handed to the threads in lots.
class fan_out {
public:
  virtual ~fan_out() = default;
  virtual void push(const std::vector<client*>& to, const frame& what, frame_kind kind) = 0;
};

/// The requests of one frame that a session must answer, with the gatherer of the answers. Whoever holds it answers.
struct submission {
  std::vector<request> requests;
  std::shared_ptr<replies> answers;
  std::chrono::steady_clock::time_point received{}; // when the frame had come; nothing while nobody traces
};

/// A session, as its connection sees it. Destroying it tells the session that the connection has ended.
class session_port {
public:
  virtual ~session_port() = default;
  /// Hands over requests. False: `limits::requests_in_flight` is reached (these are taken all the same), read no more
  /// from the socket until `client::resume_reading` is called.
  virtual bool submit(submission what) = 0;
};

/// Where connections get their sessions.
class gateway {
public:
  virtual ~gateway() = default;
  /// Opens a session. With `announce` the client is told by the notification `session.opened`; else the first
  /// submission must contain a `session_verified`, whose answer it is.
  virtual std::unique_ptr<session_port> open(identity who, std::shared_ptr<client> sink, bool announce) = 0;
};

/// A message that came over a subscription.
struct publication {
  std::string channel;
  std::string payload;
};

/// What a Redis connection tells its shard. Calls come from any thread, but never two at a time.
class redis_listener {
public:
  virtual ~redis_listener() = default;
  /// Both connections are ready for use; nothing is subscribed yet on a new one.
  virtual void up() = 0;
  /// A connection was lost or could not be made. All calls under way have been answered with an error;
  /// subscriptions are gone. The link goes on trying, and says `up` when it succeeds.
  virtual void down(const std::string& reason) = 0;
  /// Only the subscription connection was lost: calls go on, but nothing is subscribed until `mended`. A `down`
  /// or `up` may come instead.
  virtual void cut(const std::string& reason) = 0;
  virtual void mended() = 0;
  /// Redis has confirmed these subscriptions: what is published from now on arrives.
  virtual void subscribed(std::vector<std::string> channels) = 0;
  /// What came in one turn of the loop, in order.
  virtual void published(std::vector<publication> what) = 0;
};

/// One Redis instance: scripts and subscriptions. Every function may be called from any thread and returns at once.
class redis_link {
public:
  using reply_handler = std::function<void(redis_value)>;

  virtual ~redis_link() = default;
  /// Connects, and reconnects when the connection is lost. Called once.
  virtual void start(std::shared_ptr<redis_listener> listener) = 0;
  /// Runs a script (its name is its file's, without ".lua"). Calls are executed in order; each is answered exactly
  /// once, with `redis_value::error` beginning "UNAVAILABLE" if the link is down, is lost before the answer, or has
  /// `commands_waiting` calls under way.
  virtual void call(std::string_view script, std::vector<std::string> keys, std::vector<std::string> args,
                    reply_handler done) = 0;
  virtual void subscribe(std::vector<std::string> channels) = 0;
  virtual void unsubscribe(std::vector<std::string> channels) = 0;
  /// Ends both connections; the listener hears no more after the handlers under way have returned.
  virtual void stop() = 0;
};

/// Makes the link to a shard from its address.
using redis_link_factory = std::function<std::shared_ptr<redis_link>(const shard_settings&)>;

} // namespace starling
