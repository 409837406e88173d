import NIOCore

/// A publication of this run on its way in.
struct Outgoing {
    var stamp: Stamp
    /// Clients of its channel that were connected when it was due.
    var audience: Int
}

/// One connection of a publisher: sends what is due as far as its window allows, keeps the rest in order. Belongs to the
/// publishing event loop.
final class PublishLink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Publications that wait behind a full window; beyond it they are given up.
    static let maxBacklog = 250_000

    private var dialect: any PublishDialect
    /// Kept alive: a connection may end, and say so, after the run that it belonged to has failed.
    private let loop: PublishLoop
    private let ready: EventLoopPromise<Void>
    private var context: ChannelHandlerContext?
    private var nextID = firstPublishID
    private var waiting: [UInt32: Outgoing] = [:]
    private var backlog = CircularBuffer<Outgoing>()
    private(set) var hasEnded = false

    /// Sent, and no answer yet.
    var underWay: Int { waiting.count }

    /// - Parameter ready: succeeds when publications may be sent; fails when that will never be.
    init(_ dialect: any PublishDialect, loop: PublishLoop, ready: EventLoopPromise<Void>) {
        self.dialect = dialect
        self.loop = loop
        self.ready = ready
    }

    /// Takes a publication; it leaves with the next ``flush()`` that has room for it.
    func add(_ outgoing: Outgoing) {
        guard !hasEnded, backlog.count < Self.maxBacklog else { return loop.unsent(1) }
        backlog.append(outgoing)
    }

    /// Sends what the window allows, in one write.
    func flush() {
        guard let context, !hasEnded, !backlog.isEmpty, waiting.count < dialect.window else { return }
        var buffer = context.channel.allocator.buffer(capacity: 16_384)
        while waiting.count < dialect.window, let outgoing = backlog.popFirst() {
            dialect.write(outgoing.stamp, id: nextID, into: &buffer)
            waiting[nextID] = outgoing
            nextID &+= 1
            loop.sent()
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    /// Gives up what was not sent.
    func dropBacklog() {
        loop.unsent(backlog.count)
        backlog.removeAll()
    }

    /// Ends the connection for a reason.
    func end(_ reason: String) {
        guard !hasEnded else { return }
        hasEnded = true
        ready.fail(PublishMistake(description: reason))
        loop.unanswered(waiting.count)
        waiting.removeAll()
        dropBacklog()
        loop.linkEnded(reason)
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        if let opening = dialect.opening() {
            context.writeAndFlush(wrapOutboundOut(opening), promise: nil)
        } else {
            ready.succeed(())
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        do throws(PublishMistake) {
            try dialect.read(unwrapInboundIn(data)) { event in
                switch event {
                case .ready: ready.succeed(())
                case .send(let bytes): context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
                case .accepted(let id): waiting.removeValue(forKey: id).map(loop.accepted)
                case .refused(let id, let reason):
                    if waiting.removeValue(forKey: id) != nil { loop.refused(reason) }
                }
            }
        } catch {
            end("\(error)")
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { flush() }

    func channelInactive(context: ChannelHandlerContext) { end("connection closed") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(ConnectFailure.describe(error)) }
}
