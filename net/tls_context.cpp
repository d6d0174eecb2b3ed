#include "net/tls_context.hpp"

#include <cstring>
#include <new>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "actors/log.hpp"

namespace starling::net {

namespace {

std::string complain(const char* option, const std::string& file) {
  return std::string(option) + ": " + file + ": " + take_tls_reason();
}

/// A key with a password is refused: nobody is there to be asked for it.
int no_password(char*, int, int, void*) { return 0; }

void configure(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // A silent connection holds no buffers; one that talks reads a whole record by one system call.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY); // a read looks at one record
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_passwd_cb(context, no_password);
}

std::string time_text(const ASN1_TIME* when) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  ASN1_TIME_print(out.get(), when);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

void warn_of_dates(const X509* certificate, const std::string& file) {
  const auto* begins = X509_get0_notBefore(certificate);
  const auto* ends = X509_get0_notAfter(certificate);
  if (X509_cmp_current_time(ends) < 0)
    log::warn("tls.certificate_expired", "file={} ended=\"{}\"", file, time_text(ends));
  if (X509_cmp_current_time(begins) > 0)
    log::warn("tls.certificate_not_yet_valid", "file={} begins=\"{}\"", file, time_text(begins));
}

} // namespace

void tls_context::release::operator()(ssl_ctx_st* what) const { SSL_CTX_free(what); }

tls_context::loaded tls_context::load(const client_tls_settings& files) {
  ERR_clear_error();
  auto* made = SSL_CTX_new(TLS_server_method());
  if (!made) return "node.tls: " + take_tls_reason();
  auto context = std::make_shared<const tls_context>(made);
  configure(made);
  if (SSL_CTX_use_certificate_chain_file(made, files.certificate.c_str()) != 1)
    return complain("node.tls.certificate", files.certificate);
  if (SSL_CTX_use_PrivateKey_file(made, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return complain("node.tls.key", files.key); // also if it is another certificate's
  warn_of_dates(SSL_CTX_get0_certificate(made), files.certificate);
  return context;
}

ssl_st* tls_context::connect() const {
  auto* made = SSL_new(context_.get());
  if (!made) throw std::bad_alloc();
  SSL_set_accept_state(made);
  return made;
}

std::string take_tls_reason() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "not what it should be";
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "not what it should be";
}

} // namespace starling::net
