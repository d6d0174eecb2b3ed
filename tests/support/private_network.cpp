#include "tests/support/private_network.hpp"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "tests/support/child_process.hpp"

namespace starling::test {

namespace {

/// The interface inside each namespace.
constexpr const char* inside = "eth0";

/// `ip` with these words; throws with what it said if it fails.
void ip(std::vector<std::string> words) {
  words.insert(words.begin(), "ip");
  run_or_throw(words);
}

} // namespace

std::optional<std::string> private_network::refusal() {
  if (geteuid() != 0) return "this takes root";
  try {
    const private_network trial({"t"});
  } catch (const std::exception& e) {
    return e.what();
  }
  return std::nullopt;
}

private_network::private_network(std::vector<std::string> names)
    : names_(std::move(names)), tag_(std::to_string(getpid())), subnet_(getpid() % 250 + 1) {
  try {
    make();
  } catch (...) {
    remove();
    throw;
  }
}

private_network::~private_network() { remove(); }

void private_network::make() {
  const auto bridge = "stb" + tag_;
  ip({"link", "add", bridge, "type", "bridge"});
  ip({"address", "add", outside() + "/24", "dev", bridge});
  ip({"link", "set", bridge, "up"});
  for (const auto& name : names_) {
    const auto space = namespace_of(name);
    ip({"netns", "add", space});
    ip({"link", "add", port_of(name), "type", "veth", "peer", "name", inside, "netns", space});
    ip({"link", "set", port_of(name), "master", bridge, "up"});
    ip({"-n", space, "address", "add", address_of(name) + "/24", "dev", inside});
    ip({"-n", space, "link", "set", "lo", "up"});
    ip({"-n", space, "link", "set", inside, "up"});
  }
}

/// What is not there is no reason to complain: it may be half made.
void private_network::remove() {
  try {
    for (const auto& name : names_) {
      run({"ip", "link", "delete", port_of(name)});
      run({"ip", "netns", "delete", namespace_of(name)});
    }
    run({"ip", "link", "delete", "stb" + tag_});
  } catch (const std::exception&) { // no `ip`: then nothing was made
  }
}

std::size_t private_network::place_of(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) throw std::runtime_error("no namespace for " + name);
  return static_cast<std::size_t>(found - names_.begin());
}

/// Of 198.18.0.0/15, which is set aside for tests of networks (RFC 2544).
std::string private_network::address(std::size_t place) const {
  return "198.18." + std::to_string(subnet_) + "." + std::to_string(place);
}

std::string private_network::address_of(const std::string& name) const { return address(place_of(name) + 2); }
std::string private_network::namespace_of(const std::string& name) const { return "starling-" + tag_ + "-" + name; }
std::string private_network::file_of(const std::string& name) const { return "/run/netns/" + namespace_of(name); }

/// The bridge's end; the kernel allows 15 characters.
std::string private_network::port_of(const std::string& name) const {
  return "st" + tag_ + "." + std::to_string(place_of(name));
}

std::vector<std::string> private_network::enter(const std::string& name) const {
  return {"nsenter", "--net=" + file_of(name)};
}

void private_network::unplug(const std::string& name) { ip({"link", "set", port_of(name), "down"}); }
void private_network::plug(const std::string& name) { ip({"link", "set", port_of(name), "up"}); }

void private_network::lose(const std::string& from, const std::string& to) {
  ip({"-n", namespace_of(from), "neighbour", "replace", address_of(to), "lladdr", "02:00:00:00:00:01", "dev", inside,
      "nud", "permanent"});
}

void private_network::carry(const std::string& from, const std::string& to) {
  ip({"-n", namespace_of(from), "neighbour", "delete", address_of(to), "dev", inside});
}

} // namespace starling::test
