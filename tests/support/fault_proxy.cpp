#include "tests/support/fault_proxy.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <future>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>

#include "tests/support/child_process.hpp"
#include "tests/support/fault_link.hpp"

namespace starling::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using fault::link;

namespace {

/// Sockets that this thread makes from now on are those of that namespace; one that was made before stays where it is.
void enter(const std::string& network_namespace) {
  if (network_namespace.empty()) return;
  const int file = open(network_namespace.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = file >= 0 && setns(file, CLONE_NEWNET) == 0;
  const auto why = errno;
  if (file >= 0) close(file);
  if (!done) throw std::system_error(why, std::generic_category(), "setns " + network_namespace);
}

} // namespace

struct fault_proxy::impl {
  impl(const std::string& host, std::uint16_t to, fault_proxy_options options)
      : server(asio::ip::make_address_v4(host), to) {
    common.options = options;
    for (int attempts_left = 5; !acceptor.is_open(); --attempts_left) { // somebody may take the port before us
      port = server_port();
      try {
        listen();
      } catch (const std::system_error&) {
        if (attempts_left == 1) throw;
      }
    }
    std::promise<void> entered;
    auto has_entered = entered.get_future();
    thread = std::thread([this, &entered] {
      try {
        enter(common.options.network_namespace);
      } catch (...) {
        return entered.set_exception(std::current_exception());
      }
      entered.set_value();
      context.run();
    });
    try {
      has_entered.get();
    } catch (...) {
      thread.join();
      throw;
    }
  }

  ~impl() {
    context.stop();
    thread.join();
    common.links.clear();
  }

  /// Runs `what` on the proxy's thread; its result, or what it throws.
  template <class F>
  auto run(F what) {
    return asio::post(context, std::packaged_task<decltype(what())()>(std::move(what))).get();
  }

  void listen();
  void accept();
  void admit(admission how);
  /// What ends meanwhile goes from the set under way.
  std::vector<std::shared_ptr<link>> links() const { return {common.links.begin(), common.links.end()}; }
  void choose_and_go_on();

  const tcp::endpoint server;
  std::uint16_t port = 0;
  fault::rules common; // used by the thread alone, as all that follows
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  tcp::acceptor acceptor{context};
  bool resets_newcomers = false;
  std::thread thread;
};

void fault_proxy::impl::listen() {
  tcp::acceptor made(context, tcp::v4(), fault::unshared_socket());
  made.set_option(asio::socket_base::reuse_address(true));
  made.bind({asio::ip::address_v4::loopback(), port});
  made.listen();
  made.non_blocking(true);
  acceptor = std::move(made);
  accept();
}

void fault_proxy::impl::accept() {
  acceptor.async_wait(tcp::acceptor::wait_read, [this](error_code closed) {
    if (closed) return;
    // Asio's own accept would let the processes that the test starts inherit the socket.
    for (int made; (made = ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      ++common.counts.accepted;
      tcp::socket client(context, tcp::v4(), made);
      if (resets_newcomers || common.links.size() >= common.options.connections_max) {
        fault::abort(client);
        continue;
      }
      const auto fresh = std::make_shared<link>(common, context.get_executor(), std::move(client));
      common.links.insert(fresh);
      fresh->connect(server);
    }
    accept();
  });
}

void fault_proxy::impl::admit(admission how) {
  resets_newcomers = how == admission::reset;
  if (how == admission::refuse)
    acceptor.close();
  else if (!acceptor.is_open())
    listen();
}

void fault_proxy::impl::choose_and_go_on() {
  for (const auto& each : links()) {
    each->choose();
    each->go_on();
  }
}

fault_proxy::fault_proxy(const std::string& host, std::uint16_t port, fault_proxy_options options)
    : impl_(std::make_unique<impl>(host, port, options)) {}

fault_proxy::~fault_proxy() = default;

std::uint16_t fault_proxy::port() const { return impl_->port; }

void fault_proxy::inject(const faults& what) {
  impl_->run([&] {
    impl_->common.of = {what, what};
    impl_->choose_and_go_on();
  });
}

void fault_proxy::inject(flow where, const faults& what) {
  impl_->run([&] {
    impl_->common.of[where == flow::to_server ? 0 : 1] = what;
    impl_->choose_and_go_on();
  });
}

void fault_proxy::only(predicate chosen) {
  impl_->run([&] {
    impl_->common.chosen = std::move(chosen);
    impl_->choose_and_go_on();
  });
}

void fault_proxy::admit(admission how) {
  impl_->run([&] { impl_->admit(how); });
}

std::size_t fault_proxy::reset() {
  return impl_->run([&] {
    std::size_t ended = 0;
    for (const auto& each : impl_->links()) {
      if (!each->is_chosen()) continue;
      each->reset();
      ++ended;
    }
    return ended;
  });
}

void fault_proxy::heal() {
  impl_->run([&] {
    impl_->common.of = {};
    impl_->common.chosen = {};
    impl_->admit(admission::serve);
    impl_->choose_and_go_on();
  });
}

fault_proxy_counts fault_proxy::counts() const {
  return impl_->run([&] {
    auto now = impl_->common.counts;
    now.open = impl_->common.links.size();
    for (const auto& each : impl_->common.links)
      now.chosen += each->is_chosen() ? 1 : 0;
    return now;
  });
}

} // namespace starling::test
