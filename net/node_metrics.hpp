#pragma once

#include <memory>

namespace prometheus {
class Collectable;
}

namespace starling::net {

/// What the directory of actors knows, by kind of actor: how many, messages handled and waiting, time in handlers; and
/// what the actors count themselves.
std::shared_ptr<prometheus::Collectable> collect_actors();

} // namespace starling::net
