#pragma once

#include <memory>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "net/client_stream.hpp"
#include "net/services.hpp"

namespace starling::net {

/// Pages of the console that one node serves at once; beyond: HTTP 503. Each may ask other processes.
inline constexpr std::size_t console_pages_max = 16;

/// Is there a place for one more page? It is taken until the pointer's last copy is gone.
std::shared_ptr<void> take_console_place(services& uses);

/// Serves a page of the console whose upgrade request has been read, and that may come in. It keeps itself alive until
/// it has ended. Called on the socket's strand.
///
/// The node begins, with {"proved":true}, or when access is by token with {"prove":true}: then the page has to send
/// what proves it, first. From there page and node take turns: what the page asks meanwhile waits in the socket.
std::weak_ptr<tracked> start_console_socket(std::shared_ptr<services> uses, client_stream socket, registry::seat seat,
                                            boost::beast::http::request<boost::beast::http::empty_body> request,
                                            std::shared_ptr<void> place);

} // namespace starling::net
