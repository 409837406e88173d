/// The Lua of a channel's members. Four keys, which share the channel's hash tag:
///
/// - presence, a hash: client → its ``ClientInfo`` as JSON.
/// - expiry, a sorted set: client → when its time runs out, milliseconds of Redis' clock. Half a millisecond more marks a
///   member that was spared once, see below.
/// - users, a hash: user → number of its clients.
/// - gone, a sorted set: client → when its end was announced, of those whose time ran out.
///
/// All go when nobody touched them for ten times the members' time to live.
///
/// **Mercy.** When nobody refreshed anything for four fifths of the time to live, then Redis or the network was away, not
/// all nodes: whoever comes first would end everybody else's members, who are still there and about to be refreshed. So it
/// gives each of them three fifths of the time to live more, once.
///
/// KEYS: presence, expiry, users, gone. ARGV of all: run, time to live in milliseconds, verb ('': no events), channel,
/// header of a join, header of a leave; then what each script says. All return, at the end, the milliseconds until the
/// first member's time runs out, or -1.
enum PresenceScripts {
    /// ARGV: returning 0 or 1, then client and info of each member.
    static let join =
        common + """
            local fields = {}
            for i = 8, #ARGV, 2 do
              local id, info = ARGV[i], ARGV[i + 1]
              if redis.call('ZADD', KEYS[2], now + ttl, id) == 1 then
                redis.call('HINCRBY', KEYS[3], user(info), 1)
                if redis.call('ZREM', KEYS[4], id) == 1 or ARGV[7] == '0' then tell(ARGV[5], info) end
              end
              fields[#fields + 1] = id
              fields[#fields + 1] = info
            end
            redis.call('HSET', KEYS[1], unpack(fields))
            keep()
            if not alive then reap() end
            return {remaining()}
            """

    /// ARGV: clients.
    static let leave =
        common + """
            for i = 7, #ARGV do
              if redis.call('ZREM', KEYS[2], ARGV[i]) == 1 then forget(ARGV[i]) end
            end
            return {remaining()}
            """

    /// ARGV: clients. Returns those that are not there.
    static let refresh =
        common + """
            local scores = {}
            for i = 7, #ARGV do
              scores[#scores + 1] = now + ttl
              scores[#scores + 1] = ARGV[i]
            end
            local missing = {}
            if not keep() then
              for i = 7, #ARGV do missing[#missing + 1] = ARGV[i] end
            elseif redis.call('ZADD', KEYS[2], 'XX', 'CH', unpack(scores)) < #ARGV - 6 then
              for i = 7, #ARGV do
                if not redis.call('ZSCORE', KEYS[2], ARGV[i]) then missing[#missing + 1] = ARGV[i] end
              end
            end
            if not alive or due() then reap() end
            return {missing, remaining()}
            """

    /// No further ARGV.
    static let reap =
        common + """
            if alive then reap() end
            return {remaining()}
            """

    /// ARGV: limit, most bytes. Returns the number of members, and their infos if they are not more than the limit and have no
    /// more bytes. These are counted after each few: Redis copies what it reads before anybody sees how much it is.
    static let members =
        common + """
            if alive and due() then reap() end
            local limit, bytes = tonumber(ARGV[7]), tonumber(ARGV[8])
            local ids = redis.call('ZRANGEBYSCORE', KEYS[2], string.format('(%.0f', now), '+inf', 'LIMIT', 0, limit + 1)
            local infos = {}
            if #ids > limit then
              return {redis.call('ZCOUNT', KEYS[2], string.format('(%.0f', now), '+inf'), infos, remaining()}
            end
            for first = 1, #ids, \(RedisBounds.memberSlice) do
              local last = math.min(first + \(RedisBounds.memberSlice - 1), #ids)
              for _, info in ipairs(redis.call('HMGET', KEYS[1], unpack(ids, first, last))) do
                if info then
                  infos[#infos + 1] = info
                  bytes = bytes - #info
                end
              end
              if bytes < 0 then return {#ids, {}, remaining()} end
            end
            return {#infos, infos, remaining()}
            """

    /// No further ARGV. Returns the numbers of members and of users.
    static let stats =
        common + """
            if alive and due() then reap() end
            local clients = redis.call('ZCOUNT', KEYS[2], string.format('(%.0f', now), '+inf')
            return {clients, math.min(clients, redis.call('HLEN', KEYS[3])), remaining()}
            """

    private static let common = """
        local t = redis.call('TIME')
        local now = t[1] * 1000 + math.floor(t[2] / 1000)
        local ttl = tonumber(ARGV[2])
        local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
        local alive = not last or tonumber(last) > now + ttl * 0.2

        local function tell(header, info)
          if ARGV[3] ~= '' then redis.call(ARGV[3], ARGV[4], header .. info) end
        end

        local function user(info)
          local ok, decoded = pcall(cjson.decode, info)
          if ok and type(decoded) == 'table' and type(decoded.user) == 'string' then return decoded.user end
          return ''
        end

        local function forget(id)
          local info = redis.call('HGET', KEYS[1], id)
          if not info then return end
          redis.call('HDEL', KEYS[1], id)
          local name = user(info)
          if redis.call('HINCRBY', KEYS[3], name, -1) < 1 then redis.call('HDEL', KEYS[3], name) end
          tell(ARGV[6], info)
        end

        local function keep()
          local there = redis.call('PEXPIRE', KEYS[1], ttl * 10)
          redis.call('PEXPIRE', KEYS[2], ttl * 10)
          redis.call('PEXPIRE', KEYS[3], ttl * 10)
          return there == 1
        end

        local function reap()
          while true do
            local over = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, 500)
            local ended = false
            for i = 1, #over, 2 do
              if alive or tonumber(over[i + 1]) % 1 ~= 0 then
                redis.call('ZREM', KEYS[2], over[i])
                redis.call('ZADD', KEYS[4], now, over[i])
                forget(over[i])
                ended = true
              else
                redis.call('ZADD', KEYS[2], string.format('%.1f', now + math.floor(ttl * 0.6) + 0.5), over[i])
              end
            end
            if ended then
              redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - ttl * 10)
              redis.call('PEXPIRE', KEYS[4], ttl * 10)
            end
            if alive or #over < 1000 then return end
          end
        end

        local function first()
          return tonumber(redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2])
        end

        local function due()
          local score = first()
          return score and score <= now
        end

        local function remaining()
          local score = first()
          if not score then
            redis.call('DEL', KEYS[1], KEYS[3])
            return -1
          end
          return math.max(0, math.ceil(score - now))
        end

        """
}
