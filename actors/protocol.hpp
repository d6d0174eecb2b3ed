#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>

#include "actors/ports.hpp"
#include "chat/bus.hpp"
#include "chat/slot_table.hpp"
#include "chat/store.hpp"

/// The whole conversation inside a node: every message, and who takes which. What goes between processes stands in
/// actors/cluster.hpp.
///
/// `request` and `delegate` go down (session > room > router > shard), facts go up by `send`; so no two actors can wait
/// for each other. Every request has a timeout (`timings::request`), every failure is an `errc` as `caf::error`.
namespace starling {

using session_number = std::uint64_t; // of a session on this node, rising

// -- feeds: what comes over the shards' channels -------------------------------------------------------------------

/// The channel is subscribed, for the first time or again: what was published before may have been missed.
struct feed_up {
  feed_name feed;
};
/// Published on the channel, in order.
struct feed_news {
  feed_name feed;
  std::vector<std::string> payloads;
};
/// The check of the tails found the feed here, not where the publications had left it.
struct feed_moved {
  feed_name feed;
  feed_tail now;
};
/// Nothing will come until the next `feed_up`.
struct feed_down {
  feed_name feed;
  bool shard_away = true; // false: only the subscription was lost, and will be back at once
};

/// Whoever reads feeds: a room its own, presence those of users.
using feed_reader = caf::typed_actor<caf::reacts_to<feed_up>, caf::reacts_to<feed_news>, caf::reacts_to<feed_moved>,
                                     caf::reacts_to<feed_down>>;

struct subscribe_feed {
  feed_name feed;
  feed_reader reader;
};
struct unsubscribe_feed {
  feed_name feed;
};

// -- shard ---------------------------------------------------------------------------------------------------------

using table_ptr = std::shared_ptr<const slot_table>;

/// Under this table from now on; feeds of slots that this shard does not own any more go back to the router.
struct use_table {
  table_ptr table;
};

/// What the two connections to Redis tell, passed on as they tell it (see `redis_listener`).
struct link_up {};
struct link_down {
  std::string reason;
};
struct link_cut {
  std::string reason;
};
struct link_mended {};
struct link_subscribed {
  std::vector<std::string> channels;
};
struct link_published {
  std::vector<publication> what;
};
struct link_answered {
  std::uint64_t call;
  redis_value answer;
};
struct check_tails {};

/// A shard's state, for readiness and for people.
enum class shard_state_kind : std::uint8_t {
  connecting,
  up,
  deaf, // commands are carried out, but the subscriptions are being made anew
  down,
  foreign, // this Redis belongs to another shard or cluster: nothing is read or written
};
struct shard_report {
  std::string name;
  std::string address;
  shard_state_kind state = shard_state_kind::connecting;
  std::string detail; // why it is down, whose it is if foreign
};

/// Speaks for one Redis instance.
using shard_actor = caf::typed_actor<
    // Runs a script; answers also with Redis' own errors and "UNAVAILABLE ...", never late: `redis_settings::answer`.
    caf::replies_to<script_call>::with<redis_value>, caf::reacts_to<subscribe_feed>, caf::reacts_to<unsubscribe_feed>,
    caf::reacts_to<use_table>, caf::reacts_to<link_up>, caf::reacts_to<link_down>, caf::reacts_to<link_cut>,
    caf::reacts_to<link_mended>, caf::reacts_to<link_subscribed>, caf::reacts_to<link_published>,
    caf::reacts_to<link_answered>, caf::reacts_to<check_tails>>;

// -- router --------------------------------------------------------------------------------------------------------

/// A script to be run on a shard by name, not by slot: leases.
struct shard_call {
  std::string shard;
  script_call call;
};
/// Tells this actor of every table and of every change of a shard's state, from now on and once at the start.
struct shard_watch;

/// Maps keys to slots to shards, and hands over what it is given.
using router_actor = caf::typed_actor<
    // Delegates to the shard of `script_call::key`.
    caf::replies_to<script_call>::with<redis_value>, caf::replies_to<shard_call>::with<redis_value>,
    caf::reacts_to<subscribe_feed>, caf::reacts_to<unsubscribe_feed>, caf::reacts_to<use_table>,
    // From a shard: passed on to those who watch.
    caf::reacts_to<shard_report>, caf::reacts_to<shard_watch>>;

/// Whoever wants to know about tables and shards.
using shard_watcher = caf::typed_actor<caf::reacts_to<use_table>, caf::reacts_to<shard_report>>;

struct shard_watch {
  shard_watcher who;
};

// -- room ----------------------------------------------------------------------------------------------------------

/// What is pushed to a client ahead of all else that comes from a room.
struct first_words {
  frame greeting;                  // may be null
  std::optional<seq_number> since; // what came after this
  bool tail = false;               // `room.available`: the client could not be told before where the log ends
};
/// A session takes its seat in a room; its client gets the room's messages from then on.
struct attend {
  room_id room;
  user_id user;
  session_number session = 0;
  std::shared_ptr<client> sink;
  first_words words;
  std::optional<room_description> known = std::nullopt; // as the shard has just told the user; nothing: not asked
  frame place = nullptr; // is kept in the client's outbox when the seat is taken: where the answer to the client goes
};
/// The seat is taken, or was there: what comes after `description.tail` is pushed behind `attend::place`, and nothing
/// else is.
struct attended;

/// Also from sessions that have asked for a seat and do not know yet whether they have it; then by way of the node.
struct leave_seat {
  room_id room;
  session_number session = 0;
};
struct room_post {
  message_send what;
  user_id from;
};
/// Something to be told to the members that is in no log: dropped while the shard is away.
struct typing_here {
  user_id user;
};
struct read_here {
  user_id user;
  seq_number seq = 0;
};
struct who_is_here {};

/// What a room tells itself later.
struct who_timeout {
  std::uint64_t number = 0;
};
struct retry_repair {};
struct end_if_idle {};
/// From the node: it has forgotten this room actor, nobody can reach it any more.
struct room_forgotten {};

/// One room on this node.
using room_actor = caf::typed_actor<
    // Refuses: no_such_room (also to those who are no members), unavailable.
    caf::replies_to<attend>::with<attended>, caf::reacts_to<leave_seat>,
    // Appends to the log; the answer is the script's (see `read_appended`).
    caf::replies_to<room_post>::with<redis_value>, caf::reacts_to<typing_here>, caf::reacts_to<read_here>,
    // Members with a session anywhere in the cluster, in byte order.
    caf::replies_to<who_is_here>::with<std::vector<user_id>>, caf::reacts_to<who_timeout>, caf::reacts_to<feed_up>,
    caf::reacts_to<feed_news>, caf::reacts_to<feed_moved>, caf::reacts_to<feed_down>, caf::reacts_to<retry_repair>,
    caf::reacts_to<end_if_idle>, caf::reacts_to<room_forgotten>>;

struct attended {
  room_description description;
  room_actor room;
};

// -- session -------------------------------------------------------------------------------------------------------

/// A room is new among the user's; without a hint: the list of rooms is at this version now, there may be new ones.
struct rooms_changed {
  std::optional<room_hinted> hint;
  std::uint64_t version = 0;
};
/// The actor of a room has failed (a bug): those who sat in it cannot know what they have missed.
struct room_failed {
  room_id room;
};
/// The user has been removed from a room, or has left it: the seat is gone.
struct seat_lost {
  user_id user;
  room_id room;
};
/// The connection has ended.
struct connection_ended {};
/// Open without a request: from the connection's address or header.
struct open_unasked {};
/// Try again to attend the rooms whose shards were away.
struct retry_rooms {};
/// An operator sends the client away (4009).
struct session_kicked {
  std::string reason; // for the client
};
/// Tokens of the user that were issued up to this unix second are refused (4001).
struct session_revoked {
  std::int64_t until_s = 0;
};

/// One authenticated connection.
using session_actor =
    caf::typed_actor<caf::reacts_to<open_unasked>, caf::reacts_to<submission>, caf::reacts_to<rooms_changed>,
                     caf::reacts_to<seat_lost>, caf::reacts_to<room_failed>, caf::reacts_to<retry_rooms>,
                     caf::reacts_to<session_kicked>, caf::reacts_to<session_revoked>, caf::reacts_to<connection_ended>>;

// -- presence ------------------------------------------------------------------------------------------------------

struct session_begins {
  user_id user;
  session_number session = 0;
  session_actor handle;
};
/// The answer to `session_begins`.
struct session_known {};
struct session_ends {
  user_id user;
  session_number session = 0;
};
struct watch_users {
  session_number session = 0;
  std::shared_ptr<client> sink;
  std::vector<user_id> users;
};
struct unwatch_users {
  session_number session = 0;
  std::vector<user_id> users;
};
struct get_users {
  std::vector<user_id> users;
};
/// From an operator: send away the sessions of a user on this node.
struct kick_user {
  user_id user;
  std::string reason;   // for the client
  bool dry_run = false; // only count
};
struct kicked_user {
  std::size_t sessions = 0;
};
/// What presence tells itself later.
struct renew_leases {};
struct grace_over {
  user_id user;
};
struct flush_presence {};

/// Who is connected to this node, who watches whom, and the node's leases.
using presence_actor = caf::typed_actor<
    // Answered when the user's channel is subscribed, so that no hint is lost from then on; refuses: unavailable.
    caf::replies_to<session_begins>::with<session_known>, caf::reacts_to<session_ends>,
    // Answers in the order asked; refuses: unavailable, conflict (too many watches: nothing has changed).
    caf::replies_to<watch_users>::with<std::vector<user_presence>>, caf::reacts_to<unwatch_users>,
    caf::replies_to<get_users>::with<std::vector<user_presence>>,
    // Sessions that are open, or that wait to be.
    caf::replies_to<kick_user>::with<kicked_user>,
    // From rooms, for the user's sessions here; from the node, for all sessions.
    caf::reacts_to<seat_lost>, caf::reacts_to<room_failed>, caf::reacts_to<feed_up>, caf::reacts_to<feed_news>,
    caf::reacts_to<feed_moved>, caf::reacts_to<feed_down>, caf::reacts_to<use_table>, caf::reacts_to<shard_report>,
    caf::reacts_to<renew_leases>, caf::reacts_to<grace_over>, caf::reacts_to<flush_presence>>;

// -- node ----------------------------------------------------------------------------------------------------------

/// A room actor has no seats and has handled this many `attend`s: may it end?
struct room_idle {
  room_id room;
  std::uint64_t attends = 0;
};
/// Another worker node, as the master told of it.
struct cluster_node {
  std::string name;
  std::uint64_t incarnation = 0;
  std::string url;     // where clients connect
  std::string inspect; // where a console connects
};
struct nodes_changed {
  std::vector<cluster_node> nodes; // this one included
  bool master_reachable = false;
};
/// The cluster has declared this node dead: it goes on under a new incarnation, and its clients must come anew.
struct begin_incarnation {
  std::uint64_t incarnation = 0;
};
/// From an operator: end this actor as if it had failed, so that it is started anew.
struct restart_child {
  std::string kind;     // router, presence, room
  std::string name;     // of the room
  bool dry_run = false; // only look
};
struct child_restarts {
  std::string refused; // why not, in a sentence; empty: it is on its way
};
/// What the node tells itself later.
struct restart_children {};

/// Starts and restarts everything of a node, and knows which rooms are active on it.
using node_actor =
    caf::typed_actor<caf::replies_to<attend>::with<attended>, caf::reacts_to<leave_seat>, caf::reacts_to<room_idle>,
                     caf::reacts_to<use_table>, caf::reacts_to<shard_report>, caf::reacts_to<nodes_changed>,
                     caf::reacts_to<begin_incarnation>, caf::reacts_to<restart_children>,
                     // From a console; handed on to presence and to the router. Refuses: unavailable.
                     caf::replies_to<kick_user>::with<kicked_user>, caf::replies_to<script_call>::with<redis_value>,
                     // From the server API; handed on to presence.
                     caf::replies_to<get_users>::with<std::vector<user_presence>>,
                     caf::replies_to<restart_child>::with<child_restarts>>;

/// What membership tells its node.
using member_listener =
    caf::typed_actor<caf::reacts_to<use_table>, caf::reacts_to<nodes_changed>, caf::reacts_to<begin_incarnation>>;

} // namespace starling

