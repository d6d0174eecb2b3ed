#pragma once

#include <memory>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "net/client_stream.hpp"
#include "net/services.hpp"

namespace starling::net {

using upgrade_request = boost::beast::http::request<boost::beast::http::empty_body>;

/// Makes a WebSocket of a connection whose upgrade request has been read; `rest` is what came behind it.
/// It keeps itself alive until it has ended. Called on the socket's strand.
std::weak_ptr<tracked> start_websocket(std::shared_ptr<services> uses, client_stream stream, registry::seat seat,
                                       const upgrade_request& request, const boost::beast::flat_buffer& rest);

/// Bytes of the object behind one connection, for a test that keeps it small.
std::size_t websocket_object_bytes();

} // namespace starling::net
