#include "cli/version.hpp"

namespace starling::cli {

const char* const version = STARLING_VERSION;

} // namespace starling::cli
