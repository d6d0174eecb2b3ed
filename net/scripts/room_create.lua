-- Makes a room with its first members. One of the system's has no owner.
-- KEYS: shard, info, members, roles, log, epochs
-- ARGV: table epoch, channel, kind, title, owner, further members...
-- Answers the room (see describe); 'EXISTS'.
local info, members, roles, log, epochs = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local channel, kind, title, owner = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('EXISTS', info) == 1 then
  return 'EXISTS'
end
make_room(info, epochs, log, kind, title)
if owner ~= system then
  set_member(channel, info, members, roles, owner, 'owner', 'joined', owner)
end
for i = 6, #ARGV do
  if ARGV[i] ~= owner then
    set_member(channel, info, members, roles, ARGV[i], 'member', 'added', owner)
  end
end
return describe(info, members, roles, log, owner)
