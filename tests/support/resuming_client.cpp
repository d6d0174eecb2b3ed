#include "tests/support/resuming_client.hpp"

#include <algorithm>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>

namespace starling::test {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds pause_before_retry{50};

position read_position(const json& from) {
  return {from.value("epoch", std::uint64_t{0}), from.value("seq", std::uint64_t{0})};
}

delivery read_message(const json& m) {
  return {m.value("room", ""), read_position(m), m.value("from", ""), m.value("key", ""), m.value("text", "")};
}

} // namespace

/// All of it belongs to the loop's thread, and is read by others through `client_loop::run`.
struct resuming_client::state : std::enable_shared_from_this<state> {
  struct room_view {
    position last;
    bool in_step = true;
    bool asked = false;         // since its shard was there last
    std::vector<delivery> held; // came by push before the sync was done
  };
  struct attempt {
    sending what;
    steady::time_point first;
    bool under_way = false;
  };

  state(client_loop& l, std::string u, std::vector<std::uint16_t> p) : loop(l), ports(std::move(p)) {
    all.name = std::move(u);
  }

  client_loop& loop;
  std::vector<std::uint16_t> ports;
  std::size_t next_port = 0;
  std::unique_ptr<chat_client> client;
  bool opened = false;
  bool syncing = false;
  bool over = false;
  std::size_t generation = 0; // of the connection: answers to an earlier one are not for this

  std::map<std::string, room_view> rooms;
  reader all;               // merged; its name is the user's
  std::vector<reader> each; // per connection
  std::deque<attempt> unanswered;
  std::vector<sending> answered;
  std::size_t said = 0;
  std::size_t reconnects = 0;
  std::chrono::milliseconds stay_away{0}; // as the server said before it closed; 0: nothing
  std::size_t unavailable = 0;
  steady::duration slowest{};
  std::vector<std::string> complaints;
  std::chrono::milliseconds interval{0}; // 0: silent
  std::size_t text_bytes = 0;            // at least
  std::size_t talk_turn = 0;

  void complain(std::string text) { complaints.push_back(all.name + ": " + std::move(text)); }
  void connect();
  void on_frame(const json& frame);
  void on_end(std::size_t of);
  void on_opened(const json& params);
  void on_available(const json& params);
  void on_message(const json& params);
  void sync();
  void on_synced(const std::string& room, const json& part);
  void accept(const delivery& d);
  void say(const std::string& room);
  void send_next();
  void on_sent(const std::string& key, const reply& r);
  void tick();
};

void resuming_client::state::connect() {
  if (over) return;
  const auto mine = ++generation;
  dial how{ports[next_port % ports.size()], "/ws?user=" + all.name};
  how.on_frame = [weak = weak_from_this(), mine](const json& f) {
    if (const auto self = weak.lock(); self && self->generation == mine) self->on_frame(f);
  };
  how.on_end = [weak = weak_from_this(), mine] {
    if (const auto self = weak.lock()) self->on_end(mine);
  };
  each.push_back({all.name + " over connection " + std::to_string(mine), {}, {}, true});
  client = std::make_unique<chat_client>(loop, std::move(how));
}

void resuming_client::state::on_end(std::size_t of) {
  if (over || of != generation) return;
  opened = false;
  syncing = false;
  each.back().whole = false;
  for (auto& [name, r] : rooms) {
    r.in_step = false;
    r.held.clear();
  }
  for (auto& a : unanswered)
    a.under_way = false;
  ++reconnects;
  ++next_port;
  // The old client is the caller of this: it is replaced later.
  const auto told = std::exchange(stay_away, 0ms);
  loop.after(std::max(told, pause_before_retry), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->connect();
  });
}

void resuming_client::state::on_frame(const json& frame) {
  if (!frame.is_object() || !frame.contains("method")) return; // answers have their own handlers
  const auto method = frame.value("method", "");
  const auto& params = frame["params"];
  if (method == "session.opened")
    on_opened(params);
  else if (method == "room.available")
    on_available(params);
  else if (method == "message")
    on_message(params);
  else if (method == "session.closing")
    stay_away = std::chrono::milliseconds(params.value("reconnect_in_ms", 0));
  else if (method == "room.gap")
    complain("room.gap " + params.dump());
}

