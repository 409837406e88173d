import FanfareBench
import FanfareWire
import NIOCore
import NIOPosix

/// A WebSocket to a port on loopback: opening handshake, frames, pings. What its messages are is its owner's business. Belongs to its
/// event loop.
final class WebSocketWire: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Event {
        case open
        case message(ByteBuffer)
        /// It has ended, and why.
        case closed(String)
    }

    private let eventLoop: any EventLoop
    private let port: Int
    private let path: String
    private var events: ((Event) -> Void)?
    private var head: ByteBuffer? = ByteBuffer()
    private var walker = FrameWalker(maxFrameBytes: 16_777_216)
    private var context: ChannelHandlerContext?

    init(_ path: String, eventLoop: any EventLoop, port: Int) {
        self.path = path
        self.eventLoop = eventLoop
        self.port = port
    }

    func connect(_ events: @escaping (Event) -> Void) {
        self.events = events
        ClientBootstrap.connect(self, to: port, on: eventLoop) { [self] in end($0) }
    }

    func send(_ text: String) { context?.writeAndFlush(wrapOutboundOut(ClientFrame.text(text)), promise: nil) }

    /// Ends it without another event.
    func close(politely: Bool) {
        events = nil
        if politely {
            var frame = ByteBuffer()
            ClientFrame.write(.close, [0x03, 0xE8], into: &frame)
            context?.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        }
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        guard events != nil else { return context.close(promise: nil) }
        let request = Upgrade.request(authority: "127.0.0.1:\(port)", path: path)
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard var head else { return walk(bytes) }
        head.writeImmutableBuffer(bytes)
        self.head = head
        do throws(HTTPAnswer.Mistake) {
            switch try Upgrade.read(&head) {
            case .incomplete: break
            case .refused(let answer): end("HTTP \(answer.status)")
            case .open:
                self.head = nil
                events?(.open)
                if head.readableBytes > 0 { walk(head) }
            }
        } catch {
            end("\(error)")
        }
    }

    func channelInactive(context: ChannelHandlerContext) { end("closed") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end("\(error)") }

    private func walk(_ bytes: ByteBuffer) {
        do throws(FrameWalker.Mistake) {
            try walker.walk(bytes) { kind, payload in
                switch kind {
                case .text, .binary: events?(.message(ByteBuffer(bytes: payload)))
                case .ping:
                    var frame = ByteBuffer()
                    ClientFrame.write(.pong, payload, into: &frame)
                    context?.writeAndFlush(wrapOutboundOut(frame), promise: nil)
                case .close:
                    let code = payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : 0
                    end("close \(code)")
                case .pong: break
                }
            }
        } catch {
            end("\(error)")
        }
    }

    private func end(_ reason: String) {
        let events = self.events
        self.events = nil
        events?(.closed(reason))
        context?.close(promise: nil)
    }
}
