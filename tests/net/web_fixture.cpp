#include "web_fixture.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>
#include <variant>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chat/codec.hpp"

namespace starling::net::test {

namespace {

constexpr int patience_ms = 10'000;

class fake_session final : public session_port {
public:
  fake_session(fake_gateway& where, std::size_t index) : where_(where), index_(index) {}
  ~fake_session() override { where_.ended(index_); }
  bool submit(submission what) override {
    bool more = true;
    where_.take(index_, std::move(what), more);
    return more;
  }

private:
  fake_gateway& where_;
  std::size_t index_;
};

std::variant<identity, std::string> verify(const session_open& what) {
  if (!what.user.empty()) return identity{what.user, "", std::nullopt};
  if (what.token.starts_with("good:")) return identity{what.token.substr(5), "", std::nullopt};
  if (what.token.starts_with("short:")) {
    auto colon = what.token.rfind(':');
    auto left = std::chrono::milliseconds{std::stoi(what.token.substr(colon + 1))};
    return identity{what.token.substr(6, colon - 6), "", std::chrono::system_clock::now() + left};
  }
  return std::string("the token is not good");
}

} // namespace

bool eventually(const std::function<bool()>& met) {
  auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{patience_ms};
  while (!met()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

std::unique_ptr<session_port> fake_gateway::open(identity who, std::shared_ptr<client> sink, bool announce) {
  std::size_t index = 0;
  {
    std::lock_guard guard{mutex_};
    index = sessions_.size();
    sessions_.push_back({who, sink, announce, 0, {}, {}});
  }
  if (announce) {
    sink->push(make_text_frame(encode_notification("session.opened", "{\"user\":\"" + who.user + "\"}")),
               frame_kind::lasting);
  }
  return std::make_unique<fake_session>(*this, index);
}

void fake_gateway::take(std::size_t i, submission what, bool& more) {
  std::shared_ptr<client> sink;
  {
    std::lock_guard guard{mutex_};
    auto& session = sessions_[i];
    sink = session.sink;
    for (const auto& one : what.requests)
      session.seen.push_back(one.params);
    if (keep) {
      session.keeping.push_back(std::move(what));
      more = false;
      return;
    }
  }
  for (const auto& one : what.requests) {
    auto payload = what.answers->add(encode_result(one.id, "{\"echo\":true}"));
    if (!payload.empty() && sink) sink->push_now(make_text_frame(payload));
  }
}

void fake_gateway::ended(std::size_t i) {
  std::lock_guard guard{mutex_};
  ++sessions_[i].ends;
}

std::size_t fake_gateway::count() const {
  std::lock_guard guard{mutex_};
  return sessions_.size();
}

std::shared_ptr<client> fake_gateway::sink(std::size_t i) const {
  std::lock_guard guard{mutex_};
  return sessions_.at(i).sink;
}

std::size_t fake_gateway::seen(std::size_t i) const {
  std::lock_guard guard{mutex_};
  return sessions_.at(i).seen.size();
}

unsigned fake_gateway::ends(std::size_t i) const {
  std::lock_guard guard{mutex_};
  return sessions_.at(i).ends;
}

identity fake_gateway::who(std::size_t i) const {
  std::lock_guard guard{mutex_};
  return sessions_.at(i).who;
}

void fake_gateway::forget() {
  std::lock_guard guard{mutex_};
  for (auto& session : sessions_)
    session.sink.reset();
}

server::server(limits bounds, timings times, console_port console, door_rules rules) {
  listener_ports ports{sessions, writes_, verify, {}, {}};
  ports.pages.readyz = [] { return std::pair{503, std::string("{\"missing\":[\"master\"]}")}; };
  ports.pages.nodes = [] { return std::string("{\"nodes\":[]}"); };
  ports.pages.metrics = [this] { return metrics_.text(); };
  ports.node_urls = [] { return std::vector<std::string>{"ws://127.0.0.1:1/ws"}; };
  ports.console = std::move(console);
  ports.rules = std::move(rules);
  listener_ = std::make_unique<listener>(threads_, std::move(ports), bounds, times);
  metrics_.add(listener_->metrics());
  if (auto why = listener_->start("127.0.0.1:0"); !why.empty()) throw std::runtime_error(why);
  for (int i = 0; i < 2; ++i)
    running_.emplace_back([this] { threads_.run(); });
}

server::~server() {
  listener_->stop_accepting();
  listener_->close_all(close_code::going_away, "the test is over", std::chrono::milliseconds{0});
  eventually([&] { return connections_left(*this) == 0; }); // a session may be opened even now
  work_.reset();
  threads_.stop();
  for (auto& one : running_)
    one.join();
}

std::uint16_t frame_in::close_code() const {
  if (opcode != 8 || payload.size() < 2) return 0;
  return static_cast<std::uint16_t>((static_cast<unsigned char>(payload[0]) << 8) |
                                    static_cast<unsigned char>(payload[1]));
}

raw_client::raw_client(std::uint16_t port, int receive_buffer_bytes) {
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) {
    throw std::runtime_error("cannot connect");
  }
}

raw_client::~raw_client() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void raw_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return; // the server has ended: the test sees it when it reads
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string raw_client::masked_frame(int opcode, std::string_view payload, bool fin) {
  std::string bytes;
  bytes += static_cast<char>((fin ? 0x80 : 0) | opcode);
  auto size = payload.size();
  if (size < 126) {
    bytes += static_cast<char>(0x80 | size);
  } else if (size < 65536) {
    bytes += static_cast<char>(0x80 | 126);
    for (int shift : {8, 0})
      bytes += static_cast<char>((size >> shift) & 0xff);
  } else {
    bytes += static_cast<char>(0x80 | 127);
    for (int shift : {56, 48, 40, 32, 24, 16, 8, 0})
      bytes += static_cast<char>((size >> shift) & 0xff);
  }
  const char mask[4] = {0x11, 0x22, 0x33, 0x44};
  bytes.append(mask, 4);
  for (std::size_t i = 0; i < size; ++i)
    bytes += static_cast<char>(payload[i] ^ mask[i % 4]);
  return bytes;
}

void raw_client::send_frame(int opcode, std::string_view payload, bool fin) {
  send(masked_frame(opcode, payload, fin));
}

std::string raw_client::upgrade(std::string_view target, std::string_view headers, std::string_view behind) {
  std::string request = "GET " + std::string(target) +
                        " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
                        std::string(headers) + "\r\n" + std::string(behind);
  send(request);
  return read_header();
}

std::string raw_client::read_header() {
  std::size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more()) return std::exchange(received_, {});
  }
  auto header = received_.substr(0, end + 4);
  received_.erase(0, end + 4);
  return header;
}

