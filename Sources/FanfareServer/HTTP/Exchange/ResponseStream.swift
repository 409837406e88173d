import NIOCore

/// The body of an answer in parts: an exchange whose head is out.
///
/// Belongs to the event loop of its exchange. Nothing of a part is dropped, so whoever sends looks at ``isWritable`` first, goes on
/// with ``onWritable``, and bounds what waits. No deadline ends a stream, and its connection has no place among the sockets
/// without a session: the endpoint has counted it (``Exchange/admit(_:)``), and is told by ``onGone`` when it is over.
struct ResponseStream {
    let exchange: Exchange

    /// Whether nothing can be sent any more: it has ended, or the client has gone.
    var isOver: Bool { exchange.isOver }
    /// Whether the client takes what is sent; not while more waits for it than the high-water mark of its socket (64 KiB).
    var isWritable: Bool { exchange.carrier?.isWritable ?? false }
    /// Bytes that were sent and are not with the kernel.
    var waitingBytes: Int { exchange.carrier?.waitingBytes ?? 0 }

    /// Called when ``isWritable`` becomes true again.
    var onWritable: (() -> Void)? {
        get { exchange.onWritable }
        nonmutating set { exchange.onWritable = exchange.isOver ? nil : newValue }
    }

    /// Called once if the client goes before the end.
    var onGone: (() -> Void)? {
        get { exchange.onGone }
        nonmutating set { exchange.onGone = exchange.isOver ? nil : newValue }
    }

    /// Sends a part, at once or at the end of the turn.
    func send(_ part: ByteBuffer) { exchange.carrier?.send(part) }

    /// Ends the answer. The connection is kept for another request where the client's allows that.
    func end() { exchange.carrier?.endBody() }
}
