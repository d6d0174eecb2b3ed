#include "cli/console/cluster.hpp"

#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include "actors/inspector_hub.hpp"

namespace starling::cli {
namespace {

// The hub's own patience ends first and says why; this is for a hub that says nothing at all.
constexpr milliseconds join_patience{3'000}, ask_patience{900};

class console_config : public caf::actor_system_config {
public:
  explicit console_config(const cluster_tls_settings& tls) {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", 1u);
    configure_middleman(*this, tls);
  }
};

} // namespace

struct console_cluster::parts {
  explicit parts(console_identity who) : identity(std::move(who)) {}
  ~parts() {
    leave();
    io.stop();
    thread.join();
  }

  void leave() {
    if (hub) caf::anon_send_exit(hub, caf::exit_reason::user_shutdown);
    hub = nullptr;
  }

  const console_identity identity;
  console_config config{identity.tls};
  boost::asio::io_context io;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread{[this] { io.run(); }};
  inspector_hub_actor hub;
};

console_cluster::console_cluster(console_identity who) : parts_(std::make_unique<parts>(std::move(who))) {}

console_cluster::~console_cluster() = default;

const std::string& console_cluster::operator_name() const { return parts_->identity.operator_name; }

std::optional<std::string> console_cluster::join(const host_port& first, bool is_master) {
  auto& identity = parts_->identity;
  inspector_link_options links;
  links.cluster = identity.cluster;
  links.token = identity.token;
  links.operator_name = identity.operator_name;
  links.admin = identity.admin;
  links.io = &parts_->io;
  // A node says its name when it is joined.
  inspected_process who{is_master ? "master" : "node", is_master ? "master" : "", 0, {}};
  parts_->leave();
  parts_->hub = parts_->system.spawn(inspector_hub, inspector_hub_options{make_links(parts_->system, std::move(links)),
                                                                          {{who, {first, is_master, {}}}}});
  std::optional<std::string> trouble;
  parts_->self->request(parts_->hub, join_patience, hub_join{})
      .receive([](const hub_joined&) {},
               [&](const caf::error& why) { trouble = describe_link_error(parts_->system, why); });
  if (trouble) parts_->leave();
  return trouble;
}

std::vector<process_answer> console_cluster::ask(const std::string& command, const nlohmann::json& arguments,
                                                 std::string_view role, std::string_view process,
                                                 const own_arguments& own) {
  std::vector<process_answer> answers;
  if (!parts_->hub) return answers;
  hub_ask what{command, arguments.dump(), std::string(role), std::string(process), {}};
  for (auto& [name, its_own] : own)
    what.own[name] = its_own.dump();
  parts_->self->request(parts_->hub, ask_patience, std::move(what))
      .receive(
          [&](hub_answer& all) {
            for (auto& one : all.processes)
              answers.push_back({std::move(one.from), nlohmann::json::parse(one.result, nullptr, false), one.error});
          },
          [&](const caf::error& why) {
            answers.push_back({{"console", "hub", 0, {}}, {}, describe_link_error(parts_->system, why)});
          });
  return answers;
}

} // namespace starling::cli
