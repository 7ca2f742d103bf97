import { defineScript } from './script.ts'

/**
 * KEYS: session, tombstone. ARGV[1] is always `now`. A session is a hash: `facts` (JSON that never changes), `absolute`,
 * `seen`, `deadline` (the earlier of idle and absolute) and what its gens did:
 *   gen, since          the current one, and when it was first presented
 *   prev                the one before it, retired at `since`
 *   top                 the highest number ever offered
 *   offer, offeredAt    the successor that was offered and not presented yet
 *   void, voidedAt      the last offer that was withdrawn
 * Times are epoch milliseconds; what does not exist is nil.
 */
const SESSION = `
local now = tonumber(ARGV[1])

local function load()
  local names = {'deadline', 'absolute', 'seen', 'gen', 'since', 'prev', 'top', 'offer', 'offeredAt', 'void', 'voidedAt'}
  local values = redis.call('HMGET', KEYS[1], 'facts', unpack(names))
  if not values[1] then return nil end
  local session = {facts = values[1]}
  for i, name in ipairs(names) do
    if values[i + 1] then session[name] = tonumber(values[i + 1]) end
  end
  if now >= session.deadline then
    redis.call('DEL', KEYS[1])
    return nil
  end
  return session
end
`

/**
 * ARGV: now, facts, absolute expiry, idle ms, TTL margin ms. A sid that was revoked before its session began stays
 * revoked: nothing is written, and the first presentation says so.
 * @returns 1, or 0 if there is such a session already
 */
export const createSession = defineScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local now, absolute = tonumber(ARGV[1]), tonumber(ARGV[3])
local deadline = math.min(now + tonumber(ARGV[4]), absolute)
redis.call('HSET', KEYS[1], 'facts', ARGV[2], 'absolute', absolute, 'seen', now, 'deadline', deadline,
  'gen', 1, 'since', now, 'top', 1)
redis.call('PEXPIRE', KEYS[1], deadline - now + tonumber(ARGV[5]))
return 1
`)

/**
 * ARGV: now, gen, idle ms, grace ms, renewal due after ms, TTL margin ms, tombstone of a fork, its TTL margin ms.
 * @returns `revoked` tombstone | `absent` | `fork` facts seen gen | `live` facts seen gen due
 */
export const presentGen = defineScript(`
local tombstone = redis.call('GET', KEYS[2])
if tombstone then return {'revoked', tombstone} end
${SESSION}
local session = load()
if not session then return {'absent'} end

local gen, grace = tonumber(ARGV[2]), tonumber(ARGV[4])
if gen == session.offer then
  redis.call('HSET', KEYS[1], 'gen', gen, 'since', now, 'prev', session.gen)
  redis.call('HDEL', KEYS[1], 'offer', 'offeredAt')
  session.gen, session.since = gen, now
elseif gen ~= session.gen
  and not (gen == session.prev and now - session.since <= grace)
  and not (gen == session.void and now - session.voidedAt <= grace) then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[7], 'PX', session.absolute - now + tonumber(ARGV[8]))
  return {'fork', session.facts, session.seen, session.gen}
end

-- Two hosts' clocks differ by a little: a request must not move a deadline back.
local seen = math.max(session.seen, now)
local deadline = math.min(seen + tonumber(ARGV[3]), session.absolute)
redis.call('HSET', KEYS[1], 'seen', seen, 'deadline', deadline)
redis.call('PEXPIRE', KEYS[1], deadline - now + tonumber(ARGV[6]))
local due = gen == session.gen and now - session.since >= tonumber(ARGV[5])
return {'live', session.facts, seen, session.gen, due and 1 or 0}
`)

/**
 * ARGV: now, gen, grace ms, renewal due after ms.
 * @returns `absent` | `stale` | `early` or `offered`, with facts seen gen and the next token's gen
 */
export const renewGen = defineScript(`
${SESSION}
local session = load()
if not session then return {'absent'} end
local gen = tonumber(ARGV[2])
if gen ~= session.gen then return {'stale'} end
if now - session.since < tonumber(ARGV[4]) then return {'early', session.facts, session.seen, gen, gen} end
if session.offer and now - session.offeredAt <= tonumber(ARGV[3]) then
  return {'offered', session.facts, session.seen, gen, session.offer}
end
if session.offer then redis.call('HSET', KEYS[1], 'void', session.offer, 'voidedAt', now) end
local offer = session.top + 1
redis.call('HSET', KEYS[1], 'top', offer, 'offer', offer, 'offeredAt', now)
return {'offered', session.facts, session.seen, gen, offer}
`)

/**
 * ARGV: now, tombstone, TTL ms of a tombstone whose session is unknown, TTL margin ms. The first tombstone stays.
 * @returns 1 if a live session died
 */
export const revokeSession = defineScript(`
${SESSION}
local session = load()
local ttl = tonumber(ARGV[3])
if session then
  redis.call('DEL', KEYS[1])
  ttl = session.absolute - now
end
redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ttl + tonumber(ARGV[4]))
return session and 1 or 0
`)
