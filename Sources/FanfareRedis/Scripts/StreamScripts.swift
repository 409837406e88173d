/// The Lua of a channel's stream. Three keys; the first two share the channel's hash tag, the third its slot:
///
/// - meta, a hash: `s` the last offset, `e` the epoch, `r` the run of Redis in which the last publication came, `l` the
///   leaps as `last:next` with spaces between, the newest eight.
/// - stream: entries `<offset>-<seconds>`; the second half of the id is when it came. Field `d`: the header of an
///   ``Envelope`` and the payload.
/// - epoch, a string: see ``StreamScripts/open``. One for all channels of a Redis, in a Redis Cluster one for each slot.
///
/// Only a publication makes meta and stream: who subscribes or reads leaves nothing behind.
///
/// When Redis has another run than at the last publication, it may have come back without its newest writes: then the
/// offset leaps by a million, so that an offset that was given out and lost never means something else.
enum StreamScripts {
    /// KEYS: meta, stream, epoch[, receipt]. ARGV: run, new epoch, size, age in seconds, position's age in seconds, verb,
    /// channel, header of the entry, header of the message, payload, receipt's age in seconds, bits of births. Returns
    /// offset, epoch, 1 when it was published before, and how many entries of others had to go.
    ///
    /// What somebody else wrote behind the stream's end (`XADD key *`) has an id that ours would never reach, and Redis takes
    /// no smaller one: such entries are removed, and the ids go on where the stream ends.
    static let publish =
        receipt + clock + open + """
            if not e then
              e = coming()
              local hash = string.sub(redis.sha1hex(KEYS[1]), 1, 8)
              if redis.call('SETBIT', KEYS[3], 512 + tonumber(hash, 16) % tonumber(ARGV[12]), 1) == 1 then e = ARGV[2] end
              redis.call('DEL', KEYS[1], KEYS[2])
              redis.call('HSET', KEYS[1], 'e', e)
            end
            local changes = {}
            if redis.call('HGET', KEYS[1], 'r') ~= ARGV[1] then
              if s > 0 then
                local next = s + 1048576
                local leaps = {}
                for leap in string.gmatch(redis.call('HGET', KEYS[1], 'l') or '', '%S+') do leaps[#leaps + 1] = leap end
                leaps[#leaps + 1] = string.format('%.0f:%.0f', s, next)
                while #leaps > 8 do table.remove(leaps, 1) end
                changes = {'l', table.concat(leaps, ' ')}
                s = next - 1
              end
              changes[#changes + 1] = 'r'
              changes[#changes + 1] = ARGV[1]
            end
            s = s + 1
            local offset = string.format('%.0f', s)
            local function add()
              local id = offset .. '-' .. now
              return redis.pcall('XADD', KEYS[2], 'MAXLEN', ARGV[3], id, 'd', ARGV[8] .. ARGV[10])
            end
            local removed, added = 0, add()
            if type(added) == 'table' and added.err then
              removed = clear(offset, string.format('%.0f', s - 1))
              added = add()
              if type(added) == 'table' and added.err then return added end
            end
            redis.call('HSET', KEYS[1], 's', offset, unpack(changes))
            age(KEYS[2], tonumber(ARGV[4]))
            redis.call('EXPIRE', KEYS[2], ARGV[4])
            redis.call('EXPIRE', KEYS[1], ARGV[5])
            redis.call(ARGV[6], ARGV[7],
              ARGV[9] .. struct.pack('>I8', s) .. struct.pack('B', #e) .. e .. ARGV[10])
            if KEYS[4] then redis.call('SET', KEYS[4], offset .. ' ' .. e, 'EX', ARGV[11]) end
            return {offset, e, 0, removed}
            """

    /// KEYS: receipt. ARGV: run, verb, channel, message, receipt's age in seconds. Returns '', '', 1 when it was published
    /// before.
    static let publishOnce = """
        if not redis.call('SET', KEYS[1], ' ', 'EX', ARGV[5], 'NX') then return {'', '', 1} end
        redis.call(ARGV[2], ARGV[3], ARGV[4])
        return {'', '', 0}
        """

