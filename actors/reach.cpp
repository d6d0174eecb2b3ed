#include "actors/reach.hpp"

#include <memory>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

namespace starling {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class attempt : public std::enable_shared_from_this<attempt> {
public:
  attempt(asio::io_context& io, std::function<void(reached)> done)
      : strand_(asio::make_strand(io)), resolver_(strand_), socket_(strand_), timer_(strand_), done_(std::move(done)) {}

  void start(const std::string& host, std::uint16_t port, std::chrono::milliseconds deadline) {
    auto self = shared_from_this();
    timer_.expires_after(deadline);
    asio::dispatch(strand_, [self, host, port] {
      self->timer_.async_wait([self](error_code ec) {
        if (!ec) self->finish({{}, "no answer in time"});
      });
      self->resolver_.async_resolve(host, std::to_string(port), [self](error_code ec, const auto& found) {
        if (ec) return self->finish({{}, ec.message()});
        asio::async_connect(self->socket_, found, [self](error_code failed, const tcp::endpoint& where) {
          if (failed)
            self->finish({{}, failed.message()});
          else
            self->finish({where.address().to_string(), {}});
        });
      });
    });
  }

private:
  void finish(reached what) {
    auto done = std::exchange(done_, nullptr);
    if (!done) return; // a handler that was cancelled
    timer_.cancel();
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
    done(std::move(what));
  }

  asio::strand<asio::io_context::executor_type> strand_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::function<void(reached)> done_;
};

} // namespace

void reach(asio::io_context& io, const std::string& host, std::uint16_t port, std::chrono::milliseconds deadline,
           std::function<void(reached)> done) {
  std::make_shared<attempt>(io, std::move(done))->start(host, port, deadline);
}

} // namespace starling
