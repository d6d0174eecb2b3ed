-- Puts a message into a room's log, and tells the room's channel: the only way a message comes into being.
-- KEYS: shard, info, members, log, epochs, and the idempotency key if there is one
-- ARGV: table epoch, channel, user, messages kept, known epoch, known seq, idempotency ms, body, and the number of its
-- trace if it is traced: then a mark with that number is published ahead of it
-- Answers {epoch, seq, at}; 'FORBIDDEN', 'ABSENT'.
local info, members, log, epochs, remembered = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local channel, user, kept, known_epoch, known_seq, ttl, body = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[8]

if user == system then
  if redis.call('EXISTS', info) == 0 then
    return 'ABSENT'
  end
elseif not redis.call('ZSCORE', members, user) then
  return redis.call('HGET', info, 'kind') == 'public' and 'FORBIDDEN' or 'ABSENT'
end
if remembered then
  local first = redis.call('GET', remembered)
  if first then
    local e, s, a = string.match(first, '^(%d+)-(%d+)-(%d+)$')
    return {e, s, a}
  end
end
local epoch = redis.call('HGET', info, 'epoch')
local at = id(now_ms())
local function add()
  local entry = redis.call('XADD', log, 'MAXLEN', '~', kept, epoch .. '-*', 'f', user, 'a', at, 'b', body)
  return string.sub(entry, #epoch + 2), entry
end
local seq, entry = add()
-- A node has seen a newer epoch, or a higher number of this one, than this log gives out: Redis has come back without
-- its last entries. Go on after that number in a newer epoch, so that no number stands for two messages.
local ours, theirs = tonumber(epoch), tonumber(known_epoch)
if theirs > ours or (theirs == ours and tonumber(seq) <= known_seq) then
  redis.call('XDEL', log, entry)
  epoch = begin_epoch(info, epochs, log, id(math.max(ours, theirs)), math.max(known_seq, tonumber(seq) - 1))
  seq = add()
end
if remembered then
  redis.call('SET', remembered, epoch .. '-' .. seq .. '-' .. at, 'PX', ttl)
end
count_change()
if ARGV[9] then redis.call('PUBLISH', channel, 'x ' .. ARGV[9] .. ' ' .. epoch .. ' ' .. seq) end
redis.call('PUBLISH', channel, 'm ' .. epoch .. ' ' .. seq .. ' ' .. at .. ' ' .. user .. ' ' .. body)
return {epoch, seq, at}
