// A chat client for the terminal, as a start for your own: one connection, kept up whatever happens to it.
//
//   ./dev up                                                                      (a cluster, in another terminal)
//   build/release/examples/terminal_chat ann lobby ws://127.0.0.1:8080/ws ws://127.0.0.1:8081/ws
//
// Type a line to send it to the room, /help for the rest. With STARLING_TOKEN in the environment the client opens its
// session with that token, otherwise just by the user's name (auth.mode = "open"). End a node with kill -9 to see the
// client move to the other one and fetch what it missed.
//
// Three rules make a client whole, and each has its place below:
//   1. Note the last seq of each room; after a reconnect ask for what came since (`room.sync`).     see `opened`
//   2. Show messages by seq: keep those that come early until the ones before them are there.      see `take`
//   3. Send each message with a `key` of its own, until it is acknowledged; the server knows repeats by it. see
//   `send_text`

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdlib>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds connect_timeout{5'000};
constexpr milliseconds request_timeout{10'000};
constexpr milliseconds backoff_min{250}, backoff_max{10'000};
constexpr std::size_t unsent_max = 100; // messages typed and not yet acknowledged
constexpr std::size_t early_max = 1000; // messages of one room that came before their turn
constexpr auto help = "/join ROOM  /who  /dm USER TEXT  /history [COUNT]  /quit; anything else is said in the room";

struct address {
  std::string host, port, path;
};

std::optional<address> parse_url(const std::string& url) {
  if (!url.starts_with("ws://")) return std::nullopt;
  auto slash = url.find('/', 5), colon = url.find(':', 5);
  if (slash == std::string::npos || colon == std::string::npos || colon > slash) return std::nullopt;
  return address{url.substr(5, colon - 5), url.substr(colon + 1, slash - colon - 1), url.substr(slash)};
}

void say(const std::string& line) { std::cout << line << std::endl; }

class chat {
public:
  chat(asio::io_context& io, std::vector<address> nodes, std::string user, std::string room)
      : io_(io), nodes_(std::move(nodes)), user_(std::move(user)), room_(std::move(room)) {}

  /// Connects, and again after each loss: when the node said to, or else with growing, jittered pauses. A thousand
  /// clients of one dead node must not knock at the next one all at once.
  asio::awaitable<void> run() {
    for (std::size_t next = 0; !quit_; ++next) {
      const auto& node = nodes_[next % nodes_.size()];
      std::string why;
      try {
        co_await one_connection(node);
      } catch (const boost::system::system_error& failed) {
        why = failed.code().message();
      } catch (const std::exception& failed) {
        why = failed.what();
      }
      unsigned code = link_ ? link_->ws.reason().code : 0; // 0: it ended without one
      say("-- " + node.host + ":" + node.port + ": " + why + (code ? " (close " + std::to_string(code) + ")" : ""));
      if (code == 4001) quit_ = true; // the token is refused: that will not change by asking again
      open_ = false;
      requests_.clear();
      if (quit_) break;
      asio::steady_timer timer(io_, pause());
      co_await timer.async_wait(asio::use_awaitable);
    }
    io_.stop();
  }

  /// One line of the user's.
  void command(const std::string& line) {
    std::istringstream words(line);
    std::string word, name, text;
    words >> word;
    if (word == "/quit") return leave();
    if (word == "/help") return say(help);
    if (word.empty()) return;
    if (word == "/dm" && words >> name && std::getline(words >> std::ws, text))
      return send_text({{"to", name}, {"text", text}});
    if (word == "/join" && words >> name) return join(name);
    if (word == "/who")
      return request("room.who", {{"room", room_}}, [](const json& r) { say("-- present: " + r.at("users").dump()); });
    if (word == "/history") {
      int count = 0;
      if (!(words >> count)) count = 20;
      return request("room.history", {{"room", room_}, {"limit", count}}, [](const json& r) {
        for (const auto& message : r.at("messages"))
          show(message);
      });
    }
    if (word.front() == '/') return say(help);
    send_text({{"room", room_}, {"text", line}});
  }

  /// Says goodbye, after what is under way has been answered or `patience` is over.
  void leave(milliseconds patience = milliseconds(2'000)) {
    static constexpr milliseconds step{20};
    if (!requests_.empty() && patience > step) return later(step, [this, patience] { leave(patience - step); });
    quit_ = true;
    if (!open_) return io_.stop();
    link_->ws.async_close(websocket::close_code::normal, [this](auto) { io_.stop(); });
    later(patience, [this] { io_.stop(); });
  }

private:
  struct link {
    explicit link(asio::io_context& io) : ws(io) {}
    websocket::stream<beast::tcp_stream> ws;
    std::deque<std::string> writes; // Beast takes one at a time
    bool writing = false;
  };

  struct room_view {
    std::uint64_t epoch = 0;
    std::uint64_t seen = 0;              // the last seq shown
    std::map<std::uint64_t, json> early; // came before their turn
  };

  asio::awaitable<void> one_connection(const address& node) {
    tcp::resolver resolver(io_);
    auto found = co_await resolver.async_resolve(node.host, node.port, asio::use_awaitable);
    link_ = std::make_shared<link>(io_);
    auto& ws = link_->ws;
    beast::get_lowest_layer(ws).expires_after(connect_timeout);
    co_await beast::get_lowest_layer(ws).async_connect(found, asio::use_awaitable);
    beast::get_lowest_layer(ws).expires_never(); // from here on the WebSocket layer has timeouts of its own
    ws.set_option(websocket::stream_base::timeout{connect_timeout, std::chrono::seconds(60), true});
    auto target = node.path;
    if (const char* token = std::getenv("STARLING_TOKEN")) {
      ws.set_option(websocket::stream_base::decorator(
          [token](auto& request) { request.set("Authorization", std::string("Bearer ") + token); }));
    } else {
      target += "?user=" + user_;
    }
    co_await ws.async_handshake(node.host + ":" + node.port, target, asio::use_awaitable);
    for (beast::flat_buffer buffer; true; buffer.clear()) {
      co_await ws.async_read(buffer, asio::use_awaitable);
      // What breaks the protocol throws, here or inside, and ends this connection.
      take_frame(json::parse(beast::buffers_to_string(buffer.data())));
    }
  }

  /// How long to stay away.
  milliseconds pause() {
    if (auto told = std::exchange(stay_away_, milliseconds(0)); told > milliseconds(0)) return told;
    std::uniform_int_distribution<milliseconds::rep> some(backoff_.count() / 2, backoff_.count());
    backoff_ = std::min(backoff_ * 2, backoff_max);
    return milliseconds(some(random_));
  }

  void take_frame(const json& frame) {
    auto method = frame.value("method", "");
    if (method.empty()) return take_reply(frame);
    const auto& params = frame.at("params");
    if (method == "session.opened")
      opened(params);
    else if (method == "message")
      take(params);
    else if (method == "room.gap")
      skip(params);
    else if (method == "room.available")
      available(params);
    else if (method == "member")
      say("-- " + params.value("user", "?") + " " + params.value("change", "?") + " " + params.value("room", "?"));
    else if (method == "session.closing")
      closing(params);
  }

  void closing(const json& word) {
    say("-- the node closes: " + word.value("reason", ""));
    stay_away_ = milliseconds(word.value("reconnect_in_ms", 0));
  }

  void take_reply(const json& reply) {
    auto found = reply.value("id", json()).is_number() ? requests_.find(reply.at("id").get<int>()) : requests_.end();
    if (found == requests_.end()) return;
    auto answer = std::move(found->second);
    requests_.erase(found);
    if (reply.contains("result"))
      answer.done(reply.at("result"));
    else
      answer.failed(reply.at("error"));
  }

  // Rule 1. From now on the messages of all our rooms come by themselves; what was said before, since we last looked,
  // we ask for. Rooms that we see for the first time start here.
  void opened(const json& session) {
    open_ = true;
    backoff_ = backoff_min;
    say("-- connected to node " + session.value("node", "?") + " as " + session.value("user", "?"));
    json behind = json::object();
    bool is_member = false;
    for (const auto& room : session.at("rooms")) {
      auto name = room.at("room").get<std::string>();
      is_member |= name == room_;
      if (!room.value("unavailable", false)) compare(room, behind); // else `room.available` will come
    }
    if (!behind.empty()) sync(behind);
    if (is_member)
      send_unsent();
    else
      join(room_);
  }

  // Where the log of a room ends now, against what we have shown of it.
  void compare(const json& room, json& behind) {
    auto name = room.at("room").get<std::string>();
    auto known = rooms_.find(name);
    if (known == rooms_.end() || known->second.epoch != room.at("epoch"))
      start(room);
    else if (known->second.seen < room.at("seq"))
      behind[name] = known->second.seen;
  }

  void available(const json& room) {
    json behind = json::object();
    compare(room, behind);
    if (!behind.empty()) sync(behind);
  }

  void sync(const json& since) {
    request("room.sync", {{"rooms", since}}, [this](const json& result) {
      json further = json::object();
      for (const auto& [name, answer] : result.at("rooms").items()) {
        for (const auto& message : answer.at("messages"))
          take(message);
        if (answer.value("more", false) && !answer.at("messages").empty()) further[name] = rooms_[name].seen;
      }
      if (!further.empty()) sync(further);
    });
  }

  void start(const json& room) { rooms_[room.at("room")] = {room.at("epoch"), room.at("seq"), {}}; }

  void join(const std::string& name) {
    request("room.join", {{"room", name}}, [this](const json& room) {
      room_ = room.at("room");
      if (!rooms_.contains(room_)) start(room);
      say("-- in " + room_ + ", " + room.value("members", json()).dump() + " members");
      send_unsent();
    });
  }

  // Rule 2. A log that is made anew, after its shard came back empty, has another epoch and counts from the start.
  void take(const json& message) {
    auto& room = rooms_[message.at("room")];
    if (room.epoch != message.at("epoch")) room = {message.at("epoch"), message.at("seq").get<std::uint64_t>() - 1, {}};
    if (message.at("seq") <= room.seen) return; // by the push and by the sync: once is enough
    room.early.emplace(message.at("seq").get<std::uint64_t>(), message);
    if (room.early.size() > early_max) room.seen = room.early.begin()->first - 1; // better a hole than silence
    while (!room.early.empty() && room.early.begin()->first <= room.seen + 1) {
      auto next = room.early.extract(room.early.begin());
      room.seen = next.key();
      show(next.mapped());
    }
  }

  // The log no longer has these: trimmed or lost.
  void skip(const json& gap) {
    say("-- messages " + gap.at("from").dump() + " to " + gap.at("to").dump() + " of " + gap.value("room", "?") +
        " are gone");
    auto& room = rooms_[gap.at("room")];
    room.seen = std::max(room.seen, gap.at("to").get<std::uint64_t>());
  }

  static void show(const json& message) {
    auto at = message.value("at", ""); // RFC 3339, in UTC: hours and minutes will do
    say((at.size() > 16 ? at.substr(11, 5) : at) + " [" + message.value("room", "?") + "] " +
        message.value("from", "?") + ": " + message.value("text", ""));
  }

  // Rule 3.
  void send_text(json params) {
    if (unsent_.size() >= unsent_max) return say("-- too many unsent messages, try again later");
    params["key"] = std::to_string(random_()) + std::to_string(random_());
    unsent_.push_back(std::move(params));
    if (open_)
      try_send(unsent_.back());
    else
      say("-- not connected: it will be sent later");
  }

  void send_unsent() {
    for (const auto& message : unsent_)
      try_send(message);
  }

  void try_send(const json& message) {
    auto forget = [this, key = message.at("key")] {
      std::erase_if(unsent_, [&](const json& m) { return m.at("key") == key; });
    };
    auto refused = [this, forget, message](const json& error) {
      auto data = error.value("data", json::object());
      if (!data.value("retry", false)) {
        say("-- not sent: " + error.value("message", "?"));
        return forget();
      }
      later(milliseconds(data.value("retry_after_ms", 1000)), [this, message] { try_send(message); });
    };
    request(
        "message.send", message, [forget](const json&) { forget(); }, refused);
  }

  using handler = std::function<void(const json&)>;
  struct handlers {
    handler done, failed;
  };

  void request(const char* method, json params, handler done, handler failed = {}) {
    if (!open_) return say("-- not connected");
    if (!failed) failed = [](const json& error) { say("-- " + error.value("message", "refused")); };
    auto id = ++last_id_;
    requests_.emplace(id, handlers{std::move(done), std::move(failed)});
    link_->writes.push_back(
        json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}}.dump());
    if (!link_->writing) asio::co_spawn(io_, write_all(link_), asio::detached);
    later(request_timeout, [this, id] {
      // Without an answer for so long there is no telling what the node knows of us: start afresh.
      if (requests_.contains(id)) beast::get_lowest_layer(link_->ws).close();
    });
  }

  // Holds its link, since the next may be there before this one's last write has failed.
  static asio::awaitable<void> write_all(std::shared_ptr<link> to) {
    to->writing = true;
    try {
      while (!to->writes.empty()) {
        auto text = std::move(to->writes.front());
        to->writes.pop_front();
        co_await to->ws.async_write(asio::buffer(text), asio::use_awaitable);
      }
    } catch (const boost::system::system_error&) { // the read fails as well, and tells
    }
    to->writing = false;
  }

  void later(milliseconds pause, std::function<void()> what) {
    auto timer = std::make_shared<asio::steady_timer>(io_, pause);
    timer->async_wait([timer, what = std::move(what)](boost::system::error_code failed) {
      if (!failed) what();
    });
  }

  asio::io_context& io_;
  std::vector<address> nodes_;
  std::string user_;
  std::string room_; // where a plain line goes
  std::map<std::string, room_view> rooms_;
  std::deque<json> unsent_;
  std::shared_ptr<link> link_;
  std::map<int, handlers> requests_; // not yet answered, by id
  int last_id_ = 0;                  // never used twice, over all connections
  bool open_ = false, quit_ = false;
  milliseconds backoff_ = backoff_min;
  milliseconds stay_away_{0}; // as the node said before it closed the connection; 0: it said nothing
  std::mt19937_64 random_{std::random_device{}()};
};

} // namespace

int main(int count, char** arguments) {
  std::vector<std::string> words(arguments + 1, arguments + count);
  std::vector<address> nodes;
  for (std::size_t i = 2; i < words.size(); ++i) {
    auto node = parse_url(words[i]);
    if (!node) return std::cerr << words[i] << ": expected ws://HOST:PORT/PATH\n", 2;
    nodes.push_back(*node);
  }
  if (nodes.empty()) return std::cerr << "usage: terminal_chat USER ROOM ws://HOST:PORT/ws...\n", 2;

  asio::io_context io;
  chat client(io, nodes, words[0], words[1]);
  asio::co_spawn(io, client.run(), asio::detached);
  // The keyboard has a thread of its own, since reading it waits; all else happens in this one.
  std::thread([&] {
    for (std::string line; std::getline(std::cin, line);)
      asio::post(io, [&client, line] { client.command(line); });
    asio::post(io, [&client] { client.leave(); });
  }).detach();
  io.run();
  std::cout.flush();
  std::_Exit(0); // the keyboard's thread may still wait for a line
}
