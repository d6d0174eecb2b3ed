#include "tests/support/chat_client.hpp"

#include <poll.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace starling::test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

struct client_loop::impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread{[this] { context.run(); }};
};

client_loop::client_loop() : impl_(std::make_unique<impl>()) {}

client_loop::~client_loop() {
  impl_->context.stop();
  impl_->thread.join();
}

void client_loop::post(std::function<void()> what) { asio::post(impl_->context, std::move(what)); }

void client_loop::after(std::chrono::milliseconds delay, std::function<void()> what) {
  auto timer = std::make_shared<asio::steady_timer>(impl_->context, delay);
  timer->async_wait([timer, what = std::move(what)](error_code failed) {
    if (!failed) what();
  });
}

void client_loop::run(const std::function<void()>& what) {
  std::promise<void> done;
  post([&] {
    what();
    done.set_value();
  });
  done.get_future().wait();
}

/// Lives on the loop's thread; what the test reads stands behind `mutex`.
struct chat_client::connection : std::enable_shared_from_this<connection> {
  struct outgoing {
    std::string payload;
    bool binary = false;
    bool last = true; // of its message
  };

  connection(asio::io_context& context, dial d) : how(std::move(d)), stream(context) {}

  const dial how;
  websocket::stream<asio::ip::tcp::socket> stream;
  beast::flat_buffer buffer;
  websocket::response_type answer;
  std::deque<outgoing> waiting;
  std::map<std::uint64_t, reply_handler> pending;
  std::uint64_t last_id = 0;
  bool writing = false;
  bool reading = false;
  bool paused = false;
  int close_with = 0; // once all that waits is written
  std::atomic<std::size_t> pings{0};

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool is_open = false;
  std::vector<seen_frame> frames;
  std::size_t first_looked_at = 0;
  std::optional<ending> end;

  void start();
  void read();
  void on_text(std::string_view text);
  void write(outgoing what);
  void write_next();
  void finish(error_code failed);
  void drop();
};

void chat_client::connection::start() {
  using asio::ip::tcp;
  error_code failed;
  auto& socket = stream.next_layer();
  socket.open(tcp::v4(), failed);
  if (how.receive_buffer_bytes > 0)
    socket.set_option(asio::socket_base::receive_buffer_size(how.receive_buffer_bytes), failed);
  socket.async_connect({asio::ip::address_v4::loopback(), how.port}, [self = shared_from_this()](error_code refused) {
    if (refused) return self->finish(refused);
    self->stream.next_layer().set_option(tcp::no_delay(true), refused);
    self->stream.read_message_max(64 * 1024 * 1024);
    self->stream.control_callback([me = self.get()](websocket::frame_type type, beast::string_view) {
      if (type == websocket::frame_type::ping) ++me->pings;
    });
    self->stream.set_option(
        websocket::stream_base::decorator([headers = self->how.headers](websocket::request_type& r) {
          for (const auto& [name, value] : headers)
            r.set(name, value);
        }));
    self->stream.async_handshake(self->answer, "127.0.0.1:" + std::to_string(self->how.port), self->how.target,
                                 [self](error_code declined) {
                                   if (declined) return self->finish(declined);
                                   {
                                     const std::lock_guard lock(self->mutex);
                                     self->is_open = true;
                                   }
                                   self->changed.notify_all();
                                   self->write_next();
                                   self->read();
                                 });
  });
}

void chat_client::connection::read() {
  if (paused || reading) return;
  reading = true;
  stream.async_read(buffer, [self = shared_from_this()](error_code failed, std::size_t) {
    self->reading = false;
    if (failed) return self->finish(failed);
    const auto bytes = self->buffer.cdata();
    self->on_text({static_cast<const char*>(bytes.data()), bytes.size()});
    self->buffer.consume(bytes.size());
    self->read();
  });
}

void chat_client::connection::on_text(std::string_view text) {
  auto content = json::parse(text, nullptr, false);
  if (content.is_discarded()) content = json{{"not json", std::string(text)}};
  {
    const std::lock_guard lock(mutex);
    frames.push_back({steady::now(), content});
  }
  if (content.is_object() && !content.contains("method") && content.contains("id") &&
      content["id"].is_number_unsigned()) {
    if (const auto asked = pending.extract(content["id"].get<std::uint64_t>()))
      asked.mapped()(reply{content.value("result", json()), content.value("error", json())});
  }
  if (how.on_frame) how.on_frame(content);
  changed.notify_all();
}

