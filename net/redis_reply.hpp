#pragma once

#include "chat/redis_value.hpp"

struct redisReply;

namespace starling::net {

/// How deep arrays may nest in an answer; beyond, an error stands in the place of the array. (hiredis 0.14 takes no
/// more than this either: it ends the connection.)
inline constexpr unsigned reply_depth_max = 8;

/// Copies hiredis' reply.
redis_value to_value(const redisReply& reply, unsigned depth = 0);

} // namespace starling::net
