-- Makes a room again on a shard that has come back without it, from what a node still knows: its kind and title, the
-- last number seen, and the members that sit on that node. Each node brings its own.
-- KEYS: shard, info, members, roles, log, epochs
-- ARGV: table epoch, channel, kind, title, known epoch, known seq, then user, role, user, role...
-- Answers 'OK'.
local info, members, roles, log, epochs = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local channel, kind, title, known_epoch, known_seq = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
if redis.call('EXISTS', info) == 0 then
  redis.call('HSET', info, 'kind', kind, 'title', title, 'version', 0)
  begin_epoch(info, epochs, log, known_epoch, known_seq)
end
for i = 7, #ARGV, 2 do
  if not redis.call('ZSCORE', members, ARGV[i]) then
    set_member(channel, info, members, roles, ARGV[i], ARGV[i + 1], 'added', ARGV[i])
  end
end
return 'OK'
