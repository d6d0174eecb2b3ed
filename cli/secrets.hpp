#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace starling::cli {

/// Where a secret may be: in a file or in the environment. Never on the command line, which every user of the machine
/// can read.
struct secret_source {
  std::string_view what;   // "the cluster's token", for messages
  std::string_view option; // "cluster.token_file" or "--key-file", for messages: what names the file
  std::string file;        // empty: look into the environment
  const char* variable;    // "STARLING_CLUSTER_TOKEN"
};

struct secret {
  std::string text;
};

struct secret_error {
  std::string why; // for people, with the file or what to do; without the secret
};

/// Returns the first line of the file, else the variable's value. Neither is an error that says what to do.
///
/// A file that others than its owner may read is used, with a warning in the log; root's may be readable by a group.
std::variant<secret, secret_error> read_secret(const secret_source& source);

/// The same, but neither is an empty secret.
std::variant<secret, secret_error> read_optional_secret(const secret_source& source);

/// The same as `read_secret`, but the whole file, as keys in PEM have several lines. For a public key `is_public`
/// spares the warning.
std::variant<secret, secret_error> read_pem(const secret_source& source, bool is_public);

} // namespace starling::cli
