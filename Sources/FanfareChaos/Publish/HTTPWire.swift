import FanfareBench
import NIOCore
import NIOPosix

/// A kept-alive HTTP connection to a port on loopback, one request at a time. Belongs to its event loop.
final class HTTPWire: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Event {
        case open
        case answer(HTTPAnswer)
        case closed
    }

    private let eventLoop: any EventLoop
    private let port: Int
    private var events: ((Event) -> Void)?
    private var context: ChannelHandlerContext?
    private var input = ByteBuffer()

    init(eventLoop: any EventLoop, port: Int) {
        self.eventLoop = eventLoop
        self.port = port
    }

    var isOpen: Bool { context?.channel.isActive == true }

    func connect(_ events: @escaping (Event) -> Void) {
        self.events = events
        ClientBootstrap.connect(self, to: port, on: eventLoop) { [self] _ in end() }
    }

    func post(_ path: String, _ body: String) {
        write(
            "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    func get(_ path: String) { write("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n") }

    /// Ends it without another event.
    func close() {
        events = nil
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) { events?(.open) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.writeImmutableBuffer(unwrapInboundIn(data))
        do throws(HTTPAnswer.Mistake) {
            while input.readableBytes > 0, let answer = try HTTPAnswer.read(&input) { events?(.answer(answer)) }
            input.discardReadBytes()
        } catch {
            end()
        }
    }

    func channelInactive(context: ChannelHandlerContext) { end() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end() }

    private func write(_ text: String) {
        context?.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    private func end() {
        let events = self.events
        self.events = nil
        context?.close(promise: nil)
        events?(.closed)
    }
}
