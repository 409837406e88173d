import FanfareBench
import FanfareWire
import NIOCore

/// One connection of a client: opening handshake, frames, lines.
final class ClientWire: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Event {
        case open
        case message(CentrifugeMessage)
        case closed(String)
    }

    private let authority: String
    private var events: ((Event) -> Void)?
    private var head: ByteBuffer? = ByteBuffer()
    private var walker = FrameWalker(maxFrameBytes: 16_777_216)
    private var context: ChannelHandlerContext?

    init(authority: String, events: @escaping (Event) -> Void) {
        self.authority = authority
        self.events = events
    }

    func send(_ text: String) {
        context?.writeAndFlush(wrapOutboundOut(ClientFrame.text(text)), promise: nil)
    }

    /// Ends it without another event; with a close frame, or as a phone in a tunnel does.
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
        let request = Upgrade.request(authority: authority, path: "/connection/websocket")
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
                case .text, .binary:
                    for line in payload.split(separator: UInt8(ascii: "\n")) {
                        events?(.message(CentrifugeMessage(ByteBuffer(bytes: line))))
                    }
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
