import HTTPTypes
import NIOCore
import Synchronization

@testable import FanfareServer

/// Streams what a test says.
struct StreamEndpoint: Endpoint {
    let onStream: @Sendable (ResponseStream?) -> Void

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        onStream(exchange.stream(.ok, [.contentType: "text/plain"]))
    }
}

/// Answers with the body that it got, of at most ten bytes.
struct MirrorEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? { .kept(limit: 10) }

    func respond(to exchange: Exchange, _ body: ByteBuffer) { exchange.answer(.ok, [:], body) }
}

/// Answers when a test says so.
struct WaitingEndpoint: Endpoint {
    let isHeldOpen: Bool
    let onRequest: @Sendable (Exchange) -> Void

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        if isHeldOpen { exchange.holdOpen() }
        onRequest(exchange)
    }
}

/// Streams so many bytes, as fast as the client takes them and no faster.
struct FloodEndpoint: Endpoint {
    static let part = 16_384

    /// What a test sees of a flood.
    final class Gauge: Sendable {
        private let state = Mutex((sent: 0, mostWaiting: 0, ends: 0, gone: 0))

        var sent: Int { state.withLock { $0.sent } }
        var mostWaiting: Int { state.withLock { $0.mostWaiting } }
        var ends: Int { state.withLock { $0.ends } }
        var gone: Int { state.withLock { $0.gone } }

        fileprivate func note(sent bytes: Int, waiting: Int) {
            state.withLock { $0 = ($0.sent + bytes, max($0.mostWaiting, waiting), $0.ends, $0.gone) }
        }
        fileprivate func noteEnd() { state.withLock { $0.ends += 1 } }
        fileprivate func noteGone() { state.withLock { $0.gone += 1 } }
    }

    let total: Int
    let gauge: Gauge

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        guard let stream = exchange.stream(.ok) else { return }
        stream.onGone = { gauge.noteGone() }
        push(stream, left: total)
    }

    private func push(_ stream: ResponseStream, left: Int) {
        var left = left
        while left > 0, stream.isWritable {
            let count = min(left, Self.part)
            stream.send(ByteBuffer(repeating: UInt8(ascii: "x"), count: count))
            left -= count
            gauge.note(sent: count, waiting: stream.waitingBytes)
        }
        guard left > 0 else {
            stream.end()
            return gauge.noteEnd()
        }
        stream.onWritable = { [left] in push(stream, left: left) }
    }
}
