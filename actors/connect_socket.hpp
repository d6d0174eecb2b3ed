#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <caf/expected.hpp>
#include <caf/io/network/native_socket.hpp>

namespace starling {

/// How long the transport waits for a connection that `reach` has just found possible.
constexpr std::chrono::seconds connect_patience{2};

/// Connects to an address by TCP and waits for it, no longer than `patience`: CAF's own function for this waits until
/// the kernel gives up, for minutes, and a process cannot end meanwhile. `address`: of IP, as `reach` has found it.
/// Returns the connected socket, which is the caller's, or `sec::cannot_connect_to_node` with the reason.
caf::expected<caf::io::network::native_socket> connect_socket(const std::string& address, std::uint16_t port,
                                                              std::chrono::seconds patience);

} // namespace starling