std::string raw_client::get(std::string_view target, std::string_view headers) {
  send("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n");
  return read_http();
}

std::string raw_client::read_http() {
  for (;;) {
    auto end = received_.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::size_t length = 0;
      if (auto at = received_.find("Content-Length: "); at < end) length = std::stoul(received_.substr(at + 16));
      if (received_.starts_with("HTTP/1.1 304")) length = 0;
      if (received_.size() >= end + 4 + length && received_.find("Content-Length: ") < end) {
        auto answer = received_.substr(0, end + 4 + length);
        received_.erase(0, end + 4 + length);
        return answer;
      }
    }
    if (!read_more()) return std::exchange(received_, {});
  }
}

bool raw_client::read_more() {
  pollfd waits{descriptor_, POLLIN, 0};
  if (::poll(&waits, 1, patience_ms) <= 0) return false;
  char bytes[65536];
  auto n = ::recv(descriptor_, bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  received_.append(bytes, static_cast<std::size_t>(n));
  return true;
}

std::optional<frame_in> raw_client::next() {
  auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(received_[i])); };
  for (;;) {
    if (received_.size() >= 2) {
      std::size_t header = 2;
      auto size = byte(1);
      if (size == 126) header = 4;
      if (size == 127) header = 10;
      if (received_.size() >= header) {
        if (header > 2) size = 0;
        for (std::size_t i = 2; i < header; ++i)
          size = (size << 8) | byte(i);
        if (received_.size() >= header + size) {
          frame_in result{static_cast<int>(byte(0) & 0x0f), received_.substr(header, size)};
          received_.erase(0, header + size);
          return result;
        }
      }
    }
    if (!read_more()) return std::nullopt;
  }
}

std::string raw_client::next_text() {
  while (auto got = next()) {
    if (got->opcode == 1) return got->payload;
    if (got->opcode == 8) return {};
  }
  return {};
}

std::optional<frame_in> raw_client::next_close() {
  while (auto got = next()) {
    if (got->opcode == 8) return got;
  }
  return std::nullopt;
}

bool raw_client::ends() {
  for (;;) {
    pollfd waits{descriptor_, POLLIN, 0};
    if (::poll(&waits, 1, patience_ms) <= 0) return false;
    char bytes[65536];
    if (::recv(descriptor_, bytes, sizeof bytes, 0) <= 0) return true;
  }
}

void raw_client::reset() {
  linger hard{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(std::exchange(descriptor_, -1));
}

} // namespace starling::net::test
