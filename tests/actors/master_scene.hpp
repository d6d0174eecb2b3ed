#pragma once

#include <filesystem>

#include <unistd.h>

#include <caf/event_based_actor.hpp>
#include <catch2/catch.hpp>

#include "actors/master.hpp"
#include "actors/proof.hpp"
#include "actors/state_file.hpp"
#include "stepped_system.hpp"

namespace master_test {

using namespace starling;
using namespace std::chrono_literals;

inline const std::string token = "a token for tests";

/// A folder that is gone after the test.
class folder {
public:
  folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "starling-master-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

/// What a member was told, and what the master answered to it last.
struct told {
  std::vector<cluster_view> views;
  std::optional<caf::error> error;
  std::optional<challenge> from;
  std::optional<joined> entered;
  std::optional<beat_answer> heard;
};

struct say {
  caf::message what;
  std::shared_ptr<told> into;
  master_actor to;
};

/// Asks the master by hand, and takes its pushes.
using hand = member_actor::extend<caf::reacts_to<say>>;

} // namespace master_test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(master_test::say)

namespace master_test {

inline hand::behavior_type by_hand(hand::pointer self, std::shared_ptr<told> record) {
  return {
      [record](const cluster_view& view) { record->views.push_back(view); },
      [self](say& what) {
        auto into = what.into;
        auto fail = [into](const caf::error& e) { into->error = e; };
        auto is = [&](auto tag) { return what.what.match_elements<decltype(tag)>(); };
        if (is(hello{})) {
          self->request(what.to, 5s, what.what.get_as<hello>(0)).then([into](challenge& c) { into->from = c; }, fail);
        } else if (is(join{})) {
          self->request(what.to, 5s, what.what.get_as<join>(0)).then([into](joined& j) { into->entered = j; }, fail);
        } else if (is(beat{})) {
          self->request(what.to, 5s, what.what.get_as<beat>(0)).then([into](beat_answer& a) { into->heard = a; }, fail);
        } else {
          self->request(what.to, 5s, what.what.get_as<leave>(0)).then([] {}, fail);
        }
      },
  };
}

/// A master under a clock that the test moves, without threads or sockets.
class scene : public stepped_system {
public:
  scene() {
    settings.state_file = files / "master.json";
    settings.shards = {{"s1", "redis://h:1", 1}, {"s2", "redis://h:2", 1}};
  }
  ~scene() { stop(); }

  /// Returns why it does not start.
  std::string start() {
    auto made = prepare_master(settings, token);
    if (auto* why = std::get_if<std::string>(&made)) return *why;
    picture = std::get<master_start>(made).picture;
    master = system.spawn(starling::master, std::get<master_start>(std::move(made)));
    sched.run();
    return {};
  }
  void stop() {
    caf::anon_send_exit(master, caf::exit_reason::kill);
    master = nullptr;
    for (auto& [name, who] : hands)
      caf::anon_send_exit(who.first, caf::exit_reason::kill);
    hands.clear();
    sched.run();
  }
  void pass(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 100ms) {
      sched.advance_time(100ms);
      sched.run();
    }
  }

  /// The record of the node's side; made at the first use.
  std::shared_ptr<told> of(const std::string& name) {
    auto& who = hands[name];
    if (!who.first) {
      who.second = std::make_shared<told>();
      who.first = system.spawn(by_hand, who.second);
    }
    return who.second;
  }
  template <class Message>
  std::shared_ptr<told> ask(const std::string& name, Message what) {
    auto record = of(name);
    record->error.reset();
    caf::anon_send(hands[name].first, say{caf::make_message(std::move(what)), record, master});
    sched.run();
    return record;
  }
  std::shared_ptr<told> enter(const std::string& name, std::uint64_t incarnation, const std::string& table = {},
                              const std::string& secret = token) {
    auto record = ask(name, hello{cluster_protocol_version, cluster_schema(), settings.cluster.id});
    REQUIRE(record->from);
    node_entry node{name, incarnation, "ws://" + name + "/ws"};
    record->entered.reset();
    return ask(name, join{node, record->from->nonce, make_proof(secret, join_parts(record->from->nonce, node)), "n",
                          table, member_actor(hands[name].first)});
  }
  static slot_table table_of(const std::string& text) {
    auto result = slot_table::decode(text);
    REQUIRE(std::holds_alternative<slot_table>(result));
    return std::get<slot_table>(result);
  }
  cluster_state saved() {
    auto text = read_state_file(settings.state_file);
    REQUIRE(std::holds_alternative<std::string>(text));
    auto result = cluster_state::decode(std::get<std::string>(text));
    REQUIRE(std::holds_alternative<cluster_state>(result));
    return std::get<cluster_state>(result);
  }
  std::vector<shard_entry> shards() const { return {{"s1", "redis://h:1", 1}, {"s2", "redis://h:2", 1}}; }

  folder files;
  master_settings settings;
  master_actor master;
  std::shared_ptr<cluster_picture> picture;
  std::map<std::string, std::pair<hand, std::shared_ptr<told>>> hands;
};

inline refusal refused(const std::shared_ptr<told>& record) {
  REQUIRE(record->error);
  auto result = to_refusal(*record->error);
  REQUIRE(result);
  return *result;
}

} // namespace master_test
