// What would it cost without us? A figure like "9 us of CPU per delivery" says little by itself: most of it is the
// kernel's, and how much depends on the machine, its load and the clients. So each run is repeated, by the same
// clients, against this: one thread, epoll, one send(2) per delivery of the same bytes. No rooms, no log, no Redis, no
// parsing but the frame. Whatever a server takes more than that, it takes for what it does; a server that gathers
// several messages in one write can also take less.

#include "cli/bench/floor.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/frame.hpp"
#include "cli/bench/fields.hpp"
#include "cli/bench/framing.hpp"

namespace starling::cli {

namespace {

constexpr std::size_t backlog_bytes_max = 1024 * 1024; // of one client; what comes beyond is lost, and the run shows it

struct connection {
  int fd = -1;
  bool upgraded = false;
  std::size_t group = 0;
  std::string unread;
  std::string unsent;
};

struct group {
  std::vector<connection*> members;
  std::uint64_t seq = 0;
};

class raw_server {
public:
  explicit raw_server(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(64 * 1024) {
    watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 128> events;
    while (true) {
      int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listener_)
          accept_all();
        else if (auto* who = connections_[static_cast<std::size_t>(event.data.fd)].get())
          serve(*who, event.events);
      }
    }
  }

private:
  void watch(int fd, unsigned events, int how) {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.fd = fd;
    epoll_ctl(epoll_, how, fd, &wanted);
  }

  void accept_all() {
    int fd;
    while ((fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto slot = static_cast<std::size_t>(fd);
      if (slot >= connections_.size()) connections_.resize(slot + 1);
      connections_[slot] = std::make_unique<connection>();
      connections_[slot]->fd = fd;
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  void serve(connection& who, unsigned events) {
    if (events & EPOLLOUT) {
      auto rest = std::move(who.unsent);
      who.unsent.clear();
      watch(who.fd, EPOLLIN, EPOLL_CTL_MOD);
      send_to(who, rest);
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    auto count = recv(who.fd, buffer_.data(), buffer_.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return drop(who);
    who.unread.append(buffer_.data(), static_cast<std::size_t>(count));
    if (!who.upgraded && !upgrade(who)) return;
    frame_view frame;
    std::size_t used = 0;
    while (parse_frame(std::string_view(who.unread).substr(used), sender::client, buffer_.size(), frame) ==
           parse_result::whole) {
      used += frame.size_bytes;
      if (frame.op == opcode::text) publish(who, frame.payload); // its mask is zero: these are our own clients
    }
    who.unread.erase(0, used);
  }

  bool upgrade(connection& who) {
    auto head = who.unread.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    who.group = static_cast<std::size_t>(number_after(who.unread, "group=").value_or(0));
    if (who.group >= groups_.size()) groups_.resize(who.group + 1);
    groups_[who.group].members.push_back(&who);
    who.unread.erase(0, head + 4);
    who.upgraded = true;
    send_to(who, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    return true;
  }

  // The frames have the members and the length that a node's have.
  void publish(connection& from, std::string_view json) {
    auto& to = groups_[from.group];
    constexpr std::string_view name = R"("text":")";
    auto text = json.substr(std::min(json.find(name) + name.size(), json.size()));
    text = text.substr(0, text.find('"'));
    auto place = R"("room":"bench-)" + std::to_string(from.group) + R"(","epoch":1700000000000,"seq":)" +
                 std::to_string(++to.seq);
    constexpr std::string_view at = R"(,"at":"2024-01-01T00:00:00.000Z")";
    std::string message =
        R"({"jsonrpc":"2.0","method":"message","params":{)" + place + R"(,"from":"b)" + std::to_string(from.fd) + '"';
    message.append(at).append(R"(,"text":")").append(text).append("\"}}");
    auto delivery = make_text_frame(message);
    for (auto* member : to.members)
      send_to(*member, *delivery);
    std::string reply = R"({"jsonrpc":"2.0","id":)" + std::to_string(number_after(json, R"("id":)").value_or(0)) +
                        R"(,"result":{)" + place;
    send_to(from, *make_text_frame(reply.append(at).append("}}")));
  }

  void send_to(connection& who, std::string_view bytes) {
    if (who.unsent.empty()) {
      auto sent = send(who.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return; // it is gone: its end of file follows
      bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
      if (bytes.empty()) return;
      watch(who.fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    if (who.unsent.size() + bytes.size() <= backlog_bytes_max) who.unsent.append(bytes);
  }

  void drop(connection& who) {
    if (who.upgraded) std::erase(groups_[who.group].members, &who);
    int fd = who.fd;
    close(fd);
    connections_[static_cast<std::size_t>(fd)].reset();
  }

  int listener_;
  int epoll_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<connection>> connections_; // by fd
  std::vector<group> groups_;
};

} // namespace

floor_server::floor_server() {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* as_any = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, as_any, size) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, as_any, &size) != 0) {
    close(listener);
    return;
  }
  std::memcpy(&where_.address, &address, sizeof address);
  where_.address_size = size;
  where_.host = "127.0.0.1";
  where_.path = "/";
  auto parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    // It must not outlive the one who measures, however that one ends.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    raw_server(listener).run();
  }
  close(listener);
}

floor_server::~floor_server() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

} // namespace starling::cli
