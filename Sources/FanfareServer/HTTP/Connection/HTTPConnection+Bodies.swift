import FanfareCore
import HTTPTypes
import NIOCore

/// Answers in parts: chunks (RFC 9112 §7.1), or for HTTP/1.0 everything up to the end of the connection.
extension HTTPConnection {
    /// How the end of a body in parts is told.
    enum BodyFraming {
        case chunked
        case untilClose
    }

    func beginBody(_ response: HTTPResponse) -> Bool {
        guard let exchange, case .answering = state, bodyFraming == nil, context != nil else { return false }
        let framing = isOld ? BodyFraming.untilClose : .chunked
        if framing == .untilClose { keepsOpen = false }
        var response = response
        if framing == .chunked { response.headerFields[.transferEncoding] = "chunked" }
        if !keepsOpen { response.headerFields[.connection] = "close" }
        writeHead(response)
        guard exchange.request.method != .head else {
            answered(closes: !keepsOpen)
            return false
        }
        bodyFraming = framing
        leave()
        if let context { loop.boundSilence(of: context.channel) }
        flushSoon()
        return true
    }

    func send(_ part: ByteBuffer) {
        guard let bodyFraming, part.readableBytes > 0 else { return }
        switch bodyFraming {
        case .chunked:
            output.writeString(String(part.readableBytes, radix: 16))
            output.writeStaticString("\r\n")
            write(part)
            output.writeStaticString("\r\n")
        case .untilClose: write(part)
        }
        flushSoon()
    }

    func endBody() {
        guard let bodyFraming else { return }
        if bodyFraming == .chunked { output.writeStaticString("0\r\n\r\n") }
        self.bodyFraming = nil
        let isOver = loop.node.isDraining && exchange?.isFollowed != true
        answered(closes: !keepsOpen || isOver || !comesBack())
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    var waitingBytes: Int {
        let waiting = try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)
        return output.readableBytes + (waiting ?? 0)
    }

    /// Within a turn the end of the turn does it.
    private func flushSoon() {
        if !isAdvancing { flushAnswers() }
    }
}
