#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "actors/ports.hpp"
#include "net/flusher.hpp"
#include "net/listener.hpp"
#include "net/metrics.hpp"

namespace starling::net::test {

/// Waits until `met`, at most 10 s; false if it never came.
bool eventually(const std::function<bool()>& met);

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Sessions that answer every request with `{"echo":true}`, unless told to keep it.
class fake_gateway : public gateway {
public:
  std::unique_ptr<session_port> open(identity who, std::shared_ptr<client> sink, bool announce) override;

  struct opened {
    identity who;
    std::shared_ptr<client> sink;
    bool announce = false;
    unsigned ends = 0;               // how often the session was told that its connection has ended
    std::vector<submission> keeping; // not answered
    std::vector<request_params> seen;
  };

  std::size_t count() const;
  std::shared_ptr<client> sink(std::size_t i) const;
  std::size_t seen(std::size_t i) const;
  unsigned ends(std::size_t i) const;
  identity who(std::size_t i) const;
  /// Lets go of the clients, as actors do when their session has ended.
  void forget();

  void take(std::size_t i, submission what, bool& more);
  void ended(std::size_t i);

  bool keep = false; // submissions, and ask to read no more; set before clients come

private:
  mutable std::mutex mutex_;
  std::vector<opened> sessions_;
};

/// A listener on a port of its own with two threads behind it. Tokens are "good:<user>", or
/// "short:<user>:<ms>" for one that expires; anything else is refused.
class server {
public:
  explicit server(limits bounds = {}, timings times = {}, console_port console = {}, door_rules rules = {});
  ~server();

  std::uint16_t port() const { return listener_->port(); }
  fake_gateway sessions;
  listener& front() { return *listener_; }
  flusher& writes() { return writes_; }

private:
  boost::asio::io_context threads_{2};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{threads_.get_executor()};
  flusher writes_{threads_};
  metrics_page metrics_;
  std::unique_ptr<listener> listener_;
  std::vector<std::thread> running_;
};

/// How many connections there are when sessions have let go of those that ended.
inline std::size_t connections_left(server& s) {
  s.sessions.forget();
  return s.front().connections();
}

struct frame_in {
  int opcode = 0;
  std::string payload;
  std::uint16_t close_code() const;
  std::string close_reason() const { return payload.size() > 2 ? payload.substr(2) : std::string{}; }
};

/// A client that is only as polite as the test wants: raw bytes, frames of its own making, no answers by itself.
class raw_client {
public:
  explicit raw_client(std::uint16_t port, int receive_buffer_bytes = 0);
  virtual ~raw_client();
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  virtual void send(std::string_view bytes);
  /// Sends a masked frame.
  void send_frame(int opcode, std::string_view payload, bool fin = true);
  void send_text(std::string_view payload) { send_frame(1, payload); }
  static std::string masked_frame(int opcode, std::string_view payload, bool fin = true);

  /// Sends the upgrade request and reads the answer's header; returns it.
  std::string upgrade(std::string_view target = "/ws", std::string_view headers = {}, std::string_view behind = {});
  /// Sends a GET and returns the whole answer.
  std::string get(std::string_view target, std::string_view headers = {});
  std::string read_http();
  /// What comes up to the first empty line.
  std::string read_header();

  /// The next frame; nothing if none came within 10 s, or the connection ended.
  std::optional<frame_in> next();
  /// The payload of the next text frame; pings and pongs are skipped. Empty if the connection ended.
  std::string next_text();
  /// The next close frame; what comes before it is skipped.
  std::optional<frame_in> next_close();
  /// True if the server ends the TCP connection within 10 s; what comes before is skipped.
  bool ends();
  /// Ends it hard: the server gets a reset.
  void reset();
  int descriptor() const { return descriptor_; }

protected:
  /// Waits for more in `received_`; false if none came within 10 s, or the connection ended.
  virtual bool read_more();
  int descriptor_ = -1;
  std::string received_;
};

} // namespace starling::net::test
