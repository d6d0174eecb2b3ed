#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/strand.hpp>

#include "net/redis_address.hpp"

struct redisAsyncContext;
struct redisReply;

namespace starling::net {

/// What a connection tells the one who uses it, on the connection's strand. It may not destroy the connection from
/// inside of these.
class redis_connection_user {
public:
  virtual ~redis_connection_user() = default;
  /// Connected and authenticated: commands may be sent. Still inside of hiredis, as is `replied`.
  virtual void ready() = 0;
  /// The answer to the oldest command without one, or what a subscription brings.
  virtual void replied(const redisReply& what) = 0;
  /// Everything that one read brought has been handed over.
  virtual void turn_ended() = 0;
  /// The connection is over or could not be made. Said once, and not after `close`.
  virtual void closed(const std::string& reason) = 0;
};

/// Who we are for Redis. Both empty: nothing is said.
struct redis_credentials {
  std::string user; // empty: the user "default"
  std::string password;
};

/// One connection to Redis: hiredis' asynchronous context, driven by Asio.
///
/// Everything happens on one strand. hiredis says what it waits for by hooks; these only note it, and `arm` asks Asio
/// once hiredis has returned, so that nothing of ours runs between hiredis' own steps but its callbacks. hiredis frees
/// its context by itself when the connection fails: `detach` is its word for that, and takes the socket back from Asio
/// before hiredis closes it.
class redis_connection : public std::enable_shared_from_this<redis_connection> {
public:
  using strand = boost::asio::strand<boost::asio::io_context::executor_type>;

  /// `user` must live until `close`. `owner` is kept alive while something is awaited.
  redis_connection(strand on, redis_connection_user& user, std::weak_ptr<void> owner);
  ~redis_connection();
  redis_connection(const redis_connection&) = delete;
  redis_connection& operator=(const redis_connection&) = delete;

  /// Resolves the host without blocking, tries its addresses in turn, and authenticates. There is no deadline here:
  /// whoever opens a connection closes it if it takes too long.
  void open(const redis_address& where, redis_credentials who);
  /// Appends a command. It leaves with the next `flush`, or after the turn of the loop under way.
  void command(std::span<const std::string_view> words);
  /// Writes what has been appended. Does nothing when called from inside of hiredis, since then it follows anyway.
  void flush();
  /// Gives the connection up; the user hears `closed` with this reason.
  void fail(std::string reason);
  /// Ends the connection; the user hears no more. Not from inside of `ready` or `replied`.
  void close();

private:
  using tcp = boost::asio::ip::tcp;
  struct callbacks; // hiredis' C functions

  void resolved(tcp::resolver::results_type found);
  void dial_next();
  bool attach(redisAsyncContext* context);
  void detach();
  void authenticate();
  void arm();
  void wait(boost::asio::posix::stream_descriptor::wait_type what, bool& waiting);
  void handle(void (*event)(redisAsyncContext*));
  void end_turn();

  strand strand_;
  redis_connection_user& user_;
  std::weak_ptr<void> owner_;
  tcp::resolver resolver_;
  boost::asio::posix::stream_descriptor socket_;
  redisAsyncContext* context_ = nullptr; // hiredis' own; null before it is made and after it is freed
  redis_credentials who_;
  std::vector<tcp::endpoint> untried_; // addresses, last first
  std::string failure_;                // why the connection ended or shall end
  unsigned dials_ = 0;                 // tells the waits on this socket from those on the one before
  bool connected_ = false;
  bool ready_ = false;
  bool over_ = false;   // `closed` has been said, or is not wanted
  bool inside_ = false; // hiredis is on the stack
  bool wants_read_ = false, wants_write_ = false;
  bool awaits_read_ = false, awaits_write_ = false;
  std::string formatted_; // room for `command`
};

} // namespace starling::net
