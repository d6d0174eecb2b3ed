#include "net/redis_connection.hpp"

#include <array>
#include <cassert>
#include <charconv>
#include <utility>

#include <hiredis/async.h>

namespace starling::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// As RESP has it: `*3\r\n`.
void append_length(std::string& out, char what, std::size_t length) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.begin(), digits.end(), length).ptr;
  out.append(1, what).append(digits.begin(), end).append("\r\n");
}

} // namespace

struct redis_connection::callbacks {
  static redis_connection& self(void* data) { return *static_cast<redis_connection*>(data); }

  static void add_read(void* data) { self(data).wants_read_ = true; }
  static void del_read(void* data) { self(data).wants_read_ = false; }
  static void add_write(void* data) { self(data).wants_write_ = true; }
  static void del_write(void* data) { self(data).wants_write_ = false; }
  static void cleanup(void* data) { self(data).detach(); }

  static void connected(const redisAsyncContext* context, int status) {
    auto& me = self(context->data);
    if (status != REDIS_OK) {
      me.failure_ = context->c.errstr;
      return;
    }
    me.connected_ = true;
    me.authenticate();
  }

  static void authenticated(redisAsyncContext* context, void* reply_data, void*) {
    auto& me = self(context->data);
    auto* reply = static_cast<redisReply*>(reply_data);
    if (!reply || me.over_) return;
    if (reply->type == REDIS_REPLY_ERROR) {
      me.fail("AUTH: " + std::string(reply->str, reply->len));
      return;
    }
    me.ready_ = true;
    me.user_.ready();
  }

  static void replied(redisAsyncContext* context, void* reply, void*) {
    auto& me = self(context->data);
    // hiredis answers what is pending with null when it frees the context: whoever sent it hears `closed` instead.
    if (reply && !me.over_ && me.failure_.empty()) me.user_.replied(*static_cast<redisReply*>(reply));
  }
};

redis_connection::redis_connection(strand on, redis_connection_user& user, std::weak_ptr<void> owner)
    : strand_(std::move(on)), user_(user), owner_(std::move(owner)), resolver_(strand_), socket_(strand_) {}

redis_connection::~redis_connection() { close(); }

void redis_connection::open(const redis_address& where, redis_credentials who) {
  who_ = std::move(who);
  if (where.host.empty()) {
    if (!attach(redisAsyncConnectUnix(where.path.c_str()))) fail(failure_);
    return;
  }
  error_code ec;
  if (auto numeric = asio::ip::make_address(where.host, ec); !ec) {
    untried_.emplace_back(numeric, where.port);
    dial_next();
    return;
  }
  resolver_.async_resolve(
      where.host, std::to_string(where.port), tcp::resolver::numeric_service,
      [self = shared_from_this(), keep = owner_.lock(), host = where.host](error_code why, auto found) {
        if (self->over_) return;
        if (why)
          self->fail("cannot resolve " + host + ": " + why.message());
        else
          self->resolved(std::move(found));
      });
}

void redis_connection::resolved(tcp::resolver::results_type found) {
  for (auto& entry : found)
    untried_.insert(untried_.begin(), entry.endpoint());
  dial_next();
}

void redis_connection::dial_next() {
  while (!untried_.empty()) {
    const auto to = untried_.back();
    untried_.pop_back();
    // The address is numeric, so hiredis' own getaddrinfo does not ask the network.
    if (attach(redisAsyncConnect(to.address().to_string().c_str(), to.port()))) return;
  }
  fail(failure_.empty() ? "the host has no address" : failure_);
}

bool redis_connection::attach(redisAsyncContext* context) {
  if (!context || context->err) {
    failure_ = context ? context->errstr : "out of memory";
    if (context) redisAsyncFree(context);
    return false;
  }
  error_code ec;
  socket_.assign(context->c.fd, ec);
  if (ec) {
    failure_ = ec.message();
    redisAsyncFree(context);
    return false;
  }
  ++dials_;
  failure_.clear();
  awaits_read_ = awaits_write_ = false;
  context_ = context;
  context->data = this;
  context->ev = {
      this, callbacks::add_read, callbacks::del_read, callbacks::add_write, callbacks::del_write, callbacks::cleanup};
  redisAsyncSetConnectCallback(context, callbacks::connected);
  arm();
  return true;
}

