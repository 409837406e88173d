import FanfareCore
import FanfareWire
import NIOCore

/// What one protocol puts around the messages of a session that outlives its requests: how they are kept until a request fetches
/// them, and how they come out of the bodies of requests. Pure.
///
/// ## Sessions without a connection
/// ``SessionTransport`` is the transport of such a client. Requests reach it through ``SessionRelay``, on any event loop and any
/// node:
///
/// - `receive` attaches a **receiver**, or asks again for one that is attached. It is answered with all messages that wait, up to
///   some 64 KiB, as soon as there are any; with nothing after the time that it waits; with the end of the session. A long poll asks
///   once (`stays: false`), a stream again and again (`stays: true`). A second receiver is told that there is one.
/// - `leave` detaches one.
/// - `send` brings the body of a request. It is answered when the client has begun the last message in it: who waits for that answer
///   sends no faster than the client may.
///
/// A session ends when nobody has received for ``gap``, and keeps for as long what its end was.
protocol SessionForm: Sendable {
    /// The byte that ends each message as it is kept, and stands within none.
    var terminator: UInt8 { get }

    /// A message of the client's protocol as it is kept, its terminator with it. Publications are kept as the client's wire format has
    /// them, which has to be the same.
    func seal(_ body: consuming Body) -> ByteBuffer

    /// Takes the next message out of the body of a request; `nil`: there is none left. The body was checked before it was sent here.
    func next(in body: inout ByteBuffer) -> Payload?

    /// Who says that the client is alive, where the receivers don't show it.
    var keepAlive: KeepAliveMode? { get }

    /// The ping as it is kept, of a protocol that has none of its own.
    var ping: ByteBuffer { get }

    /// For how long a session stays without a receiver, and its end is told after it has ended.
    var gap: Duration { get }
}
