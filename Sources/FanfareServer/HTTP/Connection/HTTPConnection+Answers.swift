import FanfareCore
import HTTPTypes
import NIOCore

/// Answers on their way out. Pieces are gathered and leave together: see ``flushAnswers()``.
extension HTTPConnection: ExchangeCarrier {
    func answer(_ response: HTTPResponse, _ body: ByteBuffer, isLast: Bool) {
        guard context != nil else { return }
        if case .done = state { return }
        let isHead = exchange?.request.method == .head
        let closes = isLast || !keepsOpen || !comesBack()
        var response = response
        if response.status.hasContent { response.headerFields[.contentLength] = "\(body.readableBytes)" }
        if closes {
            response.headerFields[.connection] = "close"
        } else if isOld {
            // RFC 9112 §C.2.2: else its client takes the connection for one that ends.
            response.headerFields[.connection] = "keep-alive"
        }
        writeHead(response)
        // RFC 9110 §9.3.2: the answer to a HEAD has no body, whatever it is.
        if !isHead { write(body) }
        answered(closes: closes)
    }

    func holdOpen() {
        guard case .answering = state else { return }
        leave()
    }

    func handOver(_ response: HTTPResponse, to handler: any ChannelHandler) -> Bool {
        guard let context, case .answering = state else { return false }
        state = .done
        leave()
        endExchange()
        writeHead(response)
        flushAnswers()
        return HTTPPipeline.replace(in: context, with: handler, loop: loop)
    }

    /// Refuses the current request, or what is none, and ends the connection.
    func refuse(
        _ reason: RefusalReason, _ status: HTTPResponse.Status, _ message: String, retry: Bool = false
    ) {
        if let exchange { return exchange.refuse(reason, status, message, retry: retry) }
        if case .done = state { return }
        loop.metrics.refusals.add(reason)
        loop.logRefusal(reason, message, proxied ?? ClientAddress(context?.channel.remoteAddress), status)
        let (response, body) = loop.refusal(status, message, retry: retry)
        answer(response, body, isLast: true)
    }

    /// Lets go of what was written.
    func flushAnswers() {
        pushOutput()
        guard hasUnflushed else { return }
        hasUnflushed = false
        context?.flush()
    }

    /// The answer is written: what follows it is the next request or the end.
    func answered(closes: Bool) {
        endExchange()
        state = closes ? .done : .idle
        hasAnswered = true
        restartDeadline()
        if closes { endOutput() }
        goOn()
    }

    private func endExchange() {
        let ended = exchange
        exchange = nil
        endpoint = nil
        body = ByteBuffer()
        ended?.completed()
    }

    func writeHead(_ response: HTTPResponse) {
        var response = response
        response.headerFields[.fanfareNode] = loop.node.configuration.nodeName
        response.write(into: &output)
    }

    func write(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > Self.copiedBytes else {
            output.writeImmutableBuffer(bytes)
            return
        }
        pushOutput()
        context?.write(wrapOutboundOut(bytes), promise: nil)
        hasUnflushed = true
    }

    private func pushOutput() {
        guard output.readableBytes > 0, let context else { return }
        context.write(wrapOutboundOut(output), promise: nil)
        output = ByteBuffer()
        hasUnflushed = true
    }

    /// Ends our half behind the last answer. The peer may still be sending: this lets it read the answer before the reset.
    private func endOutput() {
        guard let context else { return }
        let last = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        last.futureResult.whenComplete { _ in bound.value.close(mode: .output, promise: nil) }
        context.writeAndFlush(wrapOutboundOut(output), promise: last)
        output = ByteBuffer()
        hasUnflushed = false
    }
}
