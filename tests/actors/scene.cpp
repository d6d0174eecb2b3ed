#include "scene.hpp"

#include <algorithm>

#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include "actors/log.hpp"
#include "actors/trace.hpp"
#include "chat/codec.hpp"

namespace scene_test {
namespace {

/// The payload of an unmasked text frame (RFC 6455, 5.2).
std::string_view payload_of(std::string_view bytes) {
  auto length = static_cast<unsigned char>(bytes.at(1)) & 0x7f;
  return bytes.substr(length == 127 ? 10 : length == 126 ? 4 : 2);
}

} // namespace

// -- screen ----------------------------------------------------------------------------------------------------------

void screen::push(const frame& what, frame_kind) {
  if (holds_ > 0)
    held_.push_back(what);
  else
    push_now(what);
}

void screen::release(const frame& first, const frame& place) {
  REQUIRE(holds_ > 0);
  auto kept = place ? std::find(held_.begin(), held_.end(), place) : held_.end();
  if (first && kept != held_.end())
    *kept = first;
  else if (first)
    push_now(first);
  if (--holds_ > 0) return;
  for (auto& what : std::exchange(held_, {}))
    if (!what->empty()) push_now(what);
}

void screen::keep_place(const frame& place) {
  if (holds_ > 0) held_.push_back(place);
}

void screen::push_now(const frame& what) {
  REQUIRE(what);
  if (!closed) frames.push_back(json::parse(payload_of(*what)));
}

void screen::close(close_code code, std::string_view) {
  if (!closed) closed = code;
}

// -- person ----------------------------------------------------------------------------------------------------------

person::person(scene& stage, site& where, user_id user) : scene_(stage) {
  where.screens.push_back(screen_);
  port_ = where.sessions->open({std::move(user), {}, {}}, screen_, true);
}

int person::ask(const std::string& method, const json& params) {
  auto text = json{{"jsonrpc", "2.0"}, {"id", ++last_id_}, {"method", method}, {"params", params}}.dump();
  auto frame = decode(text, scene_.settings.limits);
  submission what{{}, std::make_shared<replies>(frame.items.size(), frame.batch), tracer::stamp()};
  for (auto& item : frame.items) {
    REQUIRE(std::holds_alternative<request>(item));
    what.requests.push_back(std::move(std::get<request>(item)));
  }
  port_->submit(std::move(what));
  return last_id_;
}

json person::answer_to(int id) const {
  json found;
  for (auto& one : screen_->frames) {
    if (!one.contains("id") || one["id"] != id) continue;
    REQUIRE(found.is_null()); // each is answered once
    found = one;
  }
  return found;
}

json person::call(const std::string& method, const json& params) {
  auto id = ask(method, params);
  scene_.settle();
  auto answer = answer_to(id);
  INFO(method << " " << params);
  REQUIRE_FALSE(answer.is_null());
  return answer;
}

json person::get(const std::string& method, const json& params) {
  auto answer = call(method, params);
  INFO(answer);
  REQUIRE(answer.contains("result"));
  return answer["result"];
}

std::uint64_t person::say(const room_id& room, const std::string& text) {
  return get("message.send", {{"room", room}, {"text", text}})["seq"];
}

void person::hang_up() {
  port_.reset();
  scene_.settle();
}

std::vector<json> person::heard(const std::string& method) const {
  std::vector<json> result;
  for (auto& one : screen_->frames)
    if (one.value("method", "") == method) result.push_back(one["params"]);
  return result;
}

texts person::heard_in(const room_id& room) const {
  texts result;
  for (auto& one : heard("message"))
    if (one["room"] == room) result.push_back(one["text"]);
  return result;
}

numbers person::seqs_in(const room_id& room) const {
  numbers result;
  for (auto& one : heard("message"))
    if (one["room"] == room) result.push_back(one["seq"]);
  return result;
}

std::optional<bool> person::told_online(const user_id& user) const {
  std::optional<bool> result;
  for (auto& one : heard("presence"))
    if (one["user"] == user) result = one["online"].get<bool>();
  return result;
}

// -- site ------------------------------------------------------------------------------------------------------------

site::site(scene& stage, const std::string& name) : sessions(std::make_shared<node_gateway>(stage.system)) {
  node_options options;
  options.settings = stage.settings;
  options.settings.name = name;
  options.incarnation = 1;
  options.fan = std::make_shared<loop_fan_out>();
  options.sessions = sessions;
  options.status = status;
  options.make_link = [this, &stage](const shard_settings& shard) -> std::shared_ptr<redis_link> {
    if (stage.before_link) stage.before_link(shard);
    auto post = [&stage](std::function<void()> work) { stage.posted.push_back(std::move(work)); };
    auto made = net::make_memory_link(stage.servers.at(shard.name), post, stage.scripts);
    links_[shard.name] = made;
    ++links_made;
    return made;
  };
  options.evict = [this](close_code code, const std::string& reason) {
    evictions.push_back(reason);
    for (auto& one : screens)
      if (auto alive = one.lock()) alive->close(code, reason);
  };
  self = stage.system.spawn(node, std::move(options));
}

std::shared_ptr<net::memory_link> site::link(const std::string& shard) {
  auto found = links_[shard].lock();
  REQUIRE(found);
  return found;
}

void site::fail_all() {
  for (auto& [shard, one] : links_)
    link(shard)->fail("cut off");
}

void site::recover_all() {
  for (auto& [shard, one] : links_)
    link(shard)->recover();
}

// -- scene -----------------------------------------------------------------------------------------------------------

scene::scene()
    : scripts(std::make_shared<const net::script_set>(net::script_set::embedded())), system(cfg),
      sched(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())),
      table_(make_slot_table({{"s1", "memory:1", 1}, {"s2", "memory:2", 1}})) {
  log::configure({"text", "off", {}, {}}); // failures are what these tests are about
  for (auto* name : {"s1", "s2", "s3"})
    servers[name] = std::make_shared<net::memory_server>([this] { return now_ms; });
  a = std::make_unique<site>(*this, "a");
  b = std::make_unique<site>(*this, "b");
  use(table_);
}

