import FanfareWire

/// What each method of the server API understands. A field outside of this is an error that names it: a backend must not
/// take an option for heeded that was only passed over.
enum APIMethod: String, CaseIterable {
    case publish
    case broadcast
    case history
    case historyRemove = "history_remove"
    case presence
    case presenceStats = "presence_stats"
    case subscribe
    case unsubscribe
    case disconnect
    case refresh

    /// Fields of a request.
    var fields: [String] {
        switch self {
        case .publish: ["channel", "data", "b64data", "tags", "delta", "idempotency_key", "skip_history"]
        case .broadcast: ["channels", "data", "b64data", "tags", "delta", "idempotency_key", "skip_history"]
        case .history: ["channel", "limit", "since", "reverse"]
        case .historyRemove, .presence, .presenceStats: ["channel"]
        case .subscribe:
            [
                "user", "client", "channel", "info", "b64info", "data", "b64data", "expire_at", "recover_since",
                "override",
            ]
        case .unsubscribe: ["user", "client", "channel"]
        case .disconnect: ["user", "client", "disconnect", "whitelist"]
        case .refresh: ["user", "client", "expired", "expire_at", "info"]
        }
    }

    /// Fields that Centrifugo has and this node can't heed. The value that asks for nothing is let pass, as client libraries
    /// send it for what nobody set.
    var unavailable: [ExactText: Idle] {
        switch self {
        case .publish, .broadcast:
            ["version": .isZero, "version_epoch": .isEmptyText]
        case .history, .historyRemove, .presence, .presenceStats: [:]
        // A client's id names its session, and the session's own is a secret of its client.
        case .subscribe, .unsubscribe, .disconnect, .refresh: ["session": .isEmptyText]
        }
    }

    /// The value of a field that asks for nothing; `null` does so everywhere.
    enum Idle: String {
        case isZero = "0"
        case isEmptyText = #""""#

        func fits(_ value: JSONMembers.Value) -> Bool {
            switch self {
            case .isZero: value.unsigned == 0
            case .isEmptyText: value.string?.isEmpty == true
            }
        }
    }

    /// Holds a request to what its method knows.
    func check(_ request: JSONMembers) throws(APIFailure) { try check(request, fields, within: "") }

    /// Holds an object within a request to its fields.
    ///
    /// - Parameter place: where it stands, for the message: `since.`.
    func check(_ object: JSONMembers, _ known: [String], within place: String) throws(APIFailure) {
        let fields = Set(known.map { ExactText($0) })
        var seen: Set<ExactText> = []
        for (key, value) in object.members {
            guard seen.insert(key).inserted else { throw .badRequest("'\(place)\(Self.shown(key))' is given twice") }
            guard !fields.contains(key), !value.isNull else { continue }
            if place.isEmpty, let idle = unavailable[key] {
                guard !idle.fits(value) else { continue }
                throw .notAvailable("'\(key)' is not available here: leave it out, or send \(idle.rawValue)")
            }
            let meant = NearestName.find(key.string, among: known).map { "; did you mean '\(place)\($0)'?" } ?? ""
            throw .badRequest(
                "unknown field '\(place)\(Self.shown(key))' in \(rawValue)\(meant); known: "
                    + known.map { place + $0 }.joined(separator: ", "))
        }
    }

    /// A key as a message quotes it.
    private static func shown(_ key: ExactText) -> String { String(key.string.prefix(64)) }
}
