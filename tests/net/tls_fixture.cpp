#include "tls_fixture.hpp"

#include <stdexcept>
#include <variant>

#include <catch2/catch.hpp>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/support/child_process.hpp"

namespace starling::net::test {

namespace {

constexpr int patience_ms = 10'000;

/// A folder with the certificates, gone with the test program.
const std::string& certificates() {
  static const starling::test::scratch_directory folder;
  static const bool made = [] {
    starling::test::run_or_throw({STARLING_SOURCE_DIR "/config/test-ca", folder.path(), "one", "two"});
    return true;
  }();
  static_cast<void>(made);
  return folder.path();
}

} // namespace

client_tls_settings certificate_of(const std::string& name) {
  return {certificates() + "/" + name + ".pem", certificates() + "/" + name + ".key"};
}

std::shared_ptr<const tls_context> context_of(const std::string& name) {
  auto loaded = tls_context::load(certificate_of(name));
  if (auto* why = std::get_if<std::string>(&loaded)) throw std::runtime_error(*why);
  return std::get<std::shared_ptr<const tls_context>>(loaded);
}

void tls_client::release::operator()(ssl_st* what) const { SSL_free(what); }
void tls_client::release::operator()(ssl_ctx_st* what) const { SSL_CTX_free(what); }

tls_client::tls_client(std::uint16_t port, tls_dial how)
    : raw_client(port, how.receive_buffer_bytes), byte_by_byte_(how.byte_by_byte),
      context_(SSL_CTX_new(TLS_client_method())) {
  if (how.version_max != 0) {
    SSL_CTX_set_min_proto_version(context_.get(), 0);
    SSL_CTX_set_max_proto_version(context_.get(), how.version_max);
    SSL_CTX_set_security_level(context_.get(), 0); // else it would refuse itself what the server is to refuse
  }
  SSL_CTX_load_verify_locations(context_.get(), (certificates() + "/ca.pem").c_str(), nullptr);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_connect_state(ssl_.get());
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

tls_client::~tls_client() = default;

bool tls_client::shake_hands() {
  for (;;) {
    auto done = SSL_do_handshake(ssl_.get());
    auto state = SSL_get_error(ssl_.get(), done);
    flush();
    if (done == 1) return true;
    if (state != SSL_ERROR_WANT_READ || !fill()) return false;
  }
}

std::string tls_client::hello() {
  SSL_do_handshake(ssl_.get());
  return take_out();
}

void tls_client::send(std::string_view bytes) {
  if (bytes.empty()) return;
  SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  flush();
}

void tls_client::update_keys(int times, std::string_view behind) {
  for (int i = 0; i < times; ++i) {
    SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(ssl_.get());
  }
  if (!behind.empty()) SSL_write(ssl_.get(), behind.data(), static_cast<int>(behind.size()));
  flush();
}

void tls_client::end_sending() {
  SSL_shutdown(ssl_.get());
  flush();
}

bool tls_client::server_has_ended() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

std::string tls_client::shown() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_.get()), X509_free);
  char name[100] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
  return name;
}

std::string tls_client::take_out() {
  std::string bytes(BIO_ctrl_pending(SSL_get_wbio(ssl_.get())), '\0');
  if (!bytes.empty()) BIO_read(SSL_get_wbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

void tls_client::flush() {
  auto bytes = take_out();
  if (!byte_by_byte_) return raw_client::send(bytes);
  for (char byte : bytes)
    raw_client::send({&byte, 1});
}

/// Takes encrypted bytes from the socket; false if none came in time, or it has ended.
bool tls_client::fill() {
  pollfd waits{descriptor_, POLLIN, 0};
  if (::poll(&waits, 1, patience_ms) <= 0) return false;
  char bytes[65536];
  auto n = ::recv(descriptor_, bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  BIO_write(SSL_get_rbio(ssl_.get()), bytes, static_cast<int>(n));
  return true;
}

bool tls_client::read_more() {
  for (;;) {
    char bytes[16384];
    auto n = SSL_read(ssl_.get(), bytes, sizeof bytes);
    flush(); // an answer to new keys
    if (n > 0) {
      received_.append(bytes, static_cast<std::size_t>(n));
      return true;
    }
    if (SSL_get_error(ssl_.get(), n) != SSL_ERROR_WANT_READ || !fill()) return false;
  }
}

tls_server::tls_server(limits bounds, console_port console) : server(bounds, {}, std::move(console)) {
  front().use_tls(context_of("one"));
}

guest::guest(tls_server& s, const std::string& user, tls_dial how) : tls_client(s.port(), how) {
  REQUIRE(shake_hands());
  REQUIRE(has(upgrade("/ws?user=" + user), "HTTP/1.1 101"));
  REQUIRE(has(next_text(), "session.opened"));
}

} // namespace starling::net::test
