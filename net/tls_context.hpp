#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "chat/settings.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace starling::net {

/// The certificate that clients are shown, and how TLS is spoken to them. Never changed once it is made: a renewed
/// certificate is another one of these, which connections take that come later.
///
/// TLS 1.2 and 1.3. No session is resumed: a ticket is good on the node that gave it only, and a client that comes back
/// mostly comes to another; and its key would be as old as the process, which is older than anybody should keep one.
class tls_context {
public:
  using loaded = std::variant<std::shared_ptr<const tls_context>, std::string>;

  /// Reads both files of `node.tls`. The error names the option and the file. A certificate that has expired, or is not
  /// valid yet, is used, with a warning in the log: clients that check it tell their users more than a node that is
  /// not there.
  static loaded load(const client_tls_settings& files);

  explicit tls_context(ssl_ctx_st* made) : context_(made) {}

  /// A server's side of a new connection; the caller frees it.
  ssl_st* connect() const;

private:
  struct release {
    void operator()(ssl_ctx_st* what) const;
  };
  std::unique_ptr<ssl_ctx_st, release> context_;
};

/// The reason that stands first in this thread's queue of OpenSSL's errors, in words; the queue is empty afterwards.
std::string take_tls_reason();

} // namespace starling::net
