import FanfareCore
import HTTPTypes
import NIOCore
import NIOHPACK
import NIOHTTP2

/// The answer on its way out.
extension HTTP2Stream: ExchangeCarrier {
    func answer(_ response: HTTPResponse, _ body: ByteBuffer, isLast: Bool) {
        guard state == .receiving || state == .answering, let exchange else { return }
        var response = response
        if response.status.hasContent { response.headerFields[.contentLength] = "\(body.readableBytes)" }
        // RFC 9110 §9.3.2: the answer to a HEAD has no body, whatever it is.
        let isEmpty = exchange.request.method == .head || body.readableBytes == 0
        completed()
        let sent = isComplete ? nil : resetting()
        writeHead(response, isLast: isEmpty, promise: isEmpty ? sent : nil)
        if !isEmpty { writeData(body, isLast: true, promise: sent) }
        context?.flush()
        guard response.status.kind == .clientError || response.status.kind == .serverError else { return }
        connection.requestFailed(isPostponed: response.headerFields.contains(.retryAfter))
    }

    func handOver(_ response: HTTPResponse, to handler: any ChannelHandler) -> Bool {
        guard let context, state == .answering, response.status.kind == .successful else { return false }
        completed()
        leave()
        writeHead(response, isLast: false)
        do {
            try context.pipeline.syncOperations.addHandler(handler, position: .last)
            context.flush()
            return true
        } catch {
            reset(.internalError)
            return false
        }
    }

    func beginBody(_ response: HTTPResponse) -> Bool {
        guard state == .answering, let exchange, context != nil else { return false }
        guard exchange.request.method != .head else {
            answer(response, ByteBuffer(), isLast: false)
            return false
        }
        state = .sending
        leave()
        writeHead(response, isLast: false)
        context?.flush()
        return true
    }

    func send(_ part: ByteBuffer) {
        guard state == .sending, part.readableBytes > 0 else { return }
        let written = loop.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let count = part.readableBytes
        unwritten += count
        written.futureResult.whenComplete { _ in bound.value.unwritten -= count }
        writeData(part, isLast: false, promise: written)
        context?.flush()
    }

    func endBody() {
        guard state == .sending else { return }
        completed()
        writeData(ByteBuffer(), isLast: true, promise: nil)
        context?.flush()
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    var waitingBytes: Int { unwritten }

    func holdOpen() { leave() }

    func abort() { reset(.cancel) }

    /// The answer is decided: what follows is up to the client's windows, and to a deadline.
    private func completed() {
        let ended = exchange
        exchange = nil
        state = .done
        ended?.completed()
        waitForClient()
    }

    /// What is still to come of a request that has its answer does not matter (RFC 9113 §8.1). The frame waits for the answer: it
    /// would overtake what waits for windows, and throw it away.
    private func resetting() -> EventLoopPromise<Void> {
        let sent = loop.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        sent.futureResult.whenSuccess { bound.value.reset(.noError) }
        return sent
    }

    func writeHead(_ response: HTTPResponse, isLast: Bool, promise: EventLoopPromise<Void>? = nil) {
        var response = response
        if response.status.kind != .informational {
            isAnswered = true
            response.headerFields[.fanfareNode] = loop.node.configuration.nodeName
        }
        let head = HTTP2Frame.FramePayload.Headers(headers: HPACKHeaders(response), endStream: isLast)
        guard let context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        context.write(wrapOutboundOut(.headers(head)), promise: promise)
        if response.status.kind == .informational { context.flush() }
    }

    private func writeData(_ bytes: ByteBuffer, isLast: Bool, promise: EventLoopPromise<Void>?) {
        guard let context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(bytes), endStream: isLast))), promise: promise)
    }

    /// Ends the stream at once.
    func reset(_ code: NIOHTTP2.HTTP2ErrorCode) {
        state = .done
        isAnswered = true
        context?.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: nil)
    }
}

/// What a client that has the stream writes.
extension HTTP2Stream {
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(
            wrapOutboundOut(.data(.init(data: .byteBuffer(unwrapOutboundIn(data)), endStream: false))), promise: promise
        )
    }

    /// To NIO, a stream that is closed is reset, whichever half was meant.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else { return context.close(mode: mode, promise: promise) }
        context.writeAndFlush(
            wrapOutboundOut(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true))), promise: promise)
    }
}
