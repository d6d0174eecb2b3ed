#include "actors/cluster_tls.hpp"

#include <memory>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace starling {
namespace {

template <auto free>
struct freed_by {
  template <class T>
  void operator()(T* what) const {
    free(what);
  }
};
using context = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using store_context = std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>>;

std::string complain(const char* option, const std::string& file, std::string why = {}) {
  if (why.empty()) {
    const auto code = ERR_get_error();
    const char* reason = ERR_reason_error_string(code);
    why = reason ? reason : "not what it should be";
  }
  ERR_clear_error();
  return std::string(option) + ": " + file + ": " + why;
}

/// Would the others believe this certificate? Says why not.
std::string distrust(SSL_CTX* all) {
  const store_context check(X509_STORE_CTX_new());
  X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(all), SSL_CTX_get0_certificate(all), nullptr);
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(all, &chain);
  X509_STORE_CTX_set0_untrusted(check.get(), chain);
  if (X509_verify_cert(check.get()) == 1) return {};
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()));
}

} // namespace

std::string why_bad(const cluster_tls_settings& tls) {
  if (!tls.on()) return {};
  ERR_clear_error(); // what it says of others
  const context all(SSL_CTX_new(TLS_method()));
  if (SSL_CTX_load_verify_locations(all.get(), tls.ca.c_str(), nullptr) != 1) return complain("cluster.tls.ca", tls.ca);
  if (SSL_CTX_use_certificate_chain_file(all.get(), tls.certificate.c_str()) != 1)
    return complain("cluster.tls.certificate", tls.certificate);
  if (SSL_CTX_use_PrivateKey_file(all.get(), tls.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return complain("cluster.tls.key", tls.key); // also if it is another certificate's
  if (auto why = distrust(all.get()); !why.empty())
    return complain("cluster.tls.certificate", tls.certificate, why + " (cluster.tls.ca = " + tls.ca + ")");
  return {};
}

} // namespace starling
