// How a client of the fleet becomes ready: connect, upgrade, open, join, watch.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/bench/fields.hpp"
#include "cli/bench/fleet.hpp"

namespace starling::cli {

using std::chrono::nanoseconds;

namespace {

constexpr std::size_t hopeless = 100; // failures with nobody ready: the rest is not tried
constexpr std::size_t clients_per_source = 25'000;
constexpr std::uint16_t overloaded = 4013;  // the close code
constexpr std::uint8_t put_offs_max = 20;   // then it counts as ended
constexpr int stalled_receive_bytes = 4096; // little, so that it is the server who must keep what is not read

} // namespace

void fleet::open_all(const std::function<void()>& on_turn) {
  std::size_t next = 0;
  while (true) {
    bool give_up = ready_ == 0 && next - busy_ - coming_back_.size() >= hopeless;
    while (!give_up && next < clients_.size() && busy_ < options_.concurrency)
      start(clients_[next++]);
    if (busy_ == 0 && coming_back_.empty()) return;
    turn(std::chrono::milliseconds(20));
    on_turn();
  }
}

void fleet::start(client& who) {
  if (who.fd >= 0) hang_up(who, client::state::away); // still waits for the server's goodbye
  const auto& to = endpoints_[who.index % endpoints_.size()];
  who.reader = {};
  who.unsent.clear();
  who.stay_away = {};
  who.reading = true;
  who.writable_wanted = false;
  who.started = now();
  who.at = client::state::connecting;
  ++busy_;
  setting_up_.push_back({who.index, who.started});
  // One source address for all as long as its ports suffice for the node with the most clients.
  auto to_this_node = who.index / endpoints_.size();
  who.fd = start_connect(to, static_cast<std::uint32_t>(to_this_node / clients_per_source),
                         part_of(who).stalls ? stalled_receive_bytes : 0);
  if (who.fd < 0) return end(who, std::strerror(errno));
  watch(who, EPOLL_CTL_ADD);
}

/// Whoever is to come back later does; unless it never ends.
bool fleet::put_off_now(client& who) {
  if (who.close_code != overloaded || who.stay_away.count() == 0) return false;
  if (who.at >= client::state::ready || who.put_off == put_offs_max) return false;
  ++who.put_off;
  ++put_off;
  hang_up(who, client::state::waiting);
  coming_back_.push({now() + who.stay_away, who.index});
  on_put_off(who);
  return true;
}

void fleet::start_due() {
  while (!coming_back_.empty() && coming_back_.top().due <= now()) {
    auto& who = clients_[coming_back_.top().client];
    coming_back_.pop();
    start(who);
  }
}

void fleet::expire() {
  auto oldest = now() - options_.timeout;
  while (!setting_up_.empty()) {
    auto [index, started] = setting_up_.front();
    auto& who = clients_[index];
    bool over = who.started != started || who.at >= client::state::ready;
    if (!over && started > oldest) return;
    setting_up_.pop_front();
    if (!over) end(who, "timeout before ready");
  }
}

void fleet::on_connected(client& who) {
  int failed = 0;
  socklen_t size = sizeof failed;
  getsockopt(who.fd, SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return end(who, std::strerror(failed));
  who.at = client::state::upgrading;
  watch(who, EPOLL_CTL_MOD);
  const auto& to = endpoints_[who.index % endpoints_.size()];
  write(who, "GET " + dialect_.target(to.path, user(who.index), part_of(who).room) + " HTTP/1.1\r\nHost: " + to.host +
                 "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: c3RhcmxpbmcgYmVuY2ggIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
}

// The answer's accept key is not checked: this client cares for figures, a real one must.
std::string_view fleet::take_upgrade(client& who, std::string_view bytes) {
  auto head = bytes.find("\r\n\r\n");
  if (head == std::string_view::npos) {
    if (bytes.size() > 16 * 1024)
      end(who, "no HTTP answer");
    else
      who.reader.keep(bytes);
    return {};
  }
  if (!bytes.starts_with("HTTP/1.1 101")) {
    auto code = bytes.starts_with("HTTP/1.") ? number_after(bytes.substr(0, head), " ") : std::nullopt;
    end(who, code ? "refused with HTTP " + std::to_string(*code) : "no HTTP answer");
    return {};
  }
  advance(who, dialect_.has_sessions() ? client::state::opening : client::state::ready);
  return bytes.substr(head + 4);
}

void fleet::advance(client& who, client::state to) {
  who.at = to;
  const auto& role = part_of(who);
  text_.clear();
  switch (to) {
  case client::state::joining:
    if (!role.joins) return advance(who, client::state::watching);
    dialect_.append_request(text_, join_id, "room.join", R"({"room":")" + room(role.room) + R"("})");
    break;
  case client::state::watching:
    if (role.watches.empty()) return advance(who, client::state::ready);
    dialect_.append_request(text_, watch_id, "presence.watch", users(role.watches));
    break;
  case client::state::ready:
    opened_in.add(now() - who.started);
    who.put_off = 0;
    ++ready_;
    --busy_;
    return;
  default:
    return;
  }
  send_frame(who, opcode::text, text_);
}

void fleet::on_setup(client& who, const heard& what, std::string_view text, nanoseconds at) {
  if (what.what == heard::kind::opened && who.at == client::state::opening) return advance(who, client::state::joining);
  if (what.what != heard::kind::reply) return on_heard(who, what, text, at);
  bool joining = who.at == client::state::joining;
  if (auto code = error_code_of(text))
    return end(who, (joining ? "error to room.join: " : "error to presence.watch: ") + std::to_string(*code));
  if (joining) {
    who.room_seq = number_after(text, R"("seq":)").value_or(0);
    advance(who, client::state::watching);
  } else if (who.at == client::state::watching) {
    on_heard(who, what, text, at);
    advance(who, client::state::ready);
  }
}

} // namespace starling::cli
