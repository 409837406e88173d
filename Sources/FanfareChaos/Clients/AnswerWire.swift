import NIOCore
import NIOPosix

/// A connection for one request, whose answer is told as it comes. Belongs to its event loop.
final class AnswerWire: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Event {
        case piece(AnswerReader.Piece)
        /// The answer will not be complete, and why.
        case broken(String)
    }

    private let eventLoop: any EventLoop
    private let port: Int
    private var request = ByteBuffer()
    private var reader = AnswerReader()
    private var events: ((Event) -> Void)?
    private var context: ChannelHandlerContext?

    init(eventLoop: any EventLoop, port: Int) {
        self.eventLoop = eventLoop
        self.port = port
    }

    /// Connects and asks.
    ///
    /// - Parameter body: posted; `nil`: the request is a GET.
    func ask(
        _ path: String, _ fields: [String: String] = [:], body: String? = nil, _ events: @escaping (Event) -> Void
    ) {
        self.events = events
        request.writeString("\(body == nil ? "GET" : "POST") \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n")
        for (name, value) in fields { request.writeString("\(name): \(value)\r\n") }
        if let body { request.writeString("Content-Length: \(body.utf8.count)\r\n") }
        request.writeString("\r\n" + (body ?? ""))
        ClientBootstrap.connect(self, to: port, on: eventLoop) { [self] in end($0) }
    }

    /// Ends it without another event.
    func close() {
        events = nil
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        guard events != nil else { return context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        reader.feed(unwrapInboundIn(data))
        do throws(AnswerReader.Mistake) {
            while events != nil, let piece = try reader.next() {
                if case .end = piece { return complete() }
                events?(.piece(piece))
            }
        } catch {
            end("\(error)")
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if reader.isCompleteAtEnd { complete() } else { end("closed") }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end("\(error)") }

    private func complete() { last(.piece(.end)) }

    private func end(_ reason: String) { last(.broken(reason)) }

    private func last(_ event: Event) {
        let events = self.events
        self.events = nil
        context?.close(promise: nil)
        events?(event)
    }
}