void chat_client::connection::write(outgoing what) {
  waiting.push_back(std::move(what));
  write_next();
}

void chat_client::connection::write_next() {
  if (writing || !stream.is_open()) return;
  if (waiting.empty()) {
    if (close_with == 0) return;
    writing = true; // nothing is written after a close
    stream.async_close(static_cast<websocket::close_code>(close_with), [self = shared_from_this()](error_code failed) {
      self->finish(failed ? failed : error_code(websocket::error::closed));
    });
    return;
  }
  writing = true;
  const auto& next = waiting.front();
  stream.binary(next.binary);
  stream.async_write_some(
      next.last, asio::buffer(next.payload), [self = shared_from_this()](error_code failed, std::size_t) {
        self->writing = false;
        self->waiting.pop_front();
        if (!failed) self->write_next(); // the reader is told of a failure, too, with the close frame that explains it
      });
}

/// Called at most once with effect; answers all that is pending.
void chat_client::connection::finish(error_code failed) {
  {
    const std::lock_guard lock(mutex);
    if (end) return;
    end.emplace();
    if (stream.reason()) {
      end->code = stream.reason().code;
      end->reason = std::string(stream.reason().reason.data(), stream.reason().reason.size());
    }
    end->error = failed.message();
    if (failed == websocket::error::upgrade_declined) {
      end->http_status = static_cast<int>(answer.result_int());
      std::ostringstream text;
      text << answer.base() << answer.body();
      end->http_reply = text.str();
    }
  }
  drop();
  for (auto& [id, done] : std::exchange(pending, {}))
    done(reply{{}, {}, true});
  if (how.on_end) how.on_end();
  changed.notify_all();
}

void chat_client::connection::drop() {
  error_code ignored; // closing what is closed
  stream.next_layer().close(ignored);
}

chat_client::chat_client(client_loop& loop, dial how)
    : loop_(loop), connection_(std::make_shared<connection>(loop.get().context, std::move(how))) {
  loop_.post([c = connection_] { c->start(); });
}

chat_client::~chat_client() {
  loop_.post([c = connection_] { c->drop(); });
}

bool chat_client::connected(std::chrono::milliseconds at_most) {
  std::unique_lock lock(connection_->mutex);
  connection_->changed.wait_for(lock, at_most, [&] { return connection_->is_open || connection_->end; });
  return connection_->is_open;
}

std::string chat_client::handshake_header(const std::string& name) const {
  const std::lock_guard lock(connection_->mutex);
  const auto found = connection_->answer.find(name);
  return found == connection_->answer.end() ? std::string() : std::string(found->value());
}

json chat_client::opened() {
  if (!connected()) throw std::runtime_error("not connected: " + wait_end()->error + " " + wait_end()->http_reply);
  return expect("session.opened");
}

void chat_client::request(const std::string& method, const json& params, reply_handler done) {
  loop_.post([c = connection_, method, params, done = std::move(done)]() mutable {
    if (std::unique_lock lock(c->mutex); c->end) {
      lock.unlock(); // what `done` does is not ours
      return done(reply{{}, {}, true});
    }
    const auto id = ++c->last_id;
    c->pending.emplace(id, std::move(done));
    c->write({json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}.dump()});
  });
}

reply chat_client::call(const std::string& method, const json& params) {
  auto answered = std::make_shared<std::promise<reply>>();
  auto answer = answered->get_future();
  request(method, params, [answered](const reply& r) { answered->set_value(r); });
  if (answer.wait_for(patience) != std::future_status::ready)
    throw std::runtime_error("no answer to " + method + " " + params.dump());
  return answer.get();
}

json chat_client::ask(const std::string& method, const json& params) {
  auto r = call(method, params);
  if (r.ok()) return std::move(r.result);
  throw std::runtime_error(method + " " + params.dump() + ": " + (r.lost ? "connection lost" : r.error.dump()));
}

void chat_client::notify(const std::string& method, const json& params) {
  send_text(json{{"jsonrpc", "2.0"}, {"method", method}, {"params", params}}.dump());
}

void chat_client::send_text(std::string payload) {
  loop_.post([c = connection_, p = std::move(payload)]() mutable { c->write({std::move(p)}); });
}

void chat_client::send_binary(std::string payload) {
  loop_.post([c = connection_, p = std::move(payload)]() mutable { c->write({std::move(p), true}); });
}

