#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string_view>

#include "chat/admission.hpp"
#include "chat/settings.hpp"
#include "net/address_places.hpp"
#include "net/client_address.hpp"
#include "net/door_rules.hpp"
#include "net/http.hpp"
#include "net/refused_opens.hpp"
#include "net/registry.hpp"

namespace starling::net {

struct traffic;

/// Who may come in, and how many at once: what a listener asks before it spends anything on a client. Counts whom it
/// turns away. Used from any thread.
class door {
public:
  door(door_rules rules, const limits& bounds, traffic& counts);

  /// The place of a connection that was accepted. A proxy's is of nobody until it says for whom it is; nothing: its
  /// address has too many.
  std::optional<address_places::place> admit(const ip_address& peer);

  /// The answer to a request that a proxy forwards for an address that has too many connections; nothing if it may be.
  /// From then on the connection counts for that address.
  std::optional<http_answer> refuse_forwarded(registry::seat& seat, const ip_address& peer,
                                              std::string_view forwarded_for);

  /// The answer to an upgrade that may not be. `client`: nobody, if a proxy sends it for nobody.
  std::optional<http_answer> refuse_upgrade(const std::optional<ip_address>& client, std::string_view origin,
                                            std::string_view host);

  /// A session was not opened, by a bad token.
  void note_refused(const std::optional<ip_address>& client);
  /// May this address not open a session for now, having been refused too many?
  bool bars(const std::optional<ip_address>& client);

  /// Asks to open a session. Returns nothing if it may be, else how long the client is to stay away.
  std::optional<milliseconds> put_off();

private:
  const door_rules rules_;
  const proxy_list proxies_;
  traffic& counts_;
  address_places places_;
  refused_opens refused_;
  std::mutex mutex_;
  admission opens_;
};

} // namespace starling::net
