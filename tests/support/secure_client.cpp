#include "tests/support/secure_client.hpp"

#include <stdexcept>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "tests/support/chat_client.hpp"

namespace starling::test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

asio::ssl::context trusting(const std::string& ca) {
  asio::ssl::context made(asio::ssl::context::tls_client);
  made.load_verify_file(ca);
  made.set_verify_mode(asio::ssl::verify_peer);
  return made;
}

} // namespace

struct secure_client::impl {
  explicit impl(const std::string& ca) : context(trusting(ca)), stream(io, context) {}

  auto& tls() { return stream.next_layer(); }

  /// Starts something with a handler, and waits for its end.
  template <class Start>
  void wait(const char* what, Start start) {
    bool done = false;
    error_code failed;
    start([&](error_code why, auto&&...) {
      done = true;
      failed = why;
    });
    io.restart();
    io.run_for(patience);
    if (!done) throw std::runtime_error(std::string(what) + ": no end");
    if (failed) throw std::runtime_error(std::string(what) + ": " + failed.message());
  }

  asio::io_context io{1};
  asio::ssl::context context;
  beast::websocket::stream<asio::ssl::stream<tcp::socket>> stream;
  beast::flat_buffer buffer;
  std::uint64_t last_id = 0;
};

secure_client::secure_client(std::uint16_t port, const std::string& ca) : impl_(std::make_unique<impl>(ca)) {
  const tcp::endpoint where{asio::ip::address_v4::loopback(), port};
  impl_->wait("connecting", [&](auto then) { impl_->tls().next_layer().async_connect(where, then); });
  impl_->wait("TLS", [&](auto then) { impl_->tls().async_handshake(asio::ssl::stream_base::client, then); });
}

secure_client::~secure_client() = default;

std::string secure_client::shown() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(impl_->tls().native_handle()),
                                                                X509_free);
  char name[100] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
  return name;
}

http_reply secure_client::get(const std::string& target) {
  http::request<http::empty_body> request{http::verb::get, target, 11};
  request.set(http::field::host, "127.0.0.1");
  request.keep_alive(false);
  http::response<http::string_body> answer;
  impl_->wait("asking", [&](auto then) { http::async_write(impl_->tls(), request, then); });
  impl_->wait("the answer", [&](auto then) { http::async_read(impl_->tls(), impl_->buffer, answer, then); });
  return {static_cast<int>(answer.result_int()), {}, answer.body()};
}

void secure_client::upgrade(const std::string& target) {
  impl_->wait("the upgrade", [&](auto then) { impl_->stream.async_handshake("127.0.0.1", target, then); });
}

nlohmann::json secure_client::ask(const std::string& method, const nlohmann::json& params) {
  const auto id = ++impl_->last_id;
  const auto text = nlohmann::json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}.dump();
  impl_->wait("a request", [&](auto then) { impl_->stream.async_write(asio::buffer(text), then); });
  for (;;) {
    auto frame = read();
    if (frame.value("id", std::uint64_t{0}) != id) continue;
    if (!frame.contains("result")) throw std::runtime_error(method + ": " + frame.dump());
    return frame["result"];
  }
}

nlohmann::json secure_client::expect(const std::string& method) {
  for (;;) {
    auto frame = read();
    if (frame.value("method", "") == method) return frame["params"];
  }
}

nlohmann::json secure_client::read() {
  impl_->buffer.clear();
  impl_->wait("a frame", [&](auto then) { impl_->stream.async_read(impl_->buffer, then); });
  return nlohmann::json::parse(beast::buffers_to_string(impl_->buffer.cdata()));
}

} // namespace starling::test
