/// Why a link to Redis ended or did not come up.
enum RedisLinkError: Error, CustomStringConvertible {
    /// Bytes that are no Redis reply.
    case protocolError(String)
    /// Redis refused a command that the link can't do without, with its words as far as they may be shown.
    case refused(command: String, words: RedisWords)
    /// No answer in time.
    case timeout(String)
    /// Redis, or something between, closed the link.
    case closed
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
        case .timeout(let what): "no answer to \(what) in time"
        case .closed: "closed by Redis"
        case .silent: "open but silent: probes do not come back"
        case .moved(let endpoint): "the master is \(endpoint) now"
        case .unresolved: "no address of a Redis"
        }
    }
}
