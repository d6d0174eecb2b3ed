#pragma once

#include <map>
#include <memory>
#include <mutex>

#include <boost/asio/io_context.hpp>
#include <caf/actor_system.hpp>

#include "actors/inspector_hub.hpp"
#include "chat/settings.hpp"
#include "net/console.hpp"

namespace starling::cli {

/// What the pages of the console at one node ask: hubs, one for each address that pages come from, so that it stands in
/// the audit logs of those who are asked ("web@127.0.0.1"). They only read. Any thread may use it.
class web_console : public std::enable_shared_from_this<web_console> {
public:
  /// How long a hub outlives its last page, which may only be loading again.
  static constexpr std::chrono::seconds linger{30};

  /// `io` outlives it.
  web_console(boost::asio::io_context& io, const node_settings& settings, std::string token);

  net::console_port port();
  /// Before the first page comes: the node's own inspector, by which the hubs begin.
  void start(caf::actor_system& system, inspector_actor own, std::uint64_t incarnation);
  /// No page is answered any more.
  void stop();

private:
  class page;
  struct hub {
    inspector_hub_actor actor;
    std::size_t pages = 0;
    std::uint64_t closes = 0; // tells whether a page has come and gone since a timer was set
  };

  void open(const std::string& peer);
  void close(const std::string& peer);
  void end_if_unused(const std::string& peer, std::uint64_t closes);
  void ask(const std::string& peer, const std::string& what, std::function<void(std::string)> answer);
  bool proves(std::string_view message) const;
  inspector_hub_actor spawn_hub(const std::string& peer);

  boost::asio::io_context& io_;
  const node_settings settings_;
  const std::string token_;
  std::mutex mutex_;
  caf::actor_system* system_ = nullptr; // null: not started, or stopped
  inspector_actor own_;
  std::uint64_t incarnation_ = 0;
  std::map<std::string, hub> hubs_; // as many as pages at most, and those that linger
};

} // namespace starling::cli
