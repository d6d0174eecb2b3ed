#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/ports.hpp"
#include "net/services.hpp"

namespace starling::net {

class outlet;

/// What to do after a frame.
enum class verdict : std::uint8_t {
  go_on,
  pause,   // the session has enough to do: read no more until it says so
  refuse,  // too many tokens were refused: close
  bar,     // as many were refused to this address: close
  put_off, // the node opens too many sessions: close, and say when to come back
};

/// What a client says: opens its session, answers by itself what needs none, and hands on the rest.
///
/// Belongs to one connection and is used on its strand only.
class intake {
public:
  intake(services& uses, outlet& owner, const registry::seat& seat) : uses_(uses), owner_(owner), seat_(seat) {}

  /// Opens the session of a client that has proved itself by the upgrade request; it is told by `session.opened`. Or
  /// puts it off.
  verdict open(identity who);
  /// Takes a text frame.
  verdict take(std::string_view text);
  /// Tells the session that the connection has ended.
  void end() { session_.reset(); }

  bool opened() const { return session_ != nullptr; }
  /// How long a client that is put off is to stay away.
  milliseconds stays_away() const { return milliseconds{stays_away_ms_}; }
  const user_id& user() const { return user_; }
  /// When the token ends; none in mode "open" or before the session is opened.
  std::optional<std::chrono::system_clock::time_point> expires() const { return expires_; }

private:
  void take(request&& one, submission& rest);
  void open(request&& one, const session_open& what, submission& rest);
  void answer(replies& answers, std::string text);
  void refuse(const request& one, replies& answers, errc code, std::string text = {});
  bool admit();
  void adopt(const identity& who);

  services& uses_;
  outlet& owner_;
  const registry::seat& seat_;
  std::unique_ptr<session_port> session_;
  user_id user_;
  std::optional<std::chrono::system_clock::time_point> expires_;
  std::uint16_t refusals_ = 0;
  bool barred_ = false;
  std::uint32_t stays_away_ms_ = 0;
};

} // namespace starling::net
