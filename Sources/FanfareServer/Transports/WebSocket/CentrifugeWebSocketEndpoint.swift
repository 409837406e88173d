import FanfareProtocols
import FanfareWire
import NIOCore

/// `/connection/websocket`: an upgrade to the Centrifuge client protocol, whose client says later who it is.
struct CentrifugeWebSocketEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        let loop = exchange.loop
        guard let upgrade = WebSocketUpgrade(exchange, subprotocols: ["centrifuge-json", "centrifuge-protobuf"]) else {
            return
        }
        let encoding = CentrifugeEncoding(subprotocol: upgrade.subprotocol, target: exchange.path)
        var session = CentrifugeSession(loop.node.centrifuge, clientID: loop.makeClientID(), encoding: encoding)
        session.requestToken = exchange.token
        upgrade.admit(.centrifuge(session), encoding.webSocketFormat(isDeflated: upgrade.isDeflated))
    }
}

extension CentrifugeEncoding {
    /// What a client wants to speak: the subprotocol says it, or without one `?cf_protocol=protobuf`; else it is JSON.
    ///
    /// - Parameter target: the request target as received.
    init(subprotocol: ExactText?, target: String) {
        switch subprotocol {
        case "centrifuge-json"?: self = .json
        case "centrifuge-protobuf"?: self = .protobuf
        default:
            let query = target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[target.utf8.index(after: $0)...] }
            let isWanted = query?.split(separator: "&").contains { ExactText($0) == "cf_protocol=protobuf" } == true
            self = isWanted ? .protobuf : .json
        }
    }

    fileprivate func webSocketFormat(isDeflated: Bool) -> WireFormat {
        switch self {
        case .json: isDeflated ? .centrifugeJSONWebSocketDeflate : .centrifugeJSONWebSocket
        case .protobuf: isDeflated ? .centrifugeProtobufWebSocketDeflate : .centrifugeProtobufWebSocket
        }
    }
}
