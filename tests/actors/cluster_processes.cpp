#include "cluster_processes.hpp"

namespace cluster_test {
namespace {

class nobody : public fan_out {
public:
  void push(const std::vector<client*>&, const frame&, frame_kind) override {}
};

} // namespace

// -- master_process --------------------------------------------------------------------------------------------------

master_process::master_process(master_start start, network& net) : picture_(start.picture) {
  self_ = system.spawn(starling::master, std::move(start));
  net.publish(this, caf::actor_cast<caf::strong_actor_ptr>(self_));
}

master_process::~master_process() {
  caf::anon_send_exit(self_, caf::exit_reason::kill);
  self_ = nullptr;
  run_down();
}

// -- node_process ----------------------------------------------------------------------------------------------------

node_process::node_process(node_plan plan, network& net, shard_servers& servers) : plan_(std::move(plan)) {
  node_options options;
  options.settings.cluster = plan_.cluster;
  options.settings.name = plan_.entry.name;
  options.incarnation = plan_.entry.incarnation;
  options.fan = std::make_shared<nobody>();
  options.sessions = std::make_shared<node_gateway>(system);
  options.status = status_;
  status_->set_incarnation(options.incarnation); // as it will say itself, once it has run
  options.evict = [this](close_code, const std::string&) { ++evictions_; };
  options.make_link = [this, &servers](const shard_settings& shard) -> std::shared_ptr<redis_link> {
    auto& server = servers.by_name[shard.name];
    if (!server) server = std::make_shared<net::memory_server>(servers.clock);
    return net::make_memory_link(
        server, [this](std::function<void()> work) { post(std::move(work)); }, servers.scripts);
  };
  self_ = system.spawn(node, std::move(options));
  auto world = net.world_of(*this, plan_.next_incarnation, plan_.seed);
  transport_ = world.transport;
  member_ = system.spawn(membership, membership_options{plan_.cluster, cluster_token, plan_.entry, plan_.table_file,
                                                        std::move(world), member_listener(self_), status_});
}

node_process::~node_process() {
  caf::anon_send_exit(member_, caf::exit_reason::kill);
  caf::anon_send_exit(transport_, caf::exit_reason::kill);
  caf::anon_send_exit(self_, caf::exit_reason::user_shutdown);
  member_ = nullptr;
  transport_ = nullptr;
  self_ = nullptr;
  run_down();
}

void node_process::leave() {
  leaving_ = true;
  caf::anon_send(member_, leave_cluster{});
}

} // namespace cluster_test
