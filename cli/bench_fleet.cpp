#include "cli/bench_fleet.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "cli/bench_fields.hpp"

namespace starling::cli {

using std::chrono::nanoseconds;

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr std::size_t payload_bytes_max = buffer_bytes / 2; // what is left of one frame leaves room to read the next
constexpr std::size_t unsent_bytes_max = 1024 * 1024;
constexpr std::size_t hopeless = 100; // failures with nobody ready: the rest is not tried
constexpr std::size_t clients_per_source = 25'000;

std::string request(int id, std::string_view method, std::string_view params) {
  std::string json = R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")";
  return json.append(method).append(R"(","params":)").append(params).append("}");
}

} // namespace

fleet::fleet(const bench_options& options, std::vector<endpoint> endpoints, target to)
    : options_(options), endpoints_(std::move(endpoints)), target_(to), clients_(options.clients),
      epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(buffer_bytes), origin_(std::chrono::steady_clock::now()) {
  switch (options.what) {
  case scenario::fanout:
    rooms_ = options.rooms;
    break;
  case scenario::pairs:
    rooms_ = options.clients / 2;
    break;
  default:
    rooms_ = options.clients;
  }
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].index = static_cast<std::uint32_t>(i);
    // Neighbours share a room, so that its members are spread over all nodes.
    clients_[i].room = static_cast<std::uint32_t>(i * rooms_ / clients_.size());
  }
}

fleet::~fleet() {
  std::string bye;
  append_client_frame(bye, opcode::close, std::string_view("\x03\xe8", 2)); // 1000
  for (auto& who : clients_) {
    if (who.fd < 0) continue;
    if (who.at == client::state::ready && who.unsent.empty())
      (void)::send(who.fd, bye.data(), bye.size(), MSG_NOSIGNAL);
    close(who.fd);
  }
  close(epoll_);
}

nanoseconds fleet::now() const { return std::chrono::steady_clock::now() - origin_ + std::chrono::seconds(1); }

std::string fleet::user(std::size_t index) const { return "b" + options_.run + std::to_string(index); }

std::string fleet::room(std::size_t number) const { return "bench-" + options_.run + std::to_string(number); }

void fleet::open_all(const std::function<void()>& on_turn) {
  std::size_t next = 0;
  while (true) {
    bool give_up = ready_ == 0 && next - busy_ >= hopeless;
    while (!give_up && next < clients_.size() && busy_ < options_.concurrency)
      start(clients_[next++]);
    if (busy_ == 0) return;
    turn(std::chrono::milliseconds(20));
    expire();
    on_turn();
  }
}

void fleet::start(client& who) {
  const auto& to = endpoints_[who.index % endpoints_.size()];
  who.started = now();
  who.at = client::state::connecting;
  ++busy_;
  setting_up_.push_back(who.index);
  // One source address for all as long as its ports suffice for the node with the most clients.
  auto to_this_node = who.index / endpoints_.size();
  who.fd = start_connect(to, static_cast<std::uint32_t>(to_this_node / clients_per_source));
  if (who.fd < 0) return end(who, std::strerror(errno));
  epoll_event wanted{};
  wanted.events = EPOLLOUT;
  wanted.data.u32 = who.index;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, who.fd, &wanted);
}

void fleet::turn(nanoseconds at_most) {
  // Few events a turn, so that the caller can keep to its schedule.
  std::array<epoll_event, 128> events;
  auto wait = std::max(at_most, nanoseconds{0});
  timespec timeout{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
  int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  if (count < 0 && errno == ENOSYS) // Linux before 5.11
    count =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), static_cast<int>(wait.count() / 1'000'000));
  for (int i = 0; i < count; ++i) {
    auto& who = clients_[events[static_cast<std::size_t>(i)].data.u32];
    auto what = events[static_cast<std::size_t>(i)].events;
    if (who.at == client::state::connecting)
      on_connected(who);
    else if (what & (EPOLLIN | EPOLLHUP | EPOLLERR))
      on_readable(who);
    if (who.fd >= 0 && (what & EPOLLOUT)) flush(who);
  }
}

void fleet::expire() {
  auto oldest = now() - options_.timeout;
  while (!setting_up_.empty()) {
    auto& who = clients_[setting_up_.front()];
    bool done = who.at == client::state::ready || who.at == client::state::closed;
    if (!done && who.started > oldest) return;
    setting_up_.pop_front();
    if (!done) end(who, "timeout before ready");
  }
}

