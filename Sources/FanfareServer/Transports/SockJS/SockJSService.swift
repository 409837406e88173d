import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// What the sessions of one place speak within the frames of SockJS.
enum SockJSService: Sendable {
    /// The raw protocol on a channel: messages are published there, what is published there are messages.
    case channel(ChannelName)
    /// The Centrifuge client protocol in JSON.
    case centrifuge
    /// STOMP, in frames that a message may hold a part of or several, as on a WebSocket.
    case stomp
    /// Every message back to its sender: what conformance suites drive.
    case echo
    /// An end at once, for the same suites.
    case closing

    /// What clients are told at once; `nil`: nothing.
    var closing: (code: UInt16, reason: String)? { if case .closing = self { (3000, "Go away!") } else { nil } }

    /// Finds out who the client is and what it may do, and goes on with its session; not where the request was refused.
    ///
    /// - Parameters:
    ///   - isTextOnly: whether what carries it knows text only.
    ///   - next: is given the session, and the channel to which it is subscribed before it opens.
    func session(
        for exchange: Exchange, isTextOnly: Bool = true,
        _ next: @escaping (_ session: Session, _ channel: ChannelName?, _ wish: RecoveryRequest) -> Void
    ) {
        let loop = exchange.loop
        switch self {
        case .channel(let channel):
            guard let rules = exchange.rules(channel) else { return }
            let wish: RecoveryRequest
            do {
                wish = try RecoveryQuery.wish(exchange.path, rules)
            } catch {
                return exchange.refuse(.badRequest, .badRequest, "\(error)")
            }
            exchange.rawSession(channel, rules, sends: true) { next(.raw($0), channel, wish) }
        case .centrifuge:
            var session = CentrifugeSession(loop.node.centrifuge, clientID: loop.makeClientID())
            session.requestToken = exchange.token
            next(.centrifuge(session), nil, .none)
        case .stomp:
            let subprotocol = isTextOnly ? nil : STOMPEndpoint.subprotocol(for: exchange)
            let session = STOMPSession(
                loop.node.stomp, clientID: loop.makeClientID().description, subprotocol: subprotocol?.version ?? .v12,
                isTextOnly: isTextOnly, requestToken: exchange.token)
            next(.stomp(Boxed(session)), nil, .none)
        case .echo, .closing: next(.echo, nil, .none)
        }
    }

    /// How publications read to its sessions.
    var format: WireFormat {
        switch self {
        case .channel, .echo, .closing: .rawSockJS
        case .centrifuge: .centrifugeSockJS
        case .stomp: .stomp(STOMPForm(.v12, isTextOnly: true))
        }
    }

    /// Whether transports seal publications as they come: what comes before them is each subscription's own.
    var sealsPublications: Bool { if case .stomp = self { true } else { false } }

    /// Subprotocols that an upgrade may be answered with: who opens `/websocket` without SockJS may offer some.
    func subprotocols(for exchange: Exchange) -> [String] {
        guard case .stomp = self else { return [] }
        return [STOMPEndpoint.subprotocol(for: exchange)?.name].compactMap(\.self)
    }

    /// The same over WebSocket.
    func webSocketFormat(isDeflated: Bool) -> WireFormat {
        switch self {
        case .channel, .echo, .closing: isDeflated ? .rawSockJSWebSocketDeflate : .rawSockJSWebSocket
        case .centrifuge: isDeflated ? .centrifugeSockJSWebSocketDeflate : .centrifugeSockJSWebSocket
        case .stomp: format
        }
    }

    /// What stands before the id in the name of a session.
    private var place: String {
        switch self {
        case .channel(let channel): "channels/\(channel.string)"
        case .centrifuge: "centrifuge"
        case .stomp: "stomp"
        case .echo, .closing: "echo"
        }
    }

    /// The session that a request names.
    func address(_ id: ExactText, of exchange: Exchange) -> SessionAddress {
        // No id has a slash.
        SessionAddress(ExactText("sockjs/\(id)/\(place)"), secret: exchange.token)
    }

    /// Messages of its sessions as they are kept.
    var form: SockJSForm {
        // A session of the Centrifuge protocol has pings of its own; of the others receivers show that they are there. Of STOMP some want
        // heart-beats, and answer none.
        switch self {
        case .centrifuge: SockJSForm(keepAlive: .serverPings)
        case .stomp: SockJSForm(keepAlive: .serverPingsOnly)
        case .channel, .echo, .closing: SockJSForm(keepAlive: nil)
        }
    }
}

/// Messages of SockJS as they are kept until a request fetches them.
struct SockJSForm: SessionForm {
    let keepAlive: KeepAliveMode?

    var terminator: UInt8 { SockJSMessageFraming.terminator }
    func seal(_ body: consuming Body) -> ByteBuffer { SockJSMessageFraming().seal(body) }
    func next(in body: inout ByteBuffer) -> Payload? {
        SockJSMessages.next(in: &body).map { Payload(kind: .text, bytes: $0) }
    }
    /// None: requests have their own heartbeats.
    var ping: ByteBuffer { ByteBuffer() }
    var gap: Duration { SockJSOptions.gap }
}

/// A session of SockJS. An end that comes from the client's side has the words that its clients know.
final class SockJSSession: SessionTransport {
    /// Its end, where the service knows it from the beginning.
    var closing: (code: UInt16, reason: String)?

    override func ending(_ disconnect: Disconnect, reason: String) -> (code: UInt16, reason: String)? {
        if let closing { return closing }
        return disconnect == .abnormal ? (1002, "Connection interrupted") : (disconnect.code, reason)
    }
}
