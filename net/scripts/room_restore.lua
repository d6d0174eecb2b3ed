-- Brings back what a shard has lost of a room, from what a node still knows: its kind and title, the last number and
-- the version of the members that it has seen, and the members who sit on that node. Each node brings its own: the
-- first to find less here than it knows begins a newer epoch of the log, which tells the others.
-- KEYS: shard, info, members, roles, log, epochs
-- ARGV: table epoch, channel, kind, title, known epoch, known seq, known version, then user, role, user, role...
-- Answers 'OK'.
local info, members, roles, log, epochs = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local channel, kind, title, known_epoch, known_seq = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local known_version = tonumber(ARGV[7])

local i = redis.call('HMGET', info, 'version', 'epoch', 'restored')
local version, epoch, restored = tonumber(i[1] or '-1'), i[2] or '0', i[3] or '0'
-- Somebody may have made a room of this name anew since: it knows nothing of the epoch that the node has seen.
local strange = known_epoch ~= '0' and not redis.call('ZSCORE', epochs, known_epoch)
  and tonumber(restored) <= tonumber(known_epoch)
if version < known_version or tonumber(epoch) < tonumber(known_epoch) or strange then
  if version < 0 then
    redis.call('HSET', info, 'kind', kind, 'title', title)
  end
  local newest = math.max(tonumber(epoch), tonumber(known_epoch))
  local seq = version < 0 and known_seq or math.max(known_seq, tonumber(last_seq(info, log, epoch)))
  restored = begin_epoch(info, epochs, log, id(newest), seq)
  redis.call('HSET', info, 'version', math.max(version, known_version), 'restored', restored)
  count_change()
end
-- Of an epoch that began for other reasons than a loss of members, nobody is brought back: they may have been removed.
if tonumber(restored) > tonumber(known_epoch) then
  for k = 8, #ARGV, 2 do
    if not redis.call('ZSCORE', members, ARGV[k]) then
      set_member(channel, info, members, roles, ARGV[k], ARGV[k + 1], 'added', ARGV[k])
    end
  end
end
return 'OK'
