#pragma once

#include <caf/error.hpp>

#include "chat/error.hpp"

/// Refusals between actors are `client_error`s in the clothes of a `caf::error`.
namespace starling {

caf::error make_error(client_error why);

/// What to tell a client: our own refusals as they are, a timeout or a dead actor as "unavailable, try again".
client_error to_client_error(const caf::error& error);

} // namespace starling
