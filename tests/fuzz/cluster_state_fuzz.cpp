#include "chat/cluster_state.hpp"
#include "tests/fuzz/demand.hpp"

// What a master reads from its state file, and a node from its table file or from the master.

using namespace starling;
using namespace starling::fuzz;

namespace {

/// Checks that what was taken is written such that it is taken again, as the same; returns whether it was taken.
template <class T>
bool check(std::string_view text) {
  const auto read = T::decode(text);
  if (auto* why = std::get_if<std::string>(&read)) {
    demand(!why->empty(), "what is refused is complained about");
    return false;
  }
  const auto again = T::decode(std::get<T>(read).encode());
  demand(again == read, "what is written again reads the same");
  return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  if (!check<cluster_state>(text)) check<slot_table>(text);
  return 0;
}
