#include "net/console.hpp"

#include "chat/address.hpp"
#include "net/origin.hpp"

namespace starling::net {
namespace {

http_answer forbidden(std::string why) { return {403, "text/plain; charset=utf-8", why + "\n", {}, {}}; }

} // namespace

bool is_console_path(std::string_view path) {
  if (!path.starts_with("/console")) return false;
  auto rest = path.substr(8);
  return rest.empty() || rest.front() == '/' || rest.front() == '.' || rest.front() == '_';
}

std::optional<http_answer> refuse_visit(console_access access, const console_visit& who) {
  if (access == console_access::off) return http_answer{404, "text/plain; charset=utf-8", "no such page\n", {}, {}};
  if (access == console_access::token) return std::nullopt;
  constexpr const char* by_token = "; to let in whoever knows the cluster's token, set inspect.web = \"token\"";
  if (!who.from_loopback)
    return forbidden(
        std::string("the console is for this machine only (inspect.web = \"loopback\"): reach it by ssh -L") +
        by_token);
  // Behind a proxy everybody comes from this machine.
  if (who.forwarded)
    return forbidden(std::string("the console is not for proxies (inspect.web = \"loopback\")") + by_token);
  // A page of a stranger, in a browser of this machine, has another origin; or a name of its own that it has let point
  // to this machine.
  if (!is_loopback(host_of(who.host)))
    return forbidden("the console must be asked for as localhost or 127.0.0.1 (inspect.web = \"loopback\"), not as " +
                     std::string(who.host));
  if (!who.origin.empty() && !is_own_page(who.origin, who.host))
    return forbidden("the console is not for pages of others (inspect.web = \"loopback\"): this one is from " +
                     std::string(who.origin));
  return std::nullopt;
}

} // namespace starling::net
