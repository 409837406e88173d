import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// An upgrade below the place of a SockJS service. A client on a WebSocket is one with its connection: its id means nothing.
struct SockJSWebSocket {
    private let upgrade: WebSocketUpgrade
    private let exchange: Exchange
    private let service: SockJSService

    /// - Returns: `nil`: the request was refused.
    init?(_ exchange: Exchange, _ service: SockJSService, _ options: SockJSOptions) {
        guard options.hasWebSocket else {
            exchange.refuse(.notFound, .notFound, "there is no WebSocket here")
            return nil
        }
        // Elsewhere 426 says what is missing; clients of SockJS know 400.
        guard Self.has(exchange, .upgrade, "websocket"), Self.has(exchange, .connection, "upgrade") else {
            exchange.refuse(.badRequest, .badRequest, "this path speaks WebSocket only")
            return nil
        }
        guard let upgrade = WebSocketUpgrade(exchange, subprotocols: service.subprotocols(for: exchange)) else {
            return nil
        }
        (self.upgrade, self.exchange, self.service) = (upgrade, exchange, service)
    }

    private static func has(_ exchange: Exchange, _ name: HTTPField.Name, _ token: StaticString) -> Bool {
        exchange.request.headerFields[values: name].contains { field in
            field.split(separator: ",").contains { $0.drop { $0 == " " || $0 == "\t" }.isToken(token) }
        }
    }

    /// With the frames of SockJS.
    func begin() {
        service.session(for: exchange) { [self] session, channel, wish in
            let format = service.webSocketFormat(isDeflated: upgrade.isDeflated)
            let transport = upgrade.transport(SockJSWebSocketTransport.init)
            transport.closing = service.closing
            transport.sealsPublications = service.sealsPublications
            upgrade.admit(session, format, in: channel, wish, on: transport, prelude: SockJSWebSocketTransport.open)
            if let closing = service.closing { transport.client?.end(.notAvailable, reason: closing.reason) }
        }
    }

    /// Without: a message is a message.
    func beginRaw() {
        service.session(for: exchange, isTextOnly: false) { [self] session, channel, wish in
            let format: WireFormat =
                switch service {
                case .centrifuge: upgrade.isDeflated ? .centrifugeJSONWebSocketDeflate : .centrifugeJSONWebSocket
                case .stomp: .stomp(STOMPForm(.v12))
                case .channel, .echo, .closing: upgrade.isDeflated ? .rawWebSocketDeflate : .rawWebSocket
                }
            let transport = upgrade.transport(WebSocketTransport.init)
            upgrade.admit(session, format, in: channel, wish, on: transport)
            if let closing = service.closing { transport.client?.end(.notAvailable, reason: closing.reason) }
        }
    }
}

/// A client that speaks SockJS on a WebSocket.
final class SockJSWebSocketTransport: WebSocketTransport {
    /// The first frame.
    static let open = WebSocketFrame.encode(.text, payload: SockJSFrame.open)
    /// What shows life on both sides: a page hears the frame, and the browser answers the ping.
    private static let heartbeat: ByteBuffer = {
        var bytes = WebSocketFrame.encode(.text, payload: SockJSFrame.heartbeat)
        WebSocketFrame.encode(.ping, into: &bytes, payload: ByteBuffer())
        return bytes
    }()

    /// Its end, where the service knows it from the beginning.
    var closing: (code: UInt16, reason: String)?
    /// Whether publications come as bare text, and each is sealed as it comes.
    var sealsPublications = false
    /// What is left of a message with several of the client's.
    private var batch = ByteBuffer()
    /// Whether the client sent what is no message: then it may not understand a frame either.
    private var isBroken = false

    override var name: TransportName { .sockJSWebSocket }

    override func next(now: UInt64) -> Arrival? {
        if let text = SockJSMessages.next(in: &batch) { return .message(Payload(kind: .text, bytes: text)) }
        guard let arrival = super.next(now: now) else { return nil }
        guard case .message(let message) = arrival else { return arrival }
        switch message.kind == .text ? SockJSMessages.check(message.bytes, allowsString: true) : .broken {
        case .messages: batch = message.bytes
        case .empty: break
        case .broken:
            isBroken = true
            client?.end(.badRequest, reason: "Broken framing.")
        }
        return .control
    }

    override var changesFrames: Bool { sealsPublications }

    override func changed(_ frame: SplitFrame) -> SplitFrame {
        sealsPublications ? SplitFrame(body: seal(Body(Payload(kind: .text, bytes: frame.joined)))) : frame
    }

    override func seal(_ body: consuming Body) -> ByteBuffer { SockJSWebSocketFraming().seal(body) }

    override var ping: ByteBuffer { Self.heartbeat }

    /// The code is in the frame; the WebSocket itself ends as it should.
    override func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        let farewell = super.farewell(disconnect, reason: reason)
        guard farewell.then == .awaitPeer, !isBroken else { return farewell }
        let (code, reason) = closing ?? (disconnect.code, reason)
        var bytes = WebSocketFrame.encode(.text, payload: SockJSFrame.close(code: code, reason: reason))
        bytes.writeImmutableBuffer(WebSocketFrame.close(code: 1000, reason: "Normal closure"))
        return (bytes, .awaitPeer)
    }
}
