import FanfareCore
import NIOCore
import NIOHTTP1
import NIOHTTP2

/// The handlers of a connection that agreed on HTTP/2 in its TLS handshake, in place of those of HTTP/1.1.
enum HTTP2Pipeline {
    /// What it is called in ALPN (RFC 9113 §3.1).
    static let token = "h2"

    /// Nothing but the handshake has come yet.
    static func begin(on channel: any Channel, loop: LoopState) {
        let pipeline = channel.pipeline.syncOperations
        var entered: HTTP2Connection?
        do {
            let before = try pipeline.handler(type: HTTPConnection.self)
            let gate = try pipeline.handler(type: RequestGate.self)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            let flushes = HTTP2FlushCollector()
            let connection = HTTP2Connection(
                loop: loop, router: before.router, peer: before.peer, flushes: flushes)
            // Its place is free before the new one asks for one.
            pipeline.removeHandler(before, promise: nil)
            pipeline.removeHandler(gate, promise: nil)
            pipeline.removeHandler(decoder, promise: nil)
            guard connection.enter() else { return channel.close(promise: nil) }
            entered = connection
            try pipeline.addHandlers(
                [flushes, HTTP2Gate(connection), makeHandler(connection), connection] as [any ChannelHandler],
                position: .after(pipeline.handler(type: TLSPieces.self)))
        } catch {
            entered?.leave()
            channel.close(promise: nil)
        }
    }

    private static func makeHandler(_ connection: HTTP2Connection) -> NIOHTTP2Handler {
        let limits = connection.loop.node.configuration.limits
        var settings = NIOHTTP2Handler.ConnectionConfiguration()
        settings.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: HTTP2Bounds.streams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.maxHeaderListBytes),
        ]
        // As many as there may be: what comes late for one that is forgotten would end the connection.
        settings.maximumRecentlyResetStreams = HTTP2Bounds.streams + HTTP2Bounds.resets
        settings.maximumBufferedControlFrames = HTTP2Bounds.waitingControlFrames
        settings.maximumSequentialContinuationFrames = HTTP2Bounds.continuations
        settings.controlFrameRateLimit.maximumCount = HTTP2Bounds.controlFrames
        settings.controlFrameRateLimit.windowLength = HTTP2Bounds.window
        var streams = NIOHTTP2Handler.StreamConfiguration()
        streams.outboundBufferSizeHighWatermark = HTTP2Bounds.highWaterMark
        streams.outboundBufferSizeLowWatermark = HTTP2Bounds.highWaterMark / 2
        streams.streamResetFrameRateLimit.maximumCount =
            connection.isTrusted ? HTTP2Bounds.resetsOfProxy : HTTP2Bounds.resets
        streams.streamResetFrameRateLimit.windowLength = HTTP2Bounds.window
        let bound = NIOLoopBound(connection, eventLoop: connection.loop.eventLoop)
        return NIOHTTP2Handler(
            mode: .server, eventLoop: connection.loop.eventLoop, connectionConfiguration: settings,
            streamConfiguration: streams
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                let stream = HTTP2Stream(connection: bound.value)
                guard stream.enter() else { throw ChannelError.operationUnsupported }
                try channel.pipeline.syncOperations.addHandler(stream)
            }
        }
    }
}

extension Channel {
    /// Whether it is one stream of a connection: its parent has a parent, the listener.
    var isHTTP2Stream: Bool { parent?.parent != nil }
}
