#pragma once

#include <optional>
#include <string_view>

#include "chat/requests.hpp"

namespace starling::net {

/// What a client proves itself by in its upgrade request: "Bearer <token>" as `authorization`, or `?token=` or `?user=`
/// in `target`, in this order. Nothing if it means to send `session.open`.
std::optional<session_open> proof_in(std::string_view authorization, std::string_view target);

} // namespace starling::net