    /// KEYS: meta, stream, epoch. ARGV: run, new epoch, position's age in seconds, age in seconds, since (exclusive) or '',
    /// limit, reverse 0 or 1, most bytes. Returns offset, epoch, leaps, entries, 1 when there are more. An entry is taken in
    /// any case; what others wrote behind the stream's end is none of it. Entries are looked at in portions that grow, for
    /// Redis copies a whole portion before its bytes are counted; the one behind the last only says that there are more.
    static let read =
        clock + open + """
            if not e then return {'0', coming(), '', {}, 0} end
            redis.call('EXPIRE', KEYS[1], ARGV[3])
            local limit, bytes = tonumber(ARGV[6]), tonumber(ARGV[8])
            local found, more = {}, 0
            local top = string.format('%.0f', s)
            local verb, last = 'XRANGE', top
            if ARGV[7] == '1' then verb, last = 'XREVRANGE', '-' end
            local from = ARGV[5]
            if from == '' then from = ARGV[7] == '1' and top or '-' end
            if limit > 0 then age(KEYS[2], tonumber(ARGV[4])) end
            local count = 2
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
              count = bytes > 0 and math.min(64, count * 2, limit - #found + 1) or 1
            end
            return {string.format('%.0f', s), e, redis.call('HGET', KEYS[1], 'l') or '', found, more}
            """

    /// A receipt of an earlier publish ends the script.
    private static let receipt = """
        if KEYS[4] then
          local known = redis.call('GET', KEYS[4])
          if known then
            local space = string.find(known, ' ', 1, true)
            return {string.sub(known, 1, space - 1), string.sub(known, space + 1), 1, 0}
          end
        end

        """

    /// `now` in seconds, and functions: `age` drops what is older than so many seconds, and looks at one entry first, for Redis copies all
    /// of what it shows (every publish and read asks); `clear` drops what is at `offset` and behind it, so that ids go on after
    /// `last`. Redis 7 wants to be told that what was deleted does not count.
    private static let clock = """
        local now = redis.call('TIME')[1]
        local function age(stream, seconds)
          local count = 1
          while true do
            local entries = redis.call('XRANGE', stream, '-', '+', 'COUNT', count)
            local old = {}
            for _, entry in ipairs(entries) do
              if tonumber(string.match(entry[1], '-(%d+)$')) + seconds >= tonumber(now) then break end
              old[#old + 1] = entry[1]
            end
            if #old > 0 then redis.call('XDEL', stream, unpack(old)) end
            if #old < count then return end
            count = math.min(16, count * 2)
          end
        end

        local function clear(offset, last)
          local removed = 0
          while true do
            local ids = {}
            for _, entry in ipairs(redis.call('XRANGE', KEYS[2], offset, '+', 'COUNT', 500)) do
              ids[#ids + 1] = entry[1]
            end
            if #ids == 0 then break end
            removed = removed + redis.call('XDEL', KEYS[2], unpack(ids))
          end
          local id = last .. '-18446744073709551615'
          local set = redis.pcall('XSETID', KEYS[2], id)
          if set.err then
            local count = redis.call('XLEN', KEYS[2])
            redis.pcall('XSETID', KEYS[2], id, 'ENTRIESADDED', count, 'MAXDELETEDID', '0-0')
          end
          return removed
        end

        """

    /// `s` and `e`, the stream's end; without `e` there is no stream, or nothing that a node could have written. `coming`
    /// gives the epoch that it will have.
    ///
    /// All channels without a stream have one epoch, so that a subscriber has a position to come back with while nothing is
    /// kept for its channel. The key has it, the run of Redis in which it began, and from byte 64 on a bit for each channel
    /// whose stream began with it, by a hash: where the bit is set already, an earlier stream of that channel may have been
    /// lost (evicted, deleted), and the next one has an epoch of its own. The key goes before any stream that began with it
    /// can have expired. So no offset of an epoch means two publications.
    private static let open = """
        local meta = redis.call('HMGET', KEYS[1], 's', 'e')
        local s = tonumber(string.match(meta[1] or '', '^%d+$') or '')
        local e = string.match(meta[2] or '', '^%w+$')
        if not s or s > 9007199252643840 or e and #e > 15 then e = nil end
        if not e then s = 0 end

        local function coming()
          local e, run = string.match(redis.call('GETRANGE', KEYS[3], 0, 63), '^(%w+) (%w+) ')
          if run == ARGV[1] then return e end
          local head = ARGV[2] .. ' ' .. ARGV[1] .. ' '
          redis.call('SET', KEYS[3], head .. string.rep(' ', 64 - #head), 'EX', 82800)
          return ARGV[2]
        end

        """
}
