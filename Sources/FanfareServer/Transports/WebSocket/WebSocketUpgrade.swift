import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// The opening handshake: from a request to a client.
struct WebSocketUpgrade {
    let exchange: Exchange
    private let acceptance: OpeningHandshake.Acceptance
    private let compressesEverything: Bool

    /// Whether the client takes publications that were compressed once for all.
    var isDeflated: Bool { acceptance.deflate?.takesSharedFrames == true }

    /// What was chosen of what client and endpoint speak; `nil`: nothing.
    var subprotocol: ExactText? { acceptance.subprotocol.map { ExactText($0) } }

    /// Checks what costs the node nothing: the handshake, and how often the address has tried. Before any token is looked at.
    ///
    /// - Parameters:
    ///   - subprotocols: those that the endpoint speaks.
    ///   - compresses: whether permessage-deflate may be agreed on, if the configuration wants it.
    ///   - compressesEverything: whether also those messages are compressed that are for one client only.
    /// - Returns: `nil`: the request was refused.
    init?(
        _ exchange: Exchange, subprotocols: [String], compresses: Bool = true, compressesEverything: Bool = false
    ) {
        let handshake = OpeningHandshake.check(
            method: exchange.request.method.rawValue,
            majorVersion: 1,
            minorVersion: exchange.isUpgradable ? 1 : 0,
            headers: exchange.request.headerFields.lazy.map { (name: $0.name.rawName, value: $0.value) },
            subprotocols: subprotocols,
            deflate: compresses ? exchange.loop.node.configuration.compression.policy : nil
        )
        switch handshake {
        case .failure(let refusal):
            var fields = HTTPFields()
            for (name, value) in refusal.headers {
                if let name = HTTPField.Name(name) { fields[name] = value }
            }
            exchange.refuse(
                .badRequest, HTTPResponse.Status(code: refusal.status), refusal.message, fields: fields)
            return nil
        case .success(let acceptance):
            guard exchange.mayTry() else { return nil }
            self.exchange = exchange
            self.acceptance = acceptance
            self.compressesEverything = compressesEverything
        }
    }

    /// Takes a place for a client and begins it, or says why there is none: see ``ClientRequest``.
    ///
    /// - Parameter first: a message that came with the request, before all others.
    func admit(
        _ session: @autoclosure () -> Session, _ format: WireFormat, in channel: ChannelName? = nil,
        _ wish: RecoveryRequest = .none, first: Payload? = nil
    ) {
        let transport = transport(WebSocketTransport.init)
        admit(session(), format, in: channel, wish, on: transport)
        if let first { transport.client?.begin(with: first) }
    }

    /// The same on a transport of ``transport(_:)``.
    ///
    /// - Parameter prelude: what the client gets before everything else.
    func admit(
        _ session: @autoclosure () -> Session, _ format: WireFormat, in channel: ChannelName? = nil,
        _ wish: RecoveryRequest = .none, on transport: WebSocketTransport, prelude: ByteBuffer? = nil
    ) {
        ClientRequest(exchange, on: transport, prelude: { _ in prelude }, head: answer)
            .begin(session(), format, in: channel, wish)
    }

    /// A transport for what was agreed on.
    func transport<Transport: WebSocketTransport>(
        _ make: (Limits, DeflateAgreement?, WebSocketDeflateFraming?) -> Transport
    ) -> Transport {
        make(exchange.limits, acceptance.deflate, deflate)
    }

    /// The same on a transport of a protocol's own.
    ///
    /// - Parameter prelude: its first message.
    func admit(
        _ session: @autoclosure () -> Session, _ format: WireFormat, on transport: any ConnectionTransport,
        prelude: ByteBuffer
    ) {
        ClientRequest(exchange, on: transport, prelude: { _ in prelude }, head: answer).begin(session(), format)
    }

    /// Hands the connection to `handler`, without a client.
    ///
    /// - Returns: whether it has it.
    func handOver(to handler: any ChannelHandler) -> Bool { exchange.handOver(answer(nil), to: handler) }

    private var deflate: WebSocketDeflateFraming? {
        guard compressesEverything, let bits = acceptance.deflate?.serverWindowBits else { return nil }
        let threshold = exchange.loop.node.configuration.compression.threshold
        return WebSocketDeflateFraming(threshold: threshold, windowBits: bits)
    }

    /// The 101.
    private func answer(_ subscription: ClientRequest.Subscription?) -> HTTPResponse {
        var fields: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", .secWebSocketAccept: acceptance.acceptKey,
        ]
        fields[.secWebSocketProtocol] = acceptance.subprotocol
        fields[.secWebSocketExtensions] = acceptance.deflate?.answer
        // Where a program can see it: each message is one offset further.
        fields[.fanfarePosition] = subscription?.start.origin.map { "\($0)" }
        return HTTPResponse(status: .switchingProtocols, headerFields: fields)
    }
}
