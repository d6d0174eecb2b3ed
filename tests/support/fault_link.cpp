#include "tests/support/fault_link.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <boost/asio/post.hpp>

namespace starling::test::fault {

namespace {

constexpr std::size_t first_bytes_max = 256;
constexpr int single_bytes_per_turn = 64; // then others have theirs

} // namespace

int unshared_socket() {
  const auto made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return made;
}

void abort(tcp::socket& socket) {
  error_code ignored; // it may not be connected
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

void pump::go_on() {
  write();
  tell_end();
  read();
}

/// May what came at that time leave? If it is only too early, `go_on` is called in time.
bool pump::may_go(steady_clock::time_point came) {
  const auto& now = owner_.of(where_);
  if (now.stall) return false;
  if (now.delay.count() <= 0 || came + now.delay <= steady_clock::now()) return true;
  due_.expires_at(came + now.delay);
  due_.async_wait([this, keep = owner_.shared_from_this()](error_code cancelled) {
    if (!cancelled && !owner_.is_over()) go_on();
  });
  return false;
}

void pump::write() {
  if (to_nobody_) drop();
  int turns_left = single_bytes_per_turn;
  while (!waiting_ && !held_.empty() && may_go(held_.front().came)) {
    const auto single = owner_.of(where_).single_bytes;
    if (single && turns_left-- == 0) {
      waiting_ = true;
      asio::post(due_.get_executor(), [this, keep = owner_.shared_from_this()] {
        waiting_ = false;
        if (!owner_.is_over()) go_on();
      });
      return;
    }
    if (!write_some(held_.front(), single ? 1 : read_bytes_max)) return;
    if (held_.front().written == held_.front().bytes.size()) held_.pop_front();
  }
}

bool pump::write_some(piece& from, std::size_t bytes_max) {
  error_code failed;
  const auto bytes = to_.write_some(asio::buffer(asio::buffer(from.bytes) + from.written, bytes_max), failed);
  if (failed == asio::error::would_block) {
    waiting_ = true;
    to_.async_wait(tcp::socket::wait_write, [this, keep = owner_.shared_from_this()](error_code) {
      waiting_ = false;
      if (!owner_.is_over()) go_on();
    });
    return false;
  }
  if (failed) {
    receiver_is_gone();
    return false;
  }
  auto& counted = owner_.common().counted(where_);
  counted.bytes += bytes;
  counted.held -= bytes;
  ++counted.writes;
  from.written += bytes;
  held_bytes_ -= bytes;
  return true;
}

void pump::receiver_is_gone() {
  to_nobody_ = true;
  drop();
  owner_.across(where_).sender_is_gone();
}

void pump::sender_is_gone() {
  end_ = ending::reset;
  end_came_ = steady_clock::now();
  told_ = false; // of a FIN, if anything
  tell_end();
}

void pump::drop() {
  auto& counted = owner_.common().counted(where_);
  counted.held -= held_bytes_;
  counted.lost += held_bytes_;
  held_bytes_ = 0;
  held_.clear();
}

void pump::tell_end() {
  if (end_ == ending::none || told_ || !held_.empty() || owner_.of(where_).half_open || !may_go(end_came_)) return;
  if (end_ == ending::reset) return owner_.reset();
  told_ = true;
  error_code ignored; // the receiver may have gone as well
  to_.shutdown(tcp::socket::shutdown_send, ignored);
  owner_.end_if_over();
}

void pump::read() {
  const auto room = owner_.common().options.held_bytes_max;
  if (reading_ || end_ != ending::none || owner_.is_over() || held_bytes_ >= room) return;
  reading_ = true;
  from_.async_read_some(asio::buffer(buffer_, room - held_bytes_),
                        [this, keep = owner_.shared_from_this()](error_code failed, std::size_t bytes) {
                          reading_ = false;
                          if (!owner_.is_over()) on_read(failed, bytes);
                        });
}

void pump::on_read(error_code failed, std::size_t bytes) {
  if (bytes > 0) take(bytes);
  if (failed && end_ == ending::none) {
    end_ = failed == asio::error::eof ? ending::fin : ending::reset;
    end_came_ = steady_clock::now();
  }
  go_on();
}

void pump::take(std::size_t bytes) {
  held_.push_back({steady_clock::now(), std::string(buffer_.data(), bytes)});
  held_bytes_ += bytes;
  owner_.common().counted(where_).held += bytes;
  if (where_ == flow::to_server) owner_.client_sent(held_.back().bytes);
}

void link::connect(const tcp::endpoint& server) {
  server_.assign(tcp::v4(), unshared_socket());
  if (const auto size = common_.options.receive_buffer_bytes; size > 0)
    server_.set_option(asio::socket_base::receive_buffer_size(size));
  server_.async_connect(server, [this, keep = shared_from_this()](error_code failed) {
    if (over_) return;
    if (failed) return reset();
    connected_ = true;
    for (auto* each : {&client_, &server_}) {
      each->set_option(tcp::no_delay(true), failed);
      each->non_blocking(true, failed); // those for which a write is not the moment say so
    }
    go_on();
  });
}

void link::go_on() {
  if (!connected_) return;
  for (auto& each : pumps_)
    if (!over_) each.go_on();
}

void link::choose() { chosen_ = !common_.chosen || (!first_bytes_.empty() && common_.chosen(first_bytes_)); }

const faults& link::of(flow where) const {
  static const faults none;
  return chosen_ ? common_.of[where == flow::to_server ? 0 : 1] : none;
}

void link::client_sent(std::string_view bytes) {
  if (first_bytes_.size() >= first_bytes_max) return;
  first_bytes_ += bytes.substr(0, first_bytes_max - first_bytes_.size());
  choose();
}

void link::reset() {
  if (over_) return;
  abort(client_);
  abort(server_);
  end();
}

void link::end_if_over() {
  if (over_ || !pumps_[0].is_over() || !pumps_[1].is_over()) return;
  error_code ignored;
  client_.close(ignored);
  server_.close(ignored);
  end();
}

void link::end() {
  over_ = true;
  for (auto& each : pumps_)
    each.drop();
  common_.links.erase(shared_from_this());
}

} // namespace starling::test::fault
