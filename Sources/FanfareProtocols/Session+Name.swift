import FanfareCore

extension Session {
    /// How clients that speak it are counted.
    public var name: ProtocolName {
        switch self {
        case .raw: .raw
        case .centrifuge(let session): session.name
        case .socketIO: .socketIO
        case .stomp: .stomp
        case .mqtt: .mqtt
        case .graphQL: .graphQL
        case .echo: .echo
        }
    }
}

extension CentrifugeSession {
    fileprivate var name: ProtocolName {
        if let link, link.session == nil { return .centrifugeUnidirectional }
        return encoding == .protobuf ? .centrifugeProtobuf : .centrifugeJSON
    }
}
