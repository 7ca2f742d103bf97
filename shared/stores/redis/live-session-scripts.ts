import { MOST_OFFERS } from '../../session/gens.ts'
import { defineScript } from './script.ts'

/**
 * KEYS: session, tombstone, what ended sessions of its user. ARGV[1] is always `now`. A session is a hash: `facts` (JSON;
 * only its epoch changes), `absolute`, `seen`, `deadline` (the earlier of idle and absolute) and its gens,
 * which are judged as `shared/session/gens.ts` does. `inc` is the incarnation of the data in which the session was created or
 * compared with the ledger; without one it is not compared.
 *   gen, since, base    the current one, when it was first presented, and the gen that it succeeded
 *   met                 when the first successor of `base` was presented
 *   peers, settle       other successors of `base` that were presented, each as `gen;`, and until when all are accepted
 *   top                 the highest gen that was issued
 *   next                successors that were not presented yet, each as `gen,parent,grand,at,network;`
 *   past                gens that may still be under way, each as `gen,at;`
 * Times are epoch milliseconds; what does not exist is nil. The lists are read only where a decision needs them: most
 * requests present the current gen, and it is not due.
 */
const SESSION = `
local now = tonumber(ARGV[1])

local function load()
  local values = redis.call('HMGET', KEYS[1], 'facts', 'next', 'past', 'peers', 'deadline', 'absolute', 'seen', 'gen',
    'since', 'base', 'met', 'settle', 'top', 'inc')
  if not values[1] then return nil end
  local session = {facts = values[1], next = values[2] or '', past = values[3] or '', peers = values[4] or '',
    deadline = tonumber(values[5]), absolute = tonumber(values[6]), seen = tonumber(values[7]),
    gen = tonumber(values[8]), since = tonumber(values[9]), base = tonumber(values[10]), met = tonumber(values[11]),
    settle = tonumber(values[12]), top = tonumber(values[13]), inc = values[14] or ''}
  if now >= session.deadline then
    redis.call('DEL', KEYS[1])
    return nil
  end
  return session
end

-- Gives a tombstone to a session that a later epoch ended. A session that this epoch spared, because it was opened later,
-- gets the epoch.
local function bury(session, margin)
  local ended = redis.call('HMGET', KEYS[3], 'all', 'allTombstone', 'some', 'someTombstone', 'openedBefore')
  local all, some = tonumber(ended[1] or '0'), tonumber(ended[3] or '0')
  if all == 0 and some == 0 then return nil end
  local epoch = tonumber(string.match(session.facts, '"epoch":(%d+)') or '')
  local begun = tonumber(string.match(session.facts, '"begunAt":(%d+)') or
    string.match(session.facts, '"createdAt":(%d+)') or '')
  if not epoch or not begun then return nil end
  local tombstone
  if epoch < all then
    tombstone = ended[2]
  elseif epoch < some and begun < tonumber(ended[5]) then
    tombstone = ended[4]
  elseif epoch < some then
    session.facts = string.gsub(session.facts, '"epoch":%d+', string.format('"epoch":%.0f', some), 1)
    redis.call('HSET', KEYS[1], 'facts', session.facts)
  end
  if not tombstone then return nil end
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], tombstone, 'PX', session.absolute - now + tonumber(margin))
  return {'revoked', tombstone}
end

local function offersOf(session)
  local offers = {}
  for gen, parent, grand, at, network in string.gmatch(session.next, '(%d+),(%d+),(%d+),(%d+),([^;]*);') do
    offers[#offers + 1] = {gen = tonumber(gen), parent = tonumber(parent), grand = tonumber(grand),
      at = tonumber(at), network = network}
  end
  return offers
end

local function offer(one)
  return string.format('%.0f,%.0f,%.0f,%.0f,%s;', one.gen, one.parent, one.grand, one.at, one.network)
end

-- Milliseconds until this network may request a successor of the current gen, and whether it has requested one.
local function waitOf(session, network, grace, renew)
  local unsettled = session.peers == '' and 0 or session.settle + 1
  local early = math.max(session.since + renew, unsettled) - now
  if early > 0 then return early, false end
  local wait = 0
  for _, one in ipairs(offersOf(session)) do
    if one.parent == session.gen and one.network == network then wait = math.max(wait, one.at + grace - now + 1) end
  end
  return wait, true
end

local function fork(session, tombstone, margin)
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], tombstone, 'PX', session.absolute - now + tonumber(margin))
  return {'fork', session.facts, session.seen, session.gen}
end
`

