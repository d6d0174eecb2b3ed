#include "net/redis_reply.hpp"

#include <hiredis/hiredis.h>

namespace starling::net {

redis_value to_value(const redisReply& reply, unsigned depth) {
  switch (reply.type) {
  case REDIS_REPLY_INTEGER:
    return std::int64_t{reply.integer};
  case REDIS_REPLY_STRING:
  case REDIS_REPLY_STATUS:
    return std::string(reply.str, reply.len);
  case REDIS_REPLY_ERROR:
    return redis_value::error{{reply.str, reply.len}};
  case REDIS_REPLY_ARRAY: {
    if (depth == reply_depth_max) return redis_value::error{"ERR the answer nests too deeply"};
    redis_value::array items;
    items.reserve(reply.elements);
    for (std::size_t i = 0; i < reply.elements; ++i)
      items.push_back(to_value(*reply.element[i], depth + 1));
    return items;
  }
  default:
    return {};
  }
}

} // namespace starling::net