void redis_connection::detach() {
  if (failure_.empty()) failure_ = context_->c.err ? context_->c.errstr : "closed";
  context_ = nullptr;
  wants_read_ = wants_write_ = false;
  socket_.release(); // its waits end with operation_aborted; hiredis closes the descriptor
}

void redis_connection::authenticate() {
  if (context_->c.connection_type == REDIS_CONN_TCP) redisEnableKeepAlive(&context_->c);
  if (who_.user.empty() && who_.password.empty()) {
    ready_ = true;
    user_.ready();
    return;
  }
  const char* argv[] = {"AUTH", who_.user.c_str(), who_.password.c_str()};
  const std::size_t sizes[] = {4, who_.user.size(), who_.password.size()};
  if (who_.user.empty()) {
    argv[1] = argv[2]; // a Redis before 6 knows passwords only
    const std::size_t two[] = {sizes[0], sizes[2]};
    redisAsyncCommandArgv(context_, callbacks::authenticated, nullptr, 2, argv, two);
  } else {
    redisAsyncCommandArgv(context_, callbacks::authenticated, nullptr, 3, argv, sizes);
  }
}

void redis_connection::command(std::span<const std::string_view> words) {
  if (!context_) return; // `closed` is on its way
  // hiredis' own formatting took a twelfth of all instructions that a message costs a node.
  formatted_.clear();
  append_length(formatted_, '*', words.size());
  for (auto word : words) {
    append_length(formatted_, '$', word.size());
    formatted_.append(word).append("\r\n");
  }
  redisAsyncFormattedCommand(context_, callbacks::replied, nullptr, formatted_.data(), formatted_.size());
}

void redis_connection::flush() {
  // Written at once instead of when Asio says that the socket is writable: it nearly always is.
  if (!inside_ && context_ && connected_ && wants_write_) {
    inside_ = true;
    redisAsyncHandleWrite(context_);
    inside_ = false;
  }
  if (!inside_) end_turn();
}

void redis_connection::fail(std::string reason) {
  if (over_) return;
  failure_ = std::move(reason);
  untried_.clear();
  if (!inside_) end_turn();
}

void redis_connection::close() {
  assert(!inside_);
  over_ = true;
  resolver_.cancel();
  if (context_) redisAsyncFree(context_); // calls `detach`
}

void redis_connection::handle(void (*event)(redisAsyncContext*)) {
  inside_ = true;
  event(context_);
  inside_ = false;
  if (ready_ && !over_) user_.turn_ended();
  flush();
}

/// After hiredis has returned: says that the connection has ended, or waits for what comes next.
void redis_connection::end_turn() {
  if (over_) return;
  if (failure_.empty()) {
    arm();
    return;
  }
  if (context_) redisAsyncFree(context_);
  if (!connected_ && !untried_.empty()) {
    dial_next();
    return;
  }
  over_ = true;
  resolver_.cancel();
  user_.closed(failure_);
}

void redis_connection::arm() {
  if (!context_) return;
  if (wants_read_) wait(asio::posix::stream_descriptor::wait_read, awaits_read_);
  if (wants_write_) wait(asio::posix::stream_descriptor::wait_write, awaits_write_);
}

void redis_connection::wait(asio::posix::stream_descriptor::wait_type what, bool& waiting) {
  if (std::exchange(waiting, true)) return;
  socket_.async_wait(what,
                     [self = shared_from_this(), keep = owner_.lock(), dial = dials_, what, &waiting](error_code) {
                       if (dial != self->dials_) return; // a wait on an address that was given up
                       waiting = false;
                       if (!self->context_) return;
                       const bool reads = what == asio::posix::stream_descriptor::wait_read;
                       self->handle(reads ? redisAsyncHandleRead : redisAsyncHandleWrite);
                     });
}

} // namespace starling::net
