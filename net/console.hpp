#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

/// The console as a web page: what it needs of others, and who may see it. How it talks: net/console_socket.hpp.
namespace starling::net {

/// What is behind one open page.
class console_session {
public:
  virtual ~console_session() = default;
  /// Answers `what`, JSON as the page sends it, exactly once and within a second or so; from any thread.
  virtual void ask(std::string what, std::function<void(std::string)> answer) = 0;
};

enum class console_access { off, loopback, token };

struct console_port {
  console_access access = console_access::off;
  /// Is this first message of a page the proof that it may see the cluster? Only asked when access is by token.
  std::function<bool(std::string_view)> proves;
  /// Called with the address of the peer, when it may.
  std::function<std::unique_ptr<console_session>(std::string)> open;
};

/// What the rules look at of a request.
struct console_visit {
  std::string_view host, origin; // headers; empty: there is none
  bool forwarded = false;        // by a proxy that says so
  bool from_loopback = false;    // the peer's address
};

/// Is this one of the console's own paths?
bool is_console_path(std::string_view path);

/// The answer to who may not come in, which says the setting that would let them; nothing to who may. With access by
/// token everybody may come this far.
std::optional<http_answer> refuse_visit(console_access access, const console_visit& who);

} // namespace starling::net
