/// Tries every command that the scripts use, with a key and a Pub/Sub channel of nobody, and leaves nothing behind.
enum RightsScript {
    /// KEYS: a key. ARGV: run, verb of publish, channel, 1 for the commands of histories, 1 for those of members. Returns the
    /// names of commands that an access list forbids; `DEL` alone when that is one of them, for it would leave things behind.
    static let source = """
        local key, missing = KEYS[1], {}
        local function try(name, ...)
          local answer = redis.pcall(name, ...)
          local words = type(answer) == 'table' and answer.err
          if not words then return true end
          for _, sign in ipairs({'NOPERM', 'ACL failure', "can't run this command", 'o permissions'}) do
            if string.find(words, sign, 1, true) then
              missing[#missing + 1] = name
              return false
            end
          end
          return true
        end
        if not try('DEL', key) then return missing end
        try('TIME')
        try(ARGV[2], ARGV[3], '')
        if ARGV[4] == '1' then
          try('SET', key, '0', 'EX', '60')
          try('GET', key)
          try('SETBIT', key, 0, 1)
          try('GETRANGE', key, 0, 1)
          try('DEL', key)
          try('HSET', key, 'f', '0')
          try('HGET', key, 'f')
          try('HMGET', key, 'f')
          try('EXPIRE', key, 60)
          try('DEL', key)
          try('XADD', key, 'MAXLEN', 1, '1-1', 'd', '0')
          try('XRANGE', key, '-', '+', 'COUNT', 1)
          try('XREVRANGE', key, '+', '-', 'COUNT', 1)
          try('XDEL', key, '1-1')
          try('XLEN', key)
          try('XSETID', key, '1-2')
          try('DEL', key)
        end
        if ARGV[5] == '1' then
          try('ZADD', key, 1, 'm')
          try('ZSCORE', key, 'm')
          try('ZRANGE', key, 0, 0)
          try('ZRANGEBYSCORE', key, 0, 0)
          try('ZCOUNT', key, 0, 0)
          try('ZREMRANGEBYSCORE', key, 0, 0)
          try('ZREM', key, 'm')
          try('DEL', key)
          try('HSET', key, 'f', '0')
          try('HGET', key, 'f')
          try('HMGET', key, 'f')
          try('HINCRBY', key, 'f', 1)
          try('HLEN', key)
          try('HDEL', key, 'f')
          try('PEXPIRE', key, 60000)
          try('DEL', key)
        end
        return missing
        """
}
