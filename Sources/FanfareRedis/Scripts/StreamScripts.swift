/// The Lua of a channel's stream. Two keys, which share the channel's hash tag:
///
/// - meta, a hash: `s` the last offset, `e` the epoch, `r` the run of Redis in which the last publication came, `l` the
///   leaps as `last:next` with spaces between, the newest eight.
/// - stream: entries `<offset>-<seconds>`; the second half of the id is when it came. Field `d`: the header of an
///   ``Envelope`` and the payload.
///
/// When Redis has another run than at the last publication, it may have come back without its newest writes: then the
/// offset leaps by a million, so that an offset that was given out and lost never means something else.
enum StreamScripts {
    /// KEYS: meta, stream[, receipt]. ARGV: run, new epoch, size, age in seconds, position's age in seconds, verb, channel,
    /// header of the entry, header of the message, payload[, receipt's age in seconds]. Returns offset, epoch, 1 when it
    /// was published before.
    static let publish =
        receipt + clock + open + """
            local first = true
            if redis.call('HGET', KEYS[1], 'r') ~= ARGV[1] then
              if s > 0 then
                local next = s + 1048576
                local leaps = {}
                for leap in string.gmatch(redis.call('HGET', KEYS[1], 'l') or '', '%S+') do leaps[#leaps + 1] = leap end
                leaps[#leaps + 1] = string.format('%.0f:%.0f', s, next)
                while #leaps > 8 do table.remove(leaps, 1) end
                redis.call('HSET', KEYS[1], 'l', table.concat(leaps, ' '))
                s = next - 1
              end
              redis.call('HSET', KEYS[1], 'r', ARGV[1])
            end
            s = s + 1
            local offset = string.format('%.0f', s)
            redis.call('HSET', KEYS[1], 's', offset)
            redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], offset .. '-' .. now, 'd', ARGV[8] .. ARGV[10])
            age(KEYS[2], tonumber(ARGV[4]))
            redis.call('EXPIRE', KEYS[2], ARGV[4])
            redis.call('EXPIRE', KEYS[1], ARGV[5])
            redis.call(ARGV[6], ARGV[7],
              ARGV[9] .. struct.pack('>I8', s) .. struct.pack('B', #e) .. e .. ARGV[10])
            if KEYS[3] then redis.call('SET', KEYS[3], offset .. ' ' .. e, 'EX', ARGV[11]) end
            return {offset, e, 0}
            """

    /// KEYS: receipt. ARGV: run, verb, channel, message, receipt's age in seconds. Returns '', '', 1 when it was published
    /// before.
    static let publishOnce = """
        if not redis.call('SET', KEYS[1], ' ', 'EX', ARGV[5], 'NX') then return {'', '', 1} end
        redis.call(ARGV[2], ARGV[3], ARGV[4])
        return {'', '', 0}
        """

    /// KEYS: meta, stream. ARGV: run, new epoch, position's age in seconds, age in seconds, since (exclusive) or '', limit,
    /// reverse 0 or 1, most bytes. Returns offset, epoch, leaps, entries, 1 when there are more. An entry is taken in any
    /// case. Entries are looked at in portions that grow, for Redis copies a whole portion before its bytes are counted.
    static let read =
        clock + open + """
            redis.call('EXPIRE', KEYS[1], ARGV[3])
            local limit, bytes = tonumber(ARGV[6]), tonumber(ARGV[8])
            local found, more = {}, 0
            local verb, last = 'XRANGE', '+'
            if ARGV[7] == '1' then verb, last = 'XREVRANGE', '-' end
            local from = ARGV[5]
            if from == '' then from = ARGV[7] == '1' and '+' or '-' end
            if limit > 0 then age(KEYS[2], tonumber(ARGV[4])) end
            local count = 4
            while limit > 0 and more == 0 do
              local entries = redis.call(verb, KEYS[2], from, last, 'COUNT', count)
              for _, entry in ipairs(entries) do
                if #found == limit or bytes <= 0 then
                  more = 1
                  break
                end
                found[#found + 1] = entry
                bytes = bytes - #entry[2][2]
              end
              if #entries < count then break end
              from = '(' .. entries[count][1]
              count = math.min(64, count * 2)
            end
            return {string.format('%.0f', s), e, redis.call('HGET', KEYS[1], 'l') or '', found, more}
            """

    /// A receipt of an earlier publish ends the script.
    private static let receipt = """
        if KEYS[3] then
          local known = redis.call('GET', KEYS[3])
          if known then
            local space = string.find(known, ' ', 1, true)
            return {string.sub(known, 1, space - 1), string.sub(known, space + 1), 1}
          end
        end

        """

    /// `now` in seconds, and a function that drops what is older than so many seconds.
    private static let clock = """
        local now = redis.call('TIME')[1]
        local function age(stream, seconds)
          while true do
            local entries = redis.call('XRANGE', stream, '-', '+', 'COUNT', 16)
            local old = {}
            for _, entry in ipairs(entries) do
              if tonumber(string.match(entry[1], '-(%d+)$')) + seconds >= tonumber(now) then break end
              old[#old + 1] = entry[1]
            end
            if #old > 0 then redis.call('XDEL', stream, unpack(old)) end
            if #old < 16 then return end
          end
        end

        """

    /// `s` and `e`, the stream's end; a stream that is not there begins with the epoch of `ARGV[2]`.
    private static let open = """
        local meta = redis.call('HMGET', KEYS[1], 's', 'e')
        local s, e = tonumber(meta[1] or '0'), meta[2]
        if not e then
          e = ARGV[2]
          s = 0
          redis.call('DEL', KEYS[2])
          redis.call('HSET', KEYS[1], 's', '0', 'e', e)
        end

        """
}
