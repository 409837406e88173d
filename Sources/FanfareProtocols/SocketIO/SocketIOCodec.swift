import FanfareWire

/// Publications as events of one namespace.
struct SocketIOCodec: Codec {
    let namespace: ExactText
    /// Whether its clients take a last argument that is a string for an offset.
    let isGuarded: Bool

    func body(_ publication: Publication) -> Body {
        SocketIOSharedEvent(publication).packet(namespace, offset: nil, isGuarded: isGuarded)
    }
}

/// Publications of channels to which clients come back, for all namespaces: each client's session writes its own offset behind them.
struct SocketIOPositionedCodec: Codec {
    func body(_ publication: Publication) -> Body { SocketIOSharedEvent(publication).body }
}

extension WireFormat {
    /// An event of the namespace `/` of Socket.IO, in the frames of Engine.IO.
    public static let socketIO = WireFormat(id: 60)
    /// As ``socketIO``, where `null` follows a last argument that is a string.
    public static let socketIOGuarded = WireFormat(id: 61)
    /// What clients share of an event behind which each has its own offset. Its lead says of which subscription it is.
    public static let socketIOPositioned = WireFormat(id: 62)

    /// Those of Socket.IO that have no parameters.
    static let socketIOFormats: [(WireFormat, FormatDefinition)] = [
        (.socketIO, .socketIO("/", isGuarded: false)),
        (.socketIOGuarded, .socketIO("/", isGuarded: true)),
        (.socketIOPositioned, .personal(SocketIOPositionedCodec(), in: UnframedLead())),
    ]
}

extension FormatDefinition {
    /// Events of a namespace.
    static func socketIO(_ namespace: ExactText, isGuarded: Bool) -> FormatDefinition {
        .encoded(SocketIOCodec(namespace: namespace, isGuarded: isGuarded), in: EngineIOFraming())
    }
}
