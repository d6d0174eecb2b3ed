#pragma once

#include <memory>
#include <string>

#include "net/tls_context.hpp"
#include "web_fixture.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace starling::net::test {

/// Files of config/test-ca, made once for all tests: certificates of "one" and "two".
client_tls_settings certificate_of(const std::string& name);
/// The same, loaded.
std::shared_ptr<const tls_context> context_of(const std::string& name);

/// What a client of TLS is to be.
struct tls_dial {
  int version_max = 0;          // as OpenSSL numbers them; 0: the newest
  int receive_buffer_bytes = 0; // 0: the system's; small, to be a slow reader
  bool byte_by_byte = false;    // what it sends
};

/// A `raw_client` that speaks TLS by OpenSSL, and is otherwise as impolite as the test wants.
class tls_client : public raw_client {
public:
  explicit tls_client(std::uint16_t port, tls_dial how = {});
  ~tls_client() override;

  /// True if it succeeded.
  bool shake_hands();
  /// The first message of a handshake, not sent.
  std::string hello();
  void send(std::string_view bytes) override;
  /// TLS 1.3: from now on it encrypts by new keys, and asks the server to do so; so many times, and in one write with
  /// what goes `behind`.
  void update_keys(int times = 1, std::string_view behind = {});
  /// Says that it will send no more.
  void end_sending();
  /// Has the server said so?
  bool server_has_ended() const;
  /// CN of the certificate that the server has shown.
  std::string shown() const;

protected:
  bool read_more() override;

private:
  struct release {
    void operator()(ssl_st* what) const;
    void operator()(ssl_ctx_st* what) const;
  };
  std::string take_out();
  void flush();
  bool fill();

  bool byte_by_byte_;
  std::unique_ptr<ssl_ctx_st, release> context_;
  std::unique_ptr<ssl_st, release> ssl_;
};

/// A server that speaks TLS, with the certificate of "one".
struct tls_server : server {
  explicit tls_server(limits bounds = {}, console_port console = {});
  std::uint64_t refused(refusal why) { return front().counts().refused[static_cast<std::size_t>(why)]; }
};

/// A client whose session is open.
struct guest : tls_client {
  explicit guest(tls_server& s, const std::string& user = "ann", tls_dial how = {});
};

} // namespace starling::net::test