void resuming_client::state::on_opened(const json& params) {
  opened = true;
  auto& connection = each.back();
  std::set<std::string> listed;
  for (const auto& r : params["rooms"]) {
    listed.insert(r.value("room", ""));
    if (!r.value("unavailable", false)) connection.after[r.value("room", "")] = read_position(r);
  }
  for (const auto& [name, r] : rooms)
    if (!listed.contains(name)) complain("session.opened lacks " + name);
  if (!rooms.empty()) sync();
  send_next();
}

/// A room's shard is back: what came between the last sync and now was not pushed.
void resuming_client::state::on_available(const json& params) {
  const auto name = params.value("room", "");
  each.back().after[name] = read_position(params);
  const auto found = rooms.find(name);
  if (found == rooms.end()) return;
  found->second.in_step = found->second.asked = false;
  sync();
}

void resuming_client::state::on_message(const json& params) {
  const auto d = read_message(params);
  each.back().seen.push_back(d);
  const auto found = rooms.find(d.room);
  if (found == rooms.end()) return; // told before the answer to the join: `join` takes its place from that answer
  auto& view = found->second;
  if (!view.in_step)
    view.held.push_back(d);
  else if (view.last < d.at)
    accept(d); // else it came with the answer to room.sync, which was ahead of the push
}

void resuming_client::state::accept(const delivery& d) {
  auto& last = rooms[d.room].last;
  if (d.at <= last) return complain("got " + d.room + " " + std::to_string(d.at.seq) + " again");
  last = d.at;
  all.seen.push_back(d);
}

void resuming_client::state::sync() {
  if (syncing) return; // when it is answered, all that is behind then is asked for
  auto asked = json::object();
  for (auto& [name, r] : rooms) {
    if (r.in_step) continue;
    asked[name] = r.last.seq;
    r.asked = true;
  }
  if (asked.empty()) return;
  syncing = true;
  client->request("room.sync", {{"rooms", asked}}, [weak = weak_from_this(), mine = generation](const reply& r) {
    const auto self = weak.lock();
    if (!self || self->generation != mine || r.lost) return;
    auto pause = pause_before_retry;
    if (r.ok()) {
      pause = 0ms;
      for (const auto& [name, part] : r.result["rooms"].items()) {
        if (part.contains("error")) pause = pause_before_retry;
        self->on_synced(name, part);
      }
    } else if (r.code() != 503 && r.code() != 429) {
      self->complain("room.sync: " + r.error.dump());
    }
    // What is still behind (`more`, or a shard that is away) is asked for again.
    self->loop.after(pause, [weak, mine] {
      const auto again = weak.lock();
      if (!again || again->generation != mine || !again->opened) return;
      again->syncing = false;
      again->sync();
    });
  });
}

void resuming_client::state::on_synced(const std::string& room, const json& part) {
  const auto found = rooms.find(room);
  if (found == rooms.end() || !part.contains("messages")) return;
  auto& view = found->second;
  for (const auto& m : part["messages"])
    accept(read_message(m));
  if (part.value("more", false) || !view.asked) return;
  view.in_step = true;
  for (const auto& d : std::exchange(view.held, {}))
    if (view.last < d.at) accept(d); // the others came with the sync
}

void resuming_client::state::say(const std::string& room) {
  const auto n = std::to_string(++said);
  auto text = all.name + " says " + n;
  text.resize(std::max(text.size(), text_bytes), '.');
  unanswered.push_back({{room, all.name, "k" + n, std::move(text), {}}, steady::now()});
  send_next();
}

void resuming_client::state::send_next() {
  if (!opened || unanswered.empty() || unanswered.front().under_way) return;
  auto& next = unanswered.front(); // one at a time: what a person says keeps its order
  next.under_way = true;
  const auto& s = next.what;
  client->request("message.send", {{"room", s.room}, {"text", s.text}, {"key", s.key}},
                  [weak = weak_from_this(), mine = generation, key = s.key](const reply& r) {
                    if (const auto self = weak.lock(); self && self->generation == mine && !r.lost)
                      self->on_sent(key, r);
                  });
}

void resuming_client::state::on_sent(const std::string& key, const reply& r) {
  if (unanswered.empty() || unanswered.front().what.key != key) return complain("an answer to nothing: " + key);
  auto& a = unanswered.front();
  a.under_way = false;
  if (!r.ok()) {
    if (r.code() == 503) ++unavailable;
    const auto data = r.error.value("data", json::object());
    if (!data.value("retry", false)) complain("message.send: " + r.error.dump());
    const auto pause = std::chrono::milliseconds(data.value("retry_after_ms", pause_before_retry.count()));
    loop.after(pause, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->send_next();
    });
    return;
  }
  a.what.at = read_position(r.result);
  slowest = std::max(slowest, steady::now() - a.first);
  answered.push_back(std::move(a.what));
  unanswered.pop_front();
  send_next();
}

