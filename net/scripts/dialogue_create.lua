-- Makes the dialogue of two users, or mends it where one of them is missing. The system's has one member.
-- KEYS: shard, info, members, roles, log, epochs
-- ARGV: table epoch, channel, who asks, the other
-- Answers the room (see describe), and behind it who of the two was a member already ("1").
local info, members, roles, log, epochs = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local channel, user, other = ARGV[2], ARGV[3], ARGV[4]
if redis.call('EXISTS', info) == 0 then
  make_room(info, epochs, log, 'dialogue', '')
end
local were_there = {}
for i, who in ipairs({user, other}) do
  were_there[i] = (who == system or redis.call('ZSCORE', members, who)) and '1' or '0'
  if were_there[i] == '0' then
    set_member(channel, info, members, roles, who, 'member', 'added', user)
  end
end
local room = describe(info, members, roles, log, user)
room[#room + 1], room[#room + 2] = were_there[1], were_there[2]
return room
