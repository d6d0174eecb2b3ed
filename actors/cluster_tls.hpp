#pragma once

#include <string>

#include "chat/settings.hpp"

namespace starling {

/// Looks into the files of `cluster.tls`: can they be read, is the key the certificate's, is the certificate signed by
/// the authority, and not expired? Returns what is wrong, in a line with the option and the file; empty: nothing, or
/// TLS is off.
std::string why_bad(const cluster_tls_settings& tls);

} // namespace starling
