#include "chat/redis_denial.hpp"

#include <string_view>

namespace starling {

bool is_denied(const redis_value::error& error) {
  std::string_view what = error.text;
  return what.starts_with("NOPERM") || what.starts_with("ERR The user executing the script can't") || // Redis 7.0
         what.starts_with("ERR ACL failure in script");                                               // from 7.2 on
}

} // namespace starling