void chat_client::send_fragments(std::vector<std::string> parts) {
  loop_.post([c = connection_, parts = std::move(parts)] {
    for (std::size_t i = 0; i < parts.size(); ++i)
      c->write({parts[i], false, i + 1 == parts.size()});
  });
}

std::optional<json> chat_client::wait_for(const predicate& p, std::chrono::milliseconds at_most) {
  std::unique_lock lock(connection_->mutex);
  auto next = connection_->first_looked_at;
  std::optional<json> found;
  const auto look = [&] {
    for (; next < connection_->frames.size() && !found; ++next)
      if (p(connection_->frames[next].content)) found = connection_->frames[next].content;
    return found.has_value() || connection_->end.has_value();
  };
  connection_->changed.wait_for(lock, at_most, look);
  return found;
}

namespace {

bool is_notification(const json& frame, const std::string& method, const json& like) {
  return frame.is_object() && frame.value("method", "") == method && contains(frame.value("params", json()), like);
}

} // namespace

json chat_client::expect(const std::string& method, const json& like, std::chrono::milliseconds at_most) {
  const auto found = wait_for([&](const json& f) { return is_notification(f, method, like); }, at_most);
  if (found) return (*found)["params"];
  std::string came;
  for (const auto& f : frames())
    came += "\n  " + f.content.dump().substr(0, 300);
  throw std::runtime_error("no " + method + " " + like.dump() + (ended() ? " before the end" : "") + ", only:" + came);
}

json chat_client::expect_answer() {
  const auto found = wait_for([](const json& f) {
    return f.is_array() || (f.is_object() && !f.contains("method") && !f.value("id", json()).is_number_unsigned());
  });
  if (!found) throw std::runtime_error("no answer came");
  return *found;
}

std::size_t chat_client::count(const std::string& method, const json& like) const {
  const std::lock_guard lock(connection_->mutex);
  std::size_t n = 0;
  for (auto i = connection_->first_looked_at; i < connection_->frames.size(); ++i)
    n += is_notification(connection_->frames[i].content, method, like) ? 1 : 0;
  return n;
}

void chat_client::forget() {
  const std::lock_guard lock(connection_->mutex);
  connection_->first_looked_at = connection_->frames.size();
}

std::vector<seen_frame> chat_client::frames() const {
  const std::lock_guard lock(connection_->mutex);
  return connection_->frames;
}

std::optional<ending> chat_client::wait_end(std::chrono::milliseconds at_most) {
  std::unique_lock lock(connection_->mutex);
  connection_->changed.wait_for(lock, at_most, [&] { return connection_->end.has_value(); });
  return connection_->end;
}

bool chat_client::ended() const {
  const std::lock_guard lock(connection_->mutex);
  return connection_->end.has_value();
}

void chat_client::close(int code) {
  loop_.post([c = connection_, code] {
    c->close_with = code;
    c->write_next();
  });
}

void chat_client::drop() {
  loop_.post([c = connection_] { c->drop(); });
}

void chat_client::pause_reading() {
  loop_.run([c = connection_] { c->paused = true; });
}

void chat_client::resume_reading() {
  loop_.run([c = connection_] {
    c->paused = false;
    c->read();
  });
}

std::size_t chat_client::pings() const { return connection_->pings; }

std::string verdict(const reply& r) {
  if (r.lost) return "lost";
  return verdict(r.error.is_null() ? json{{"result", r.result}} : json{{"error", r.error}});
}

std::string verdict(const json& answer) {
  if (!answer.is_object() || answer.contains("result") == answer.contains("error")) return answer.dump();
  if (answer.contains("result")) return "ok";
  const auto& error = answer["error"];
  const auto code = error.value("code", json());
  const auto retry = error.value("data", json::object()).value("retry", json());
  if (!code.is_number_integer() || !retry.is_boolean() || error.value("message", "").empty()) return answer.dump();
  return code.dump() + (retry.get<bool>() ? ", retry" : ", final");
}

bool contains(const json& what, const json& like) {
  if (!like.is_object()) return what == like;
  if (!what.is_object()) return false;
  for (const auto& [name, value] : like.items())
    if (const auto member = what.find(name); member == what.end() || !contains(*member, value)) return false;
  return true;
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds at_most) {
  const auto end = steady::now() + at_most;
  while (!condition()) {
    if (steady::now() > end) return false;
    poll(nullptr, 0, 20); // the pause between two questions, not a wait for time to pass
  }
  return true;
}

} // namespace starling::test
