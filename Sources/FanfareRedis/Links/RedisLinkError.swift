/// Why a link to Redis ended or did not come up.
enum RedisLinkError: Error, CustomStringConvertible {
    /// Bytes that are no Redis reply.
    case protocolError(String)
    /// Redis refused a command that the link can't do without, with its words as far as they may be shown.
    case refused(command: String, words: RedisWords)
    /// The user may not do what the link is for: which right it lacks.
    case missingRight(String)
    /// No answer in time.
    case timeout(String)
    /// TLS was asked for and did not come about.
    case noTLS(String)
    /// TLS was not asked for and is what is spoken there.
    case wantsTLS
    /// Redis, or something between, closed the link.
    case closed
    /// The same before any answer, as a server does that was expecting TLS.
    case closedUnheard
    /// The publish path gave nothing back: the link is open and silent.
    case silent
    /// Sentinels name another master.
    case moved(RedisEndpoint)
    /// An address that has to be asked for first.
    case unresolved

    var description: String {
        switch self {
        case .protocolError(let what): "protocol error: \(what)"
        case .refused(let command, let words): "\(command) refused: \(words)"
        case .missingRight(let problem): problem
        case .timeout(let what): "no answer to \(what) in time"
        case .noTLS(let reason): "\(reason): is this a port without TLS? Then the URL must begin with redis, not rediss"
        case .wantsTLS: "this port speaks TLS: the URL must begin with rediss, not redis"
        case .closed: "closed by Redis"
        case .closedUnheard: "closed by Redis before it answered; if it wants TLS, the URL must begin with rediss"
        case .silent: "open but silent: probes do not come back"
        case .moved(let endpoint): "the master is \(endpoint) now"
        case .unresolved: "no address of a Redis"
        }
    }
}
