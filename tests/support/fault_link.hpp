#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/support/fault_proxy.hpp"

/// What a `fault_proxy` is made of; all of it belongs to its thread.
namespace starling::test::fault {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using steady_clock = std::chrono::steady_clock;

/// A TCP socket that no process started by the test inherits: that would hold on to connections which end here.
int unshared_socket();
/// Ends a connection by RST.
void abort(tcp::socket& socket);

class link;

inline constexpr std::size_t read_bytes_max = 16 * 1024;

/// What all connections have in common.
struct rules {
  fault_proxy_options options;
  std::array<faults, 2> of{}; // by direction
  fault_proxy::predicate chosen;
  fault_proxy_counts counts;
  std::set<std::shared_ptr<link>> links;

  flow_counts& counted(flow where) { return where == flow::to_server ? counts.to_server : counts.to_client; }
};

/// One direction of a connection: reads what is sent, holds it as long as the faults say, writes it.
class pump {
public:
  pump(link& owner, flow where, const asio::any_io_executor& on, tcp::socket& from, tcp::socket& to)
      : owner_(owner), where_(where), from_(from), to_(to), due_(on) {}

  /// Does what can be done: called when something has come, or the faults have changed.
  void go_on();
  /// The other direction has found the sender gone.
  void sender_is_gone();
  /// Forgets what is held.
  void drop();
  bool is_over() const { return told_; }

private:
  enum class ending { none, fin, reset };
  struct piece {
    steady_clock::time_point came;
    std::string bytes;
    std::size_t written = 0;
  };

  bool may_go(steady_clock::time_point came);
  void write();
  bool write_some(piece& from, std::size_t bytes_max);
  void receiver_is_gone();
  void tell_end();
  void read();
  void take(std::size_t bytes);
  void on_read(error_code failed, std::size_t bytes);

  link& owner_;
  const flow where_;
  tcp::socket& from_;
  tcp::socket& to_;
  asio::steady_timer due_;
  std::array<char, read_bytes_max> buffer_{};
  std::deque<piece> held_;
  std::size_t held_bytes_ = 0;
  ending end_ = ending::none; // of the sender
  steady_clock::time_point end_came_;
  bool told_ = false; // the receiver has heard of it
  bool reading_ = false;
  bool waiting_ = false;   // until the receiver takes more, or for the next turn
  bool to_nobody_ = false; // the receiver has gone: what comes is thrown away
};

/// A connection of a client, and the one to the server that was made for it.
class link : public std::enable_shared_from_this<link> {
public:
  link(rules& common, const asio::any_io_executor& on, tcp::socket client)
      : common_(common), client_(std::move(client)),
        server_(on), pumps_{pump(*this, flow::to_server, on, client_, server_),
                            pump(*this, flow::to_client, on, server_, client_)} {
    choose();
  }

  void connect(const tcp::endpoint& server);
  void go_on();
  void choose();
  void reset();
  void end_if_over();

  bool is_chosen() const { return chosen_; }
  bool is_over() const { return over_; }
  rules& common() { return common_; }
  const faults& of(flow where) const;
  pump& across(flow where) { return pumps_[where == flow::to_server ? 1 : 0]; }
  void client_sent(std::string_view bytes);

private:
  void end();

  rules& common_;
  tcp::socket client_;
  tcp::socket server_;
  std::array<pump, 2> pumps_;
  std::string first_bytes_;
  bool chosen_ = false;
  bool connected_ = false;
  bool over_ = false;
};

} // namespace starling::test::fault