/** One command for both, because few sessions have a tombstone or a user whose sessions were ended. */
const ENDED = `
local ended = redis.call('EXISTS', KEYS[2], KEYS[3])
local tombstone = ended > 0 and redis.call('GET', KEYS[2])
if tombstone then return {'revoked', tombstone} end
`

/**
 * KEYS: session, tombstone, the user's sids by when they expire. ARGV: now, sid, facts, absolute expiry, idle ms, TTL
 * margin ms, incarnation. A sid that was revoked before its session began stays revoked: nothing is written, and the first
 * presentation is answered `revoked`.
 * @returns the number of sids of the user; 0 for a revoked sid, -1 if the session exists already
 */
export const createSession = defineScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if redis.call('EXISTS', KEYS[1]) == 1 then return -1 end
local now, absolute, margin = tonumber(ARGV[1]), tonumber(ARGV[4]), tonumber(ARGV[6])
local deadline = math.min(now + tonumber(ARGV[5]), absolute)
redis.call('HSET', KEYS[1], 'facts', ARGV[3], 'absolute', absolute, 'seen', now, 'deadline', deadline,
  'gen', 1, 'since', now, 'base', 0, 'met', now, 'settle', 0, 'top', 1, 'inc', ARGV[7])
redis.call('PEXPIRE', KEYS[1], deadline - now + margin)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
redis.call('ZADD', KEYS[3], absolute, ARGV[2])
local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[3], tonumber(last[2]) - now + margin)
return redis.call('ZCARD', KEYS[3])
`)

/**
 * ARGV: now, gen, network, idle ms, grace ms, renewal due after ms, TTL margin ms, tombstone of a fork, its TTL margin
 * ms, incarnation.
 * @returns `unchecked` | `revoked` tombstone | `absent` | `fork` facts seen gen | `live` facts seen gen due
 */
export const presentGen = defineScript(`
${ENDED}
${SESSION}
local session = load()
if not session then return {'absent'} end
local over = ended > 0 and bury(session, ARGV[9])
if over then return over end
if ARGV[10] ~= '' and session.inc ~= ARGV[10] then return {'unchecked'} end

local gen, grace = tonumber(ARGV[2]), tonumber(ARGV[5])

-- Makes a successor the current gen. False if no successor has this number.
local function promote()
  local offers = offersOf(session)
  local chosen
  for _, one in ipairs(offers) do if one.gen == gen then chosen = one end end
  if not chosen then return false end
  local base = chosen.parent
  local sibling = base == session.base
  local met = sibling and session.met or now
  local latest = met + 2 * grace
  local joins = sibling and now <= latest
  local past, next, peers = '', '', session.peers .. string.format('%.0f;', session.gen)
  local function retire(number) past = past .. string.format('%.0f,%.0f;', number, now) end
  for retired, at in string.gmatch(session.past, '(%d+),(%d+);') do
    if now - tonumber(at) <= grace then past = past .. retired .. ',' .. at .. ';' end
  end
  if not joins then
    for number in string.gmatch(peers, '(%d+);') do retire(tonumber(number)) end
    peers = ''
  end
  for _, one in ipairs(offers) do
    if one.gen ~= gen and (one.parent == gen or one.parent == base or one.grand == base) then
      next = next .. offer(one)
    elseif one.gen ~= gen then
      retire(one.gen)
    end
  end
  local settle = joins and math.min(now + grace, latest) or 0
  redis.call('HSET', KEYS[1], 'gen', gen, 'since', now, 'base', base, 'met', met, 'peers', peers, 'settle', settle,
    'next', next, 'past', past)
  session.gen, session.since, session.base, session.next = gen, now, base, next
  session.peers, session.settle = peers, settle
  return true
end

-- After the time, the gen that is presented first becomes the current one.
local function isPeer()
  if gen ~= session.gen and not string.find(';' .. session.peers, ';' .. ARGV[2] .. ';', 1, true) then return false end
  if now > session.settle then
    redis.call('HSET', KEYS[1], 'gen', gen, 'peers', '')
    session.gen, session.peers = gen, ''
  end
  return true
end

local function underWay()
  for retired, at in string.gmatch(session.past, '(%d+),(%d+);') do
    if tonumber(retired) == gen then return now - tonumber(at) <= grace end
  end
  return false
end

local current = gen == session.gen and session.peers == ''
if not (current or isPeer() or promote() or underWay()) then return fork(session, ARGV[8], ARGV[9]) end

