-- Makes the dialogue of two users, or mends it where one of them is missing.
-- KEYS: shard, info, members, roles, log, epochs
-- ARGV: table epoch, channel, who asks, the other
-- Answers the room (see describe).
local info, members, roles, log, epochs = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local channel, user, other = ARGV[2], ARGV[3], ARGV[4]
if redis.call('EXISTS', info) == 0 then
  make_room(info, epochs, log, 'dialogue', '')
end
for _, who in ipairs({user, other}) do
  if not redis.call('ZSCORE', members, who) then
    set_member(channel, info, members, roles, who, 'member', 'added', user)
  end
end
return describe(info, members, roles, log, user)
