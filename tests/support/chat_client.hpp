#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace starling::test {

using nlohmann::json;
using steady = std::chrono::steady_clock;

/// How long a test waits for what must come: generous, since sanitizers and a loaded machine are slow.
inline constexpr std::chrono::seconds patience{15};

/// The thread on which all test clients of a test live. Outlives them.
class client_loop {
public:
  client_loop();
  ~client_loop();
  client_loop(const client_loop&) = delete;
  client_loop& operator=(const client_loop&) = delete;

  void post(std::function<void()> what);
  void after(std::chrono::milliseconds delay, std::function<void()> what);
  /// Runs `what` on the loop's thread and waits for its end. Not to be called from that thread.
  void run(const std::function<void()>& what);

  struct impl;
  impl& get() { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

/// How to connect, and what to be told on the loop's thread.
struct dial {
  std::uint16_t port = 0;
  std::string target = "/ws";
  std::vector<std::pair<std::string, std::string>> headers = {}; // beyond those of the handshake
  int receive_buffer_bytes = 0;                                  // 0: the system's; small, to be a slow reader
  std::function<void(const json&)> on_frame = {};
  std::function<void()> on_end = {};
};

/// The answer to a request.
struct reply {
  json result;       // null if it was refused
  json error;        // null if it was not
  bool lost = false; // the connection ended before an answer

  bool ok() const { return !lost && error.is_null(); }
  /// The error's code; 0: none, 1: lost.
  int code() const { return lost ? 1 : error.is_null() ? 0 : error.value("code", 1); }
};

/// How a connection ended.
struct ending {
  int code = 0;           // of the server's close frame; 0: it sent none
  std::string reason;     // of that frame
  std::string error;      // of the socket
  int http_status = 0;    // not 0: the handshake was answered by HTTP
  std::string http_reply; // its header and body
};

struct seen_frame {
  steady::time_point at;
  json content;
};

/// One WebSocket of a client, for tests: remembers every frame that came, in order.
/// Functions may be called from any thread; those that wait, not from the loop's.
class chat_client {
public:
  using predicate = std::function<bool(const json&)>;
  using reply_handler = std::function<void(const reply&)>; // on the loop's thread

  chat_client(client_loop& loop, dial how);
  /// Drops the connection without a word, as a lost network would.
  ~chat_client();
  chat_client(const chat_client&) = delete;
  chat_client& operator=(const chat_client&) = delete;

  /// Waits until the WebSocket is there; false if it was refused.
  bool connected(std::chrono::milliseconds at_most = patience);
  /// Header field of the handshake's answer; empty if there is none.
  std::string handshake_header(const std::string& name) const;
  /// Waits for `session.opened`; returns its params. Throws std::runtime_error if it does not come.
  json opened();

  void request(const std::string& method, const json& params, reply_handler done);
  /// Sends a request and waits for the answer.
  reply call(const std::string& method, const json& params = json::object());
  /// The result of a request that must succeed: throws std::runtime_error with the error if it does not.
  json ask(const std::string& method, const json& params = json::object());
  void notify(const std::string& method, const json& params);
  void send_text(std::string payload);
  void send_binary(std::string payload);
  /// One message in several frames.
  void send_fragments(std::vector<std::string> parts);

  /// Waits for a frame for which `p` holds among those that came since `forget`; the first such.
  std::optional<json> wait_for(const predicate& p, std::chrono::milliseconds at_most = patience);
  /// Waits for a notification of `method` whose params contain all members of `like`; returns its params. Throws
  /// std::runtime_error with all that came if it does not come.
  json expect(const std::string& method, const json& like = json::object(),
              std::chrono::milliseconds at_most = patience);
  /// Waits for the next frame that is no notification and not an answer to `request`.
  json expect_answer();
  /// How many such notifications came since `forget`.
  std::size_t count(const std::string& method, const json& like = json::object()) const;
  /// From now on the frames that came before are not looked at.
  void forget();
  std::vector<seen_frame> frames() const;

  /// Waits for the connection's end; nothing if it stays.
  std::optional<ending> wait_end(std::chrono::milliseconds at_most = patience);
  bool ended() const;
  void close(int code = 1000);
  void drop();
  void pause_reading();
  void resume_reading();
  std::size_t pings() const; // that the server sent

  struct connection;

private:
  client_loop& loop_;
  std::shared_ptr<connection> connection_;
};

/// An answer in a few words: "ok", "lost", "403, final" or "503, retry"; the whole answer if it is none that the
/// protocol knows (each error has a text and `data.retry`).
std::string verdict(const reply& r);
/// The same for an answer as it stands in a frame.
std::string verdict(const json& answer);

/// Are all members of `like` in `what`, with the same values?
bool contains(const json& what, const json& like);

/// Waits until `condition` holds, asking again and again; false if it does not within `at_most`.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds at_most = patience);

} // namespace starling::test
