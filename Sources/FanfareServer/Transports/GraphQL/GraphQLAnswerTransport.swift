import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// A client of GraphQL whose request is one query or mutation, and that is gone with its answer. The connection is the transport's own from
/// the first byte of that on, so that a client that does not take it is bounded like any other. Lives on its client's event loop.
final class GraphQLAnswerTransport: ListenerHandler, ConnectionTransport {
    let publisher: ClientGroup?
    private let exchange: Exchange
    /// Whether the request has its answer, or has none any more.
    private var isAnswered = false
    /// Why the node ends its client.
    private var end = Disconnect.tryAgainLater

    init(_ exchange: Exchange, _ publisher: ClientGroup?) { (self.exchange, self.publisher) = (exchange, publisher) }

    override func write(_ part: ByteBuffer, promise: EventLoopPromise<Void>?) {
        if !isAnswered { beginAnswer() }
        super.write(part, promise: promise)
    }

    private func beginAnswer() {
        isAnswered = true
        exchange.onGone = nil
        let head = HTTPResponse(
            status: .ok,
            headerFields: [
                .contentType: "application/json; charset=utf-8", .cacheControl: "no-store", .connection: "close",
                // All of it waits for the client by now.
                .contentLength: "\(client?.outbound.outbox.bytes ?? 0)",
            ])
        _ = exchange.handOver(head, to: self)
    }

    override func close() {
        guard isAnswered else { return refuse() }
        // Where the connection could not be had, there is none to close.
        context == nil ? finish() : super.close()
    }

    /// The node has ended the client before there was an answer.
    private func refuse() {
        isAnswered = true
        exchange.onGone = nil
        finish()
        let (status, message): (HTTPResponse.Status, String) =
            switch end {
            case .expired: (.unauthorized, "the token has expired")
            case _ where end.advice == .reconnect: (.serviceUnavailable, "the node can't answer, try again")
            default: (.forbidden, "the operator has ended this client")
            }
        exchange.refuse(
            end == .expired ? .unauthorized : .brokerUnavailable, status,
            "\(message); what was to be published may have been", fields: [.fanfareOutcome: "unknown"],
            retry: status == .serviceUnavailable)
    }
}

extension GraphQLAnswerTransport {
    var name: TransportName { .poll }

    func next(now: UInt64) -> Arrival? { nil }

    func turnEnded(now: UInt64) {}

    var keepAlive: KeepAliveMode? { nil }

    func seal(_ body: consuming Body) -> ByteBuffer { body.bytes }

    var ping: ByteBuffer { ByteBuffer() }

    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        end = disconnect
        return (ByteBuffer(), isAnswered ? .endOutput : .closeSocket)
    }

    /// There is one message.
    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int { taken == 0 ? 0 : bytes.readableBytes }
}