// None of these ever leaves the process.
#define STARLING_LOCAL(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::type)
STARLING_LOCAL(redis_value)
STARLING_LOCAL(script_call)
STARLING_LOCAL(submission)
STARLING_LOCAL(feed_up)
STARLING_LOCAL(feed_news)
STARLING_LOCAL(feed_moved)
STARLING_LOCAL(feed_down)
STARLING_LOCAL(subscribe_feed)
STARLING_LOCAL(unsubscribe_feed)
STARLING_LOCAL(use_table)
STARLING_LOCAL(link_up)
STARLING_LOCAL(link_down)
STARLING_LOCAL(link_cut)
STARLING_LOCAL(link_mended)
STARLING_LOCAL(link_subscribed)
STARLING_LOCAL(link_published)
STARLING_LOCAL(link_answered)
STARLING_LOCAL(check_tails)
STARLING_LOCAL(shard_report)
STARLING_LOCAL(shard_call)
STARLING_LOCAL(shard_watch)
STARLING_LOCAL(attend)
STARLING_LOCAL(attended)
STARLING_LOCAL(leave_seat)
STARLING_LOCAL(room_post)
STARLING_LOCAL(typing_here)
STARLING_LOCAL(read_here)
STARLING_LOCAL(who_is_here)
STARLING_LOCAL(who_timeout)
STARLING_LOCAL(retry_repair)
STARLING_LOCAL(end_if_idle)
STARLING_LOCAL(room_forgotten)
STARLING_LOCAL(rooms_changed)
STARLING_LOCAL(seat_lost)
STARLING_LOCAL(room_failed)
STARLING_LOCAL(connection_ended)
STARLING_LOCAL(open_unasked)
STARLING_LOCAL(retry_rooms)
STARLING_LOCAL(session_begins)
STARLING_LOCAL(session_known)
STARLING_LOCAL(session_ends)
STARLING_LOCAL(watch_users)
STARLING_LOCAL(unwatch_users)
STARLING_LOCAL(get_users)
STARLING_LOCAL(renew_leases)
STARLING_LOCAL(grace_over)
STARLING_LOCAL(flush_presence)
STARLING_LOCAL(room_idle)
STARLING_LOCAL(nodes_changed)
STARLING_LOCAL(begin_incarnation)
STARLING_LOCAL(restart_children)
STARLING_LOCAL(restart_child)
STARLING_LOCAL(child_restarts)
STARLING_LOCAL(session_kicked)
STARLING_LOCAL(session_revoked)
STARLING_LOCAL(kick_user)
STARLING_LOCAL(kicked_user)
STARLING_LOCAL(client_error)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<starling::user_presence>)
#undef STARLING_LOCAL
