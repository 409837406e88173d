/// Field numbers of the Centrifuge client protocol in Protobuf (`client.proto`), of those fields that this node reads or writes.
enum CentrifugeFields {
    enum Command: UInt32 {
        case id = 1
    }

    enum Connect: UInt32 {
        case token = 1
        /// A map from channels to ``Subscribe``.
        case subscriptions = 3
    }

    enum Subscribe: UInt32 {
        case channel = 1
        case token = 2
        case recover = 3
        case epoch = 6
        case offset = 7
        case delta = 12
        /// A ``FilterNode``.
        case filter = 13
    }

    enum FilterNode: UInt32 {
        case op = 1
        case key = 2
        case cmp = 3
        case val = 4
        case vals = 5
        case nodes = 6
    }

    /// Of requests that have one: the channel of `unsubscribe`, `presence` and `presence_stats`, the token of `refresh`.
    enum Single: UInt32 {
        case text = 1
    }

    enum Publish: UInt32 {
        case channel = 1
        case data = 2
    }

    enum History: UInt32 {
        case channel = 1
        case limit = 7
        case since = 8
        case reverse = 9
    }

    enum Position: UInt32 {
        case offset = 1
        case epoch = 2
    }

    enum SubRefresh: UInt32 {
        case channel = 1
        case token = 2
    }

    /// An entry of a map.
    enum Entry: UInt32 {
        case key = 1
        case value = 2
    }

    enum Reply: UInt32 {
        case id = 1
        case error = 2
        case push = 4
    }

    enum Error: UInt32 {
        case code = 1
        case message = 2
        case temporary = 3
    }

    enum ConnectResult: UInt32 {
        case client = 1
        case version = 2
        case expires = 3
        case ttl = 4
        /// A map from channels to ``SubscribeResult``.
        case subscriptions = 6
        case ping = 7
        case pong = 8
        case session = 9
        case node = 10
    }

    enum SubscribeResult: UInt32 {
        case expires = 1
        case ttl = 2
        case recoverable = 3
        case epoch = 6
        case publications = 7
        case recovered = 8
        case offset = 9
        case positioned = 10
        case wasRecovering = 12
        case delta = 13
    }

    enum HistoryResult: UInt32 {
        case publications = 1
        case epoch = 2
        case offset = 3
    }

    enum PresenceResult: UInt32 {
        /// A map from clients to ``ClientInfo``.
        case presence = 1
    }

    enum PresenceStatsResult: UInt32 {
        case clients = 1
        case users = 2
    }

    enum RefreshResult: UInt32 {
        case client = 1
        case version = 2
        case expires = 3
        case ttl = 4
    }

    enum SubRefreshResult: UInt32 {
        case expires = 1
        case ttl = 2
    }

    enum Push: UInt32 {
        case channel = 2
        case publication = 4
        case join = 5
        case leave = 6
        case unsubscribe = 7
        case subscribe = 9
        case disconnect = 11
        case refresh = 12
    }

    /// What a push says of a subscription (`client.proto`: Subscribe).
    enum SubscribePush: UInt32 {
        case recoverable = 1
        case epoch = 4
        case offset = 5
        case positioned = 6
        case data = 7
    }

    /// `client.proto`: Refresh.
    enum RefreshPush: UInt32 {
        case expires = 1
        case ttl = 2
    }

    enum Disconnect: UInt32 {
        case code = 1
        case reason = 2
    }

    enum Publication: UInt32 {
        case data = 4
        case info = 5
        case offset = 6
        /// A map from names to values.
        case tags = 7
        case delta = 8
    }

    /// Of a join and a leave.
    enum Presence: UInt32 {
        case info = 1
    }

    enum ClientInfo: UInt32 {
        case user = 1
        case client = 2
        case connInfo = 3
        case chanInfo = 4
    }

    enum Unsubscribe: UInt32 {
        case code = 2
        case reason = 3
    }
}

extension CentrifugeFields {
    /// Where a command has what it asks for.
    static func method(inCommand field: UInt32) -> CentrifugeMethod? {
        switch field {
        case 4: .connect
        case 5: .subscribe
        case 6: .unsubscribe
        case 7: .publish
        case 8: .presence
        case 9: .presenceStats
        case 10: .history
        case 11: .ping
        case 12: .send
        case 13: .rpc
        case 14: .refresh
        case 15: .subRefresh
        default: nil
        }
    }

    /// Where a reply has its result.
    enum Result: UInt32 {
        case connect = 5
        case subscribe = 6
        case unsubscribe = 7
        case publish = 8
        case presence = 9
        case presenceStats = 10
        case history = 11
        case ping = 12
        case rpc = 13
        case refresh = 14
        case subRefresh = 15

        /// `nil`: the method has no reply.
        init?(of method: CentrifugeMethod) {
            switch method {
            case .connect: self = .connect
            case .subscribe: self = .subscribe
            case .unsubscribe: self = .unsubscribe
            case .publish: self = .publish
            case .presence: self = .presence
            case .presenceStats: self = .presenceStats
            case .history: self = .history
            case .ping: self = .ping
            case .send: return nil
            case .rpc: self = .rpc
            case .refresh: self = .refresh
            case .subRefresh: self = .subRefresh
            }
        }
    }
}
