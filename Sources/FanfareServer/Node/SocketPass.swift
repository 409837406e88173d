import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Calls back in the event loop's next look at its sockets, so that whoever has more to do than one turn allows lets them have
/// theirs.
///
/// No task can do that: NIO looks at its sockets only when no task is left, and one that is scheduled for a moment later runs
/// before that look if the others take as long. A pipe is a socket among the others: one byte in it is one call, beside
/// whatever else has come. Belongs to one event loop.
final class SocketPass: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let eventLoop: any EventLoop
    private let action: () -> Void
    /// The end that is written to; negative: there is none.
    private var descriptor: CInt = -1
    private var channel: (any Channel)?
    private var isAsked = false
    private var hasEnded = false

    /// - Parameter action: called once for each ``ask()``, or several of them.
    init(_ eventLoop: any EventLoop, action: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.action = action
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Makes the pipe; until it is there, ``ask()`` does with a pause.
    func start() {
        guard let bootstrap = NIOPipeBootstrap(validatingGroup: eventLoop) else { return }
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        let (reading, writing) = (ends[0], ends[1])
        // One byte is on its way at a time, so a write never waits.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
        }
        .takingOwnershipOfDescriptor(input: reading)
        .whenComplete { result in bound.value.started(result, writing) }
    }

    private func started(_ result: Result<any Channel, any Error>, _ writing: CInt) {
        guard case .success(let channel) = result, !hasEnded else {
            close(writing)
            if case .success(let channel) = result { channel.close(promise: nil) }
            return
        }
        self.channel = channel
        descriptor = writing
    }

    /// Closes the pipe.
    func stop() {
        hasEnded = true
        channel?.close(promise: nil)
        channel = nil
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Wants the call. Before it comes, asking again changes nothing.
    func ask() {
        guard !isAsked else { return }
        isAsked = true
        if descriptor >= 0 {
            var byte: UInt8 = 0
            if write(descriptor, &byte, 1) == 1 { return }
        }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.pause) { bound.value.call() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { call() }

    private func call() {
        guard isAsked else { return }
        isAsked = false
        action()
    }
}
