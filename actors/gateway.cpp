#include "actors/gateway.hpp"

namespace starling {
namespace {

class session_handle : public session_port {
public:
  session_handle(session_actor actor, std::shared_ptr<flow_count> under_way, std::size_t under_way_max)
      : actor_(std::move(actor)), under_way_(std::move(under_way)), under_way_max_(under_way_max) {}

  ~session_handle() override { caf::anon_send(actor_, connection_ended{}); }

  bool submit(submission what) override {
    auto count = what.requests.size();
    auto now = under_way_->fetch_add(count) + count;
    caf::anon_send(actor_, std::move(what));
    return now < under_way_max_;
  }

private:
  session_actor actor_;
  std::shared_ptr<flow_count> under_way_;
  std::size_t under_way_max_;
};

/// Stands where no session could be started; the connection is being closed.
class no_session : public session_port {
public:
  bool submit(submission) override { return false; }
};

} // namespace

std::unique_ptr<session_port> node_gateway::open(identity who, std::shared_ptr<client> sink, bool announce) {
  std::unique_lock lock(mutex_);
  auto options = options_;
  auto number = ++last_;
  lock.unlock();
  if (!options) {
    sink->close(close_code::overloaded, "this node is not ready");
    return std::make_unique<no_session>();
  }
  auto under_way = std::make_shared<flow_count>(0);
  auto actor = system_.spawn(session, options, std::move(who), number, std::move(sink), under_way);
  if (announce) caf::anon_send(actor, open_unasked{});
  return std::make_unique<session_handle>(std::move(actor), std::move(under_way), options->limits.requests_in_flight);
}

void node_gateway::set_options(std::shared_ptr<const session_options> options) {
  std::lock_guard lock(mutex_);
  options_ = std::move(options);
}

} // namespace starling
