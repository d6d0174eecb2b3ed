#pragma once

#include "chat/redis_value.hpp"

namespace starling {

/// Does Redis refuse by its ACL, be it the script itself or a command that the script calls?
bool is_denied(const redis_value::error& error);

} // namespace starling
