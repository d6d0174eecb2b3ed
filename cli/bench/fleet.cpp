#include "cli/bench/fleet.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "cli/bench/fields.hpp"

namespace starling::cli {

using std::chrono::nanoseconds;

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr std::size_t payload_bytes_max = buffer_bytes / 2; // what is left of one frame leaves room to read the next
constexpr std::size_t unsent_bytes_max = 1024 * 1024;
constexpr std::string_view done("\x03\xe8", 2);  // close code 1000
constexpr std::size_t others_between_looks = 16; // events; with a frame or two each, some 0.1 ms
constexpr auto urgent_mark = UINT32_MAX;         // no client's index

// Few events a turn, so that the caller can keep to its schedule.
using events = std::array<epoll_event, 128>;

std::size_t wait_for(int epoll, events& found, nanoseconds at_most) {
  auto wait = std::max(at_most, nanoseconds{0});
  timespec timeout{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
  int count = epoll_pwait2(epoll, found.data(), static_cast<int>(found.size()), &timeout, nullptr);
  if (count < 0 && errno == ENOSYS) // Linux before 5.11
    count = epoll_wait(epoll, found.data(), static_cast<int>(found.size()), static_cast<int>(wait.count() / 1'000'000));
  return static_cast<std::size_t>(std::max(count, 0));
}

bool has_urgent(const plan& all) {
  return std::any_of(all.clients.begin(), all.clients.end(), [](const part& each) { return each.urgent; });
}

} // namespace

fleet::fleet(const bench_options& options, const plan& who, const dialect& speaks, std::vector<endpoint> endpoints)
    : options_(options), plan_(who), dialect_(speaks), endpoints_(std::move(endpoints)), clients_(who.clients.size()),
      urgent_(has_urgent(who) ? epoll_create1(EPOLL_CLOEXEC) : -1), epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(buffer_bytes), origin_(std::chrono::steady_clock::now()) {
  for (std::size_t i = 0; i < clients_.size(); ++i)
    clients_[i].index = static_cast<std::uint32_t>(i);
  if (urgent_.get() < 0) return;
  // So that whoever waits for the others wakes for the urgent ones too.
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u32 = urgent_mark;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, urgent_.get(), &wanted);
}

fleet::~fleet() {
  std::string bye;
  append_client_frame(bye, opcode::close, done);
  for (auto& who : clients_) {
    if (who.fd < 0) continue;
    if (who.at == client::state::ready && who.unsent.empty())
      (void)::send(who.fd, bye.data(), bye.size(), MSG_NOSIGNAL);
    close(who.fd);
  }
}

nanoseconds fleet::now() const { return std::chrono::steady_clock::now() - origin_ + std::chrono::seconds(1); }

std::string fleet::user(std::size_t index) const { return "b" + options_.run + std::to_string(index); }

std::optional<std::uint32_t> fleet::index_of(std::string_view user) const {
  auto prefix = options_.run.size() + 1;
  std::uint32_t index = 0;
  if (user.size() <= prefix || user.substr(1, options_.run.size()) != options_.run) return std::nullopt;
  auto [end, failed] = std::from_chars(user.data() + prefix, user.data() + user.size(), index);
  if (failed != std::errc{} || end != user.data() + user.size()) return std::nullopt;
  return index;
}

std::string fleet::room(std::size_t number) const { return "bench-" + options_.run + std::to_string(number); }

std::string fleet::users(const std::vector<std::uint32_t>& indices) const {
  std::string all = R"({"users":[)";
  for (auto index : indices)
    all.append(all.back() == '[' ? "\"" : ",\"").append(user(index)).append("\"");
  return all + "]}";
}

void fleet::turn(nanoseconds at_most) {
  start_due();
  events found;
  auto before = now();
  auto count = wait_for(epoll_.get(), found, at_most);
  auto begin = now();
  looked_at_ += begin - before; // nothing was there
  look_at_urgent();
  for (std::size_t i = 0; i < count; ++i) {
    if (i % others_between_looks == others_between_looks - 1) look_at_urgent();
    if (auto index = found[i].data.u32; index != urgent_mark) on_event(clients_[index], found[i].events);
  }
  if (count == found.size()) behind += now() - begin;
  expire();
}