scene::~scene() {
  for (auto* one : {a.get(), b.get()}) {
    caf::anon_send_exit(one->self, caf::exit_reason::user_shutdown);
    one->self = nullptr;
  }
  settle();
  // Sessions of those who have not hung up go with their last handles; what waits for a time never comes.
  sched.clock().cancel_all();
  a.reset();
  b.reset();
  settle();
}

bool scene::run_posted() {
  if (posted.empty()) return false;
  auto work = std::move(posted.front());
  posted.pop_front();
  work();
  return true;
}

void scene::run(std::size_t which) {
  if (which < sched.jobs.size()) return run_actor(sched, which);
  std::swap(posted.front(), posted[which - sched.jobs.size()]);
  run_posted();
}

void scene::settle() {
  do
    run_actors();
  while (run_posted());
}

void scene::pass(milliseconds time) {
  constexpr auto step = 100ms;
  for (; time > 0ms; time -= step) {
    now_ms += step.count();
    sched.advance_time(step);
    settle();
  }
}

person scene::enter(site& where, const user_id& user) {
  person who(*this, where, user);
  settle();
  REQUIRE(who.heard("session.opened").size() == 1);
  return who;
}

room_id scene::room_on(const std::string& shard, const std::string& salt) const {
  for (int i = 0;; ++i) {
    auto id = "room" + salt + std::to_string(i);
    if (table_.shards()[table_.shard_index_of(slot_of(room_key(id)))].name == shard) return id;
  }
}

user_id scene::user_on(const std::string& shard, const std::string& salt) const {
  for (int i = 0;; ++i) {
    auto id = salt + std::to_string(i);
    if (table_.shards()[table_.shard_index_of(slot_of(user_key(id)))].name == shard) return id;
  }
}

void scene::use(const slot_table& table) {
  table_ = table;
  auto shared = std::make_shared<const slot_table>(table);
  for (auto* one : {a.get(), b.get()})
    caf::anon_send(one->self, use_table{shared});
  settle();
}

room_actor scene::room_at(site& where, const room_id& room, const user_id& member) {
  constexpr session_number nobody = UINT64_MAX;
  caf::scoped_actor asker(system);
  auto asked = asker->request(where.self, caf::infinite, attend{room, member, nobody, std::make_shared<screen>(), {}});
  settle();
  room_actor result;
  asked.receive([&](const attended& seat) { result = seat.room; },
                [](const caf::error& error) { FAIL(caf::to_string(error)); });
  caf::anon_send(result, leave_seat{room, nobody});
  settle();
  return result;
}

} // namespace scene_test