void resuming_client::state::tick() {
  if (interval == 0ms || over) return;
  if (unanswered.empty() && !rooms.empty()) {
    auto room = rooms.begin();
    std::advance(room, static_cast<std::ptrdiff_t>(talk_turn++ % rooms.size()));
    say(room->first);
  }
  loop.after(interval, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick();
  });
}

resuming_client::resuming_client(client_loop& loop, std::string user, std::vector<std::uint16_t> ports)
    : loop_(loop), state_(std::make_shared<state>(loop, std::move(user), std::move(ports))) {
  loop_.run([this] { state_->connect(); });
}

resuming_client::~resuming_client() {
  loop_.run([this] {
    state_->over = true;
    state_->client.reset();
  });
}

const std::string& resuming_client::user() const { return state_->all.name; } // never changes

bool resuming_client::in_step() const {
  bool result = false;
  loop_.run([&] {
    result = state_->opened &&
             std::all_of(state_->rooms.begin(), state_->rooms.end(), [](const auto& r) { return r.second.in_step; });
  });
  return result;
}

void resuming_client::join(const std::string& room) {
  if (!eventually([this] { return in_step(); })) throw std::runtime_error(user() + " cannot connect");
  auto joined = std::make_shared<std::promise<std::string>>();
  auto done = joined->get_future();
  // Registered when the answer is there and before the next frame is read: no push is missed.
  loop_.post([s = state_, room, joined] {
    s->client->request("room.join", {{"room", room}}, [s, room, joined](const reply& r) {
      if (!r.ok()) return joined->set_value(r.lost ? "connection lost" : r.error.dump());
      const auto now = read_position(r.result);
      s->rooms[room].last = now;
      s->all.after[room] = now;
      s->each.back().after[room] = now;
      joined->set_value({});
    });
  });
  if (done.wait_for(patience) != std::future_status::ready) throw std::runtime_error("no answer to room.join " + room);
  if (const auto why = done.get(); !why.empty()) throw std::runtime_error(user() + " cannot join " + room + ": " + why);
}

void resuming_client::say(const std::string& room) {
  loop_.post([s = state_, room] { s->say(room); });
}

void resuming_client::talk(std::chrono::milliseconds interval, std::size_t text_bytes) {
  loop_.post([s = state_, interval, text_bytes] {
    s->text_bytes = text_bytes;
    const auto silent = s->interval == 0ms;
    s->interval = interval;
    if (silent) s->tick();
  });
}

void resuming_client::fall_silent() {
  loop_.post([s = state_] { s->interval = 0ms; });
}

namespace {

/// Reads a value that belongs to the loop's thread.
template <class F>
auto read_on(client_loop& loop, F read) {
  decltype(read()) value{};
  loop.run([&] { value = read(); });
  return value;
}

} // namespace

std::size_t resuming_client::unanswered() const {
  return read_on(loop_, [this] { return state_->unanswered.size(); });
}

std::size_t resuming_client::acknowledged() const {
  return read_on(loop_, [this] { return state_->answered.size(); });
}

std::size_t resuming_client::reconnects() const {
  return read_on(loop_, [this] { return state_->reconnects; });
}

std::size_t resuming_client::unavailable() const {
  return read_on(loop_, [this] { return state_->unavailable; });
}

std::chrono::milliseconds resuming_client::slowest_answer() const {
  return read_on(loop_, [this] { return std::chrono::duration_cast<std::chrono::milliseconds>(state_->slowest); });
}

std::vector<std::string> resuming_client::complaints() const {
  return read_on(loop_, [this] { return state_->complaints; });
}

std::vector<sending> resuming_client::sendings() const {
  return read_on(loop_, [this] {
    auto result = state_->answered;
    for (const auto& a : state_->unanswered)
      result.push_back(a.what);
    return result;
  });
}

reader resuming_client::merged() const {
  return read_on(loop_, [this] { return state_->all; });
}

std::vector<reader> resuming_client::connections() const {
  return read_on(loop_, [this] { return state_->each; });
}

position resuming_client::last(const std::string& room) const {
  return read_on(loop_, [&] {
    const auto found = state_->rooms.find(room);
    return found == state_->rooms.end() ? position{} : found->second.last;
  });
}

} // namespace starling::test