void fleet::advance(client& who, client::state to) {
  who.at = to;
  switch (to) {
  case client::state::joining:
    // A dialogue is not joined: its first message makes it.
    if (options_.what == scenario::pairs) return advance(who, client::state::ready);
    frame_ = request(1, "room.join", R"({"room":")" + room(who.room) + R"("})");
    break;
  case client::state::watching:
    if (options_.what != scenario::idle) return advance(who, client::state::ready);
    frame_ = request(2, "presence.watch", R"({"users":[")" + user((who.index + 1) % clients_.size()) + R"("]})");
    break;
  case client::state::ready:
    opened_in.add(now() - who.started);
    ++ready_;
    --busy_;
    return;
  default:
    return;
  }
  std::string bytes;
  append_client_frame(bytes, opcode::text, frame_);
  write(who, bytes);
}

void fleet::on_connected(client& who) {
  int failed = 0;
  socklen_t size = sizeof failed;
  getsockopt(who.fd, SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return end(who, std::strerror(failed));
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u32 = who.index;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, who.fd, &wanted);
  who.at = client::state::upgrading;
  const auto& to = endpoints_[who.index % endpoints_.size()];
  auto query = target_ == target::floor ? "group=" + std::to_string(who.room) : "user=" + user(who.index);
  write(who, "GET " + to.path + "?" + query + " HTTP/1.1\r\nHost: " + to.host +
                 "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: c3RhcmxpbmcgYmVuY2ggIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
}

void fleet::on_readable(client& who) {
  auto rest = who.reader.restore(buffer_.data());
  auto count = recv(who.fd, buffer_.data() + rest, buffer_.size() - rest, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) return end(who, std::strerror(errno));
  if (count == 0) return end(who, "closed without a close frame");
  auto at = now();
  std::string_view bytes(buffer_.data(), rest + static_cast<std::size_t>(count));
  if (who.at == client::state::upgrading) {
    bytes = take_upgrade(who, bytes);
    if (who.at == client::state::upgrading || who.at == client::state::closed) return;
  }
  auto handle = [&](opcode op, std::string_view payload) {
    if (who.at != client::state::closed) on_frame(who, op, payload, at);
  };
  if (!who.reader.take(bytes, payload_bytes_max, handle)) end(who, "broken framing");
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
  advance(who, target_ == target::floor ? client::state::ready : client::state::opening);
  return bytes.substr(head + 4);
}

void fleet::on_frame(client& who, opcode op, std::string_view payload, nanoseconds at) {
  switch (op) {
  case opcode::text:
    if (who.at == client::state::ready)
      on_json(who, payload, at);
    else
      on_setup(who, payload, at);
    break;
  case opcode::ping: {
    ++pings;
    std::string pong;
    append_client_frame(pong, opcode::pong, payload);
    write(who, pong);
    break;
  }
  case opcode::close:
    end(who, "close " + std::to_string(close_code(payload)));
    break;
  default:
    break;
  }
}

void fleet::on_setup(client& who, std::string_view json, nanoseconds at) {
  auto sort = sort_of(json);
  if (sort == frame_sort::opened && who.at == client::state::opening) return advance(who, client::state::joining);
  if (sort != frame_sort::reply) return on_json(who, json, at);
  if (auto code = error_code_of(json))
    return end(who, (who.at == client::state::joining ? "error to room.join: " : "error to presence.watch: ") +
                        std::to_string(*code));
  if (who.at == client::state::joining) {
    who.room_seq = number_after(json, R"("seq":)").value_or(0);
    advance(who, client::state::watching);
  } else if (who.at == client::state::watching) {
    advance(who, client::state::ready);
  }
}

bool fleet::send(client& who, std::string_view json) {
  if (who.at != client::state::ready || who.unsent.size() > unsent_bytes_max) return false;
  frame_.clear();
  append_client_frame(frame_, opcode::text, json);
  write(who, frame_);
  return who.at == client::state::ready;
}

void fleet::write(client& who, std::string_view bytes) {
  who.unsent.append(bytes);
  if (!who.writable_wanted) flush(who);
}

void fleet::flush(client& who) {
  auto sent = ::send(who.fd, who.unsent.data(), who.unsent.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return end(who, std::strerror(errno));
  who.unsent.erase(0, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  if (bool wanted = !who.unsent.empty(); wanted != who.writable_wanted) {
    who.writable_wanted = wanted;
    epoll_event events{};
    events.events = EPOLLIN | (wanted ? EPOLLOUT : 0u);
    events.data.u32 = who.index;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, who.fd, &events);
  }
}

void fleet::end(client& who, const std::string& why) {
  if (who.at == client::state::closed) return; // the rest of what was read may find it broken once more
  if (who.at == client::state::ready)
    --ready_;
  else
    --busy_;
  who.at = client::state::closed;
  if (who.fd >= 0) close(who.fd);
  who.fd = -1;
  ++ended[why];
}

} // namespace starling::cli
