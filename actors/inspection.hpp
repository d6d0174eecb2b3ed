#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/meta/type_name.hpp>
#include <caf/typed_actor.hpp>

/// The whole conversation between a console and the processes of a cluster.
///
///     console                            master or node
///     console_hello                 ->                      same version, messages and cluster?
///                                   <-   console_challenge
///     console_join (proof)          ->                      from now on this console is answered
///                                   <-   console_joined (proof, and where the other processes are)
///     console_ask                           ->                      any number of times
///                                   <-   console_answer, or a refusal
///
/// What is asked and answered is JSON, so that a console may show what it does not know, and a page in a browser the
/// same as a terminal: `commands.hpp` names them all. Nothing is pushed: a console that follows something asks again.
namespace starling {

struct console_hello {
  std::uint32_t version = 0; // cluster_protocol_version
  std::uint64_t schema = 0;  // cluster_schema()
  std::string cluster;
};

struct console_challenge {
  std::string nonce; // for one `console_join`, within 10 s
};

struct console_join {
  std::string nonce;         // from the challenge
  std::string proof;         // of the cluster's token, over `console_join_parts`
  std::string console_nonce; // for the process to answer to
  std::string operator_name; // for the audit log: user@machine
  bool admin = false;        // asks for the right to change things
};

/// Another process of the cluster, as the one that was asked knows it.
struct inspected_process {
  std::string role; // "master" or "node"
  std::string name;
  std::uint64_t incarnation = 0;
  std::string inspect; // host:port of its inspector
};

struct console_joined {
  std::string proof; // over `console_joined_parts`
  inspected_process self;
  std::vector<inspected_process> others;
};

struct console_ask {
  std::string command;
  std::string arguments; // a JSON object
};

struct console_answer {
  std::string result; // a JSON object
};

/// What every process answers beside the commands for people: `{"processes": [{role, name, incarnation, inspect}]}`,
/// the others as it knows them now.
inline constexpr const char* processes_command = "processes";

/// Shows what is inside one process. Refuses (see `refusal_kind`): other_version, other_schema, other_cluster,
/// no_challenge, wrong_token; `console_ask` from anybody but a console that has joined: not_joined; unknown_command,
/// bad_request (arguments), not_admin, timed_out (an actor that was asked is busy).
using inspector_actor = caf::typed_actor<caf::replies_to<console_hello>::with<console_challenge>,
                                         caf::replies_to<console_join>::with<console_joined>,
                                         caf::replies_to<console_ask>::with<console_answer>>;

/// What the console proves the token over, and what the process does (see `make_proof`).
std::vector<std::string> console_join_parts(const console_join& what);
std::vector<std::string> console_joined_parts(const console_join& asked, const inspected_process& self);

// -- serialization: all fields, in their order ---------------------------------------------------------------------

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, console_hello& x) {
  return f(caf::meta::type_name("console_hello"), x.version, x.schema, x.cluster);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, console_challenge& x) {
  return f(caf::meta::type_name("console_challenge"), x.nonce);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, console_join& x) {
  return f(caf::meta::type_name("console_join"), x.nonce, x.proof, x.console_nonce, x.operator_name, x.admin);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, inspected_process& x) {
  return f(caf::meta::type_name("inspected_process"), x.role, x.name, x.incarnation, x.inspect);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, console_joined& x) {
  return f(caf::meta::type_name("console_joined"), x.proof, x.self, x.others);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, console_ask& x) {
  return f(caf::meta::type_name("console_ask"), x.command, x.arguments);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, console_answer& x) {
  return f(caf::meta::type_name("console_answer"), x.result);
}

} // namespace starling
