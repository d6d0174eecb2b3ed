#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/node.hpp"
#include "net/memory_link.hpp"
#include "random_order.hpp"
#include "stepped_system.hpp"

/// Whole nodes without threads, sockets or sleeps: CAF's test scheduler runs the actors, a Redis in this process
/// answers their scripts, and the time is what the test says it is.
namespace scene_test {

using namespace starling;
using namespace std::chrono_literals;
using nlohmann::json;
using numbers = std::vector<std::uint64_t>;
using texts = std::vector<std::string>;

/// What a connection would have written, frame by frame.
class screen : public client {
public:
  void push(const frame& what, frame_kind kind) override;
  void hold() override { ++holds_; }
  void release(const frame& first, const frame& place) override;
  void keep_place(const frame& place) override;
  void push_now(const frame& what) override;
  void close(close_code code, std::string_view reason) override;
  void resume_reading() override { ++resumed; }

  std::vector<json> frames;
  std::optional<close_code> closed; // nothing is written after that
  std::size_t resumed = 0;

private:
  std::size_t holds_ = 0;
  std::vector<frame> held_;
};

class loop_fan_out : public fan_out {
public:
  void push(const std::vector<client*>& to, const frame& what, frame_kind kind) override {
    for (auto* one : to)
      one->push(what, kind);
  }
};

class scene;
class site;

/// A user at one connection.
class person {
public:
  person(scene& stage, site& where, user_id user);
  person(person&&) = default;

  /// Sends a request without waiting for anything; returns its id.
  int ask(const std::string& method, const json& params);
  /// The frame that answers a request; null if it is not answered yet.
  json answer_to(int id) const;
  /// Sends a request, lets everything that follows happen without time passing, and returns the answer's frame.
  json call(const std::string& method, const json& params);
  /// The same for what must succeed; returns the result.
  json get(const std::string& method, const json& params);
  /// Says something in a room; returns its seq.
  std::uint64_t say(const room_id& room, const std::string& text);
  /// As the end of its life does, but what follows has happened when it returns.
  void hang_up();
  /// The same, but nothing has happened yet.
  void disconnect() { port_.reset(); }
  /// Neither hung up nor closed by the server.
  bool connected() const { return port_ && !closed(); }

  /// Notifications of a method, in order.
  std::vector<json> heard(const std::string& method) const;
  texts heard_in(const room_id& room) const;
  numbers seqs_in(const room_id& room) const;
  /// What was told last of a watched user; nothing if nothing was.
  std::optional<bool> told_online(const user_id& user) const;
  bool closed() const { return screen_->closed.has_value(); }
  std::optional<close_code> close_reason() const { return screen_->closed; }
  const std::shared_ptr<screen>& window() const { return screen_; }

private:
  scene& scene_;
  std::shared_ptr<screen> screen_ = std::make_shared<screen>();
  std::unique_ptr<session_port> port_;
  int last_id_ = 0;
};

/// A node with what stands around it.
class site {
public:
  site(scene& stage, const std::string& name);

  /// The link to a shard, for its faults.
  std::shared_ptr<net::memory_link> link(const std::string& shard);
  bool has_links() const { return !links_.empty(); }
  void fail_all();
  void recover_all();

  node_actor self;
  std::shared_ptr<node_gateway> sessions;
  std::shared_ptr<node_status> status = std::make_shared<node_status>();
  std::vector<std::weak_ptr<screen>> screens;
  std::vector<std::string> evictions; // reasons
  std::size_t links_made = 0;

private:
  friend class scene;
  std::map<std::string, std::weak_ptr<net::memory_link>> links_;
};

/// Two nodes, "a" and "b", and two shards, "s1" and "s2".
class scene : public stage {
public:
  scene();
  ~scene() override;

  /// Runs actors and links until none has anything to do; no time passes.
  void settle();
  std::size_t ready() const override { return sched.jobs.size() + posted.size(); }
  void run(std::size_t which) override;
  /// One thing that a link has to do, as calls that reach Redis; false if there is none.
  bool run_posted();
  void run_actors() { sched.run(); }
  void pass(milliseconds time);

  person enter(site& where, const user_id& user);
  /// A room's id whose log is on the shard, and a user whose list of rooms is; `salt` makes others.
  room_id room_on(const std::string& shard, const std::string& salt = {}) const;
  user_id user_on(const std::string& shard, const std::string& salt) const;
  void use(const slot_table& table);
  /// The actor of a room at a site, as a member finds it.
  room_actor room_at(site& where, const room_id& room, const user_id& member);

  std::int64_t now_ms = 1'700'000'000'000;
  node_settings settings;
  std::map<std::string, std::shared_ptr<net::memory_server>> servers;
  std::deque<std::function<void()>> posted;
  std::shared_ptr<const net::script_set> scripts;
  /// Called before a link is made; may throw.
  std::function<void(const shard_settings&)> before_link;
  stepped_system::config cfg; // behind what links use until they have ended
  caf::actor_system system;
  caf::scheduler::test_coordinator& sched;
  std::unique_ptr<site> a, b;

private:
  slot_table table_;
};

} // namespace scene_test