void fleet::look_at_urgent() {
  if (urgent_.get() < 0) return;
  auto at = now();
  late += std::max(at - looked_at_ - patience, nanoseconds{0});
  looked_at_ = at;
  on_look();
  events found;
  auto count = wait_for(urgent_.get(), found, nanoseconds{0});
  for (std::size_t i = 0; i < count; ++i)
    on_event(clients_[found[i].data.u32], found[i].events);
}

void fleet::on_event(client& who, std::uint32_t what) {
  if (who.at == client::state::connecting)
    on_connected(who);
  else if (what & (EPOLLIN | EPOLLHUP | EPOLLERR))
    on_readable(who);
  if (who.fd >= 0 && (what & EPOLLOUT)) flush(who);
}

void fleet::on_readable(client& who) {
  // Whoever does not read hears only that the connection is gone; what had come before says why.
  if (!who.reading) return read_from(who, true);
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
    if (who.fd >= 0) on_frame(who, op, payload, at);
  };
  if (!who.reader.take(bytes, payload_bytes_max, handle)) end(who, "broken framing");
}

void fleet::on_frame(client& who, opcode op, std::string_view payload, nanoseconds at) {
  switch (op) {
  case opcode::text:
    return on_text(who, payload, at);
  case opcode::ping:
    ++pings;
    return send_frame(who, opcode::pong, payload);
  case opcode::close:
    who.close_code = close_code(payload);
    if (put_off_now(who)) return;
    return end(who, "close " + std::to_string(who.close_code));
  default:
    return;
  }
}

void fleet::on_text(client& who, std::string_view text, nanoseconds at) {
  if (who.at == client::state::leaving) return;
  auto what = dialect_.hear(text);
  pings += what.what == heard::kind::ping;
  if (what.what == heard::kind::closing)
    who.stay_away = std::chrono::milliseconds(number_after(text, R"("reconnect_in_ms":)").value_or(0));
  if (!what.answer.empty()) return send_frame(who, opcode::text, what.answer);
  if (who.at == client::state::ready)
    on_heard(who, what, text, at);
  else
    on_setup(who, what, text, at);
}

bool fleet::request(client& who, std::uint64_t id, std::string_view method, std::string_view params) {
  if (who.at != client::state::ready || who.unsent.size() > unsent_bytes_max) return false;
  text_.clear();
  dialect_.append_request(text_, id, method, params);
  send_frame(who, opcode::text, text_);
  return who.at == client::state::ready;
}

void fleet::send_frame(client& who, opcode op, std::string_view payload) {
  frame_.clear();
  append_client_frame(frame_, op, payload);
  write(who, frame_);
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
    watch(who, EPOLL_CTL_MOD);
  }
}

void fleet::watch(client& who, int how) {
  epoll_event wanted{};
  bool connecting = who.at == client::state::connecting;
  wanted.events = (who.reading && !connecting ? EPOLLIN : 0u) | (who.writable_wanted || connecting ? EPOLLOUT : 0u);
  wanted.data.u32 = who.index;
  epoll_ctl((part_of(who).urgent ? urgent_ : epoll_).get(), how, who.fd, &wanted);
}

void fleet::read_from(client& who, bool reading) {
  who.reading = reading;
  if (who.fd >= 0) watch(who, EPOLL_CTL_MOD);
}

void fleet::cut(client& who) {
  if (who.at != client::state::ready) return;
  linger at_once{1, 0};
  setsockopt(who.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  hang_up(who, client::state::away);
}

void fleet::leave(client& who) {
  if (who.at != client::state::ready) return;
  send_frame(who, opcode::close, done);
  if (who.at != client::state::ready) return; // it was gone already
  --ready_;
  who.at = client::state::leaving;
}

void fleet::end(client& who, const std::string& why) {
  if (who.fd < 0 && who.at != client::state::connecting) return; // what was read may end it more than once
  bool meant = who.at == client::state::leaving;
  hang_up(who, meant ? client::state::away : client::state::closed);
  if (meant) return;
  ++ended[why];
  on_ended(who);
}

void fleet::hang_up(client& who, client::state to) {
  if (who.at == client::state::ready)
    --ready_;
  else if (who.at != client::state::leaving)
    --busy_;
  who.at = to;
  if (who.fd >= 0) close(who.fd);
  who.fd = -1;
}

} // namespace starling::cli
