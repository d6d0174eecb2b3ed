#include "actors/errors.hpp"

#include <caf/atom.hpp>
#include <caf/make_message.hpp>
#include <caf/sec.hpp>

#include "actors/actor_record.hpp"

namespace starling {
namespace {

constexpr auto category = caf::atom("starling");

} // namespace

caf::error make_error(client_error why) {
  note_error_here(describe(why.code).text);
  auto code = static_cast<std::uint8_t>(why.code);
  return {code, category, caf::make_message(std::move(why.text), std::move(why.param))};
}

client_error to_client_error(const caf::error& error) {
  if (error.category() != category) return {errc::unavailable, {}, {}, 0};
  client_error result{static_cast<errc>(error.code()), {}, {}, 0};
  if (error.context().match_elements<std::string, std::string>()) {
    result.text = error.context().get_as<std::string>(0);
    result.param = error.context().get_as<std::string>(1);
  }
  return result;
}

} // namespace starling