-- The clocks of two hosts differ slightly: a request must not move a deadline back.
local seen = math.max(session.seen, now)
local deadline = math.min(seen + tonumber(ARGV[4]), session.absolute)
redis.call('HSET', KEYS[1], 'seen', seen, 'deadline', deadline)
redis.call('PEXPIRE', KEYS[1], deadline - now + tonumber(ARGV[7]))
local due = gen == session.gen and waitOf(session, ARGV[3], grace, tonumber(ARGV[6])) == 0
return {'live', session.facts, seen, session.gen, due and 1 or 0}
`)

/**
 * ARGV: now, gen, network, grace ms, renewal due after ms, tombstone of a fork, its TTL margin ms, incarnation.
 * @returns `unchecked` | `revoked` tombstone | `absent` | `stale` | `early` or `repeated`, with ms to wait | `fork` facts seen gen | `offered`, with facts
 * seen gen and the successor's gen
 */
export const renewGen = defineScript(`
${ENDED}
${SESSION}
local session = load()
if not session then return {'absent'} end
local over = ended > 0 and bury(session, ARGV[7])
if over then return over end
if ARGV[8] ~= '' and session.inc ~= ARGV[8] then return {'unchecked'} end
if tonumber(ARGV[2]) ~= session.gen then return {'stale'} end
local wait, asked = waitOf(session, ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]))
if wait > 0 then return {asked and 'repeated' or 'early', wait} end

local count = 0
for _, one in ipairs(offersOf(session)) do if one.parent == session.gen then count = count + 1 end end
if count >= ${MOST_OFFERS} then return fork(session, ARGV[6], ARGV[7]) end
local top = session.top + 1
local made = {gen = top, parent = session.gen, grand = session.base, at = now, network = ARGV[3]}
redis.call('HSET', KEYS[1], 'peers', '', 'top', top, 'next', session.next .. offer(made))
return {'offered', session.facts, session.seen, session.gen, top}
`)

/**
 * KEYS: session, tombstone, the sid that took its place. ARGV: now, tombstone, TTL ms of a tombstone whose session is
 * unknown, TTL margin ms, the tombstone of a session that was gone already, what is in a tombstone of the same containment
 * (empty: there is none). The first tombstone of a session that died stays.
 * @returns 1 if a live session died, now or by the same containment before, and the sid that took its place
 */
export const revokeSession = defineScript(`
${SESSION}
local session = load()
local ttl = tonumber(ARGV[3])
if session then
  redis.call('DEL', KEYS[1])
  ttl = session.absolute - now
end
local before = redis.call('GET', KEYS[2])
local wasGone = before and string.find(before, '"gone":true', 1, true)
if not before or (session and wasGone) then
  redis.call('SET', KEYS[2], session and ARGV[2] or ARGV[5], 'PX', ttl + tonumber(ARGV[4]))
end
local repeated = ARGV[6] ~= '' and before and not wasGone and string.find(before, ARGV[6], 1, true)
return {(session or repeated) and 1 or 0, redis.call('GET', KEYS[3])}
`)

/** KEYS: session. ARGV: incarnation. A session that is gone is not created again. */
export const keepIncarnation = defineScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HSET', KEYS[1], 'inc', ARGV[1])
`)

/** KEYS: session. ARGV: the expected facts, the new facts. @returns 1 if the expected facts were there */
export const replaceFacts = defineScript(`
if redis.call('HGET', KEYS[1], 'facts') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'facts', ARGV[2])
return 1
`)

/**
 * KEYS: what ended sessions of a user. ARGV: the epoch, its tombstone, TTL ms and, if the revocation spares later sessions,
 * the time from which it spares them. An epoch is never lowered. `all` is the highest epoch that spares no session,
 * `some` the highest that spares later ones.
 */
export const raiseEpoch = defineScript(`
local ended = redis.call('HMGET', KEYS[1], 'all', 'some', 'openedBefore')
local all, some = tonumber(ended[1] or '0'), tonumber(ended[2] or '0')
local epoch, openedBefore = tonumber(ARGV[1]), tonumber(ARGV[4])
if openedBefore and epoch > some then
  -- A session that an earlier revocation ended stays ended.
  openedBefore = math.max(openedBefore, tonumber(ended[3] or '0'))
  redis.call('HSET', KEYS[1], 'some', epoch, 'someTombstone', ARGV[2], 'openedBefore', openedBefore)
elseif not openedBefore and epoch > all then
  redis.call('HSET', KEYS[1], 'all', epoch, 'allTombstone', ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], math.max(tonumber(ARGV[3]), redis.call('PTTL', KEYS[1])))
return 1
`)
