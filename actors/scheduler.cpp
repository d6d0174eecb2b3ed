#include "actors/scheduler.hpp"

#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/actor_system.hpp>
#include <caf/detail/simple_actor_clock.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include "actors/turn.hpp"

namespace starling {
namespace {

namespace asio = boost::asio;

/// How much later than asked a request may time out. With it, all requests of that while share one setting of the
/// timer.
constexpr std::chrono::milliseconds request_grain{100};

/// CAF's timeouts and delayed messages on one Asio timer. CAF's own clock wakes a thread of its own for every timeout
/// that is set; here, only one that is due before all others touches the timer.
class asio_clock : public caf::detail::simple_actor_clock {
public:
  using super = caf::detail::simple_actor_clock;

  explicit asio_clock(asio::io_context& io) : timer_(io) {}

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override {
    change([&] { super::set_ordinary_timeout(t, self, type, id); });
  }
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override {
    change([&] { super::set_multi_timeout(t, self, type, id); });
  }
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override {
    const auto since = t.time_since_epoch();
    t += request_grain - since % request_grain;
    change([&] { super::set_request_timeout(t, self, id); });
  }
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override {
    change([&] { super::cancel_ordinary_timeout(self, type); });
  }
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override {
    change([&] { super::cancel_request_timeout(self, id); });
  }
  void cancel_timeouts(caf::abstract_actor* self) override {
    change([&] { super::cancel_timeouts(self); });
  }
  void schedule_message(time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) override {
    change([&] { super::schedule_message(t, std::move(receiver), std::move(content)); });
  }
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender, caf::message content) override {
    change([&] { super::schedule_message(t, std::move(target), std::move(sender), std::move(content)); });
  }
  void cancel_all() override {
    change([&] { super::cancel_all(); });
  }

  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    timer_.cancel();
    super::cancel_all();
  }

private:
  template <class Function>
  void change(Function function) {
    // Recursive: what is dropped from the schedule may be the last reference to an actor, whose end asks us again.
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    function();
    arm();
  }

  void arm() {
    if (stopped_ || schedule().empty()) return;
    auto due = schedule().begin()->first;
    if (armed_ && *armed_ <= due) return; // it may fire in vain, when that timeout was cancelled
    armed_ = due;
    timer_.expires_at(due);
    timer_.async_wait([this](boost::system::error_code ec) {
      if (ec) return; // set anew, or stopped
      std::lock_guard lock(mutex_);
      armed_.reset();
      trigger_expired_timeouts();
      arm();
    });
  }

  std::recursive_mutex mutex_;
  asio::steady_timer timer_;
  std::optional<time_point> armed_;
  bool stopped_ = false;
};

class asio_coordinator : public caf::scheduler::abstract_coordinator {
public:
  asio_coordinator(caf::actor_system& system, asio::io_context& io)
      : abstract_coordinator(system), io_(io), clock_(io) {}

  /// An actor that was made ready on one of our threads runs there, in the same turn: most of what an actor sends is
  /// the next step of one request, and costs less where its data is.
  void enqueue(caf::resumable* what) override {
    auto* here = turn::of_thread(io_);
    if (!here || !here->take(what)) post(what);
  }

  bool detaches_utility_actors() const override { return true; }
  caf::actor_clock& clock() noexcept override { return clock_; }

  void start() override {
    work_.emplace(io_.get_executor());
    for (std::size_t i = 0; i < num_workers(); ++i)
      threads_.emplace_back([this] { work(); });
    abstract_coordinator::start();
  }

  void stop() override {
    stop_actors();
    clock_.stop();
    work_.reset();
    io_.stop();
    for (auto& thread : threads_)
      thread.join();
    // What was still queued holds references to actors; they end here.
    io_.restart();
    io_.poll();
  }

private:
  /// What an actor sees of the thread that runs it.
  class unit : public caf::execution_unit {
  public:
    explicit unit(asio_coordinator& owner) : execution_unit(&owner.system()), owner_(owner) {}
    void exec_later(caf::resumable* what) override { owner_.enqueue(what); }

  private:
    asio_coordinator& owner_;
  };

  void work() {
    system().thread_started();
    unit here(*this);
    for (auto* left : turn(io_, here, max_throughput()).run())
      post(left);
    system().thread_terminates();
  }

  void post(caf::resumable* what) {
    asio::post(io_, [this, what] {
      unit here(*this);
      if (run_actor(what, here, max_throughput())) enqueue(what);
    });
  }

  asio::io_context& io_;
  asio_clock clock_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::vector<std::thread> threads_;
};

} // namespace

void use_asio_scheduler(caf::actor_system_config& config, asio::io_context& io) {
  config.module_factories.emplace_back(
      [&io](caf::actor_system& system) -> caf::actor_system::module* { return new asio_coordinator(system, io); });
}

} // namespace starling
