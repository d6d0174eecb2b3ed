#pragma once

#include <chrono>

#include <caf/actor_system_config.hpp>
#include <caf/io/middleman_actor.hpp>

#include "chat/settings.hpp"

namespace starling {

/// A connection between processes on which nothing comes, or no answer, is ended after `link_silence`, by a look each
/// `link_beat`; those that stand when a process ends have as long.
constexpr std::chrono::milliseconds link_beat{500};
constexpr std::chrono::seconds link_silence{2};

/// Loads CAF's middleman, which carries messages between processes, in a form that tells of strangers: connections to a
/// port of this process on which something was said, and that end before the process at the other end was let in. They
/// bring no certificate of the cluster's, or do not speak CAF's protocol. CAF itself closes them without a word.
///
/// They are counted (`actor_counters::strangers`), and logged as "cluster.stranger", once a second at most.
///
/// With `tls` all connections are by mutual TLS; its files are read for each, so that they may be replaced.
void load_transport(caf::actor_system_config& config, const cluster_tls_settings& tls);

/// Connects to other processes and publishes for them: by TLS if the system was configured so. Of systems with
/// `load_transport` only.
caf::io::middleman_actor transport(caf::actor_system& system);

} // namespace starling
