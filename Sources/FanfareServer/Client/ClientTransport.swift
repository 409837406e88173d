import FanfareCore
import FanfareWire
import NIOCore

/// What carries a client: a socket, how messages stand in its bytes, and how they leave it.
///
/// Belongs to the client's event loop, and holds the client as long as it has a connection. The client asks for messages; the
/// transport tells it of bytes (``Client/received(bytes:toTheEnd:)``) and of the connection's end (``Client/finish()``).
protocol ClientTransport: AnyObject {
    /// The client that it carries; `nil` when it has ended.
    var client: Client? { get set }

    /// How clients that it carries are counted.
    var name: TransportName { get }

    /// The next message that has come, if a whole one has. What is the transport's own business (a ping, the peer's close) it
    /// sees to by itself.
    func next(now: UInt64) -> Arrival?

    /// All that may be handled now is handled.
    func turnEnded(now: UInt64)

    /// The ready bytes that bring a message of the client's protocol.
    func seal(_ body: consuming Body) -> ByteBuffer

    /// The beginning of the bytes of a body in parts, up to ``Body/rest``, if that can follow as it is; `nil`: the body has to be
    /// sealed as a whole.
    func head(of body: Body) -> ByteBuffer?

    /// The ping of a protocol that has none of its own.
    var ping: ByteBuffer { get }

    /// Who says that the connection is alive; `nil`: nobody, it will not be for long.
    var keepAlive: KeepAliveMode? { get }

    /// Whether a ping can't reach the client for the moment, so that it can't answer.
    var holdsPings: Bool { get }

    /// Whether somebody is there to hear a farewell; a client without is gone at once.
    var hasPeer: Bool { get }

    /// The last bytes of a client that the node ends, which say why, and what follows them.
    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes)

    /// With whom the client's publications are counted, where each of these makes a client anew; `nil`: its own rate is enough.
    var publisher: ClientGroup? { get }

    /// Whether it changes the frames of publications; then none go past it.
    var changesFrames: Bool { get }

    /// A publication's frame as it leaves for this client.
    func changed(_ frame: SplitFrame) -> SplitFrame

    /// Where the message ends within ready bytes of which the client has the first `taken`.
    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int

    /// Writes the long way: NIO sends it when the socket can take it.
    func write(_ part: ByteBuffer, promise: EventLoopPromise<Void>?)

    func flush()

    /// Stops or resumes reading the socket.
    func setReading(_ isReading: Bool)

    /// Ends our half of the connection, reading on.
    func closeOutput()

    /// Ends the connection; the client's ``Client/finish()`` follows.
    func close()
}

extension ClientTransport {
    var hasPeer: Bool { true }
    var holdsPings: Bool { false }
    var publisher: ClientGroup? { nil }
    var changesFrames: Bool { false }
    func changed(_ frame: SplitFrame) -> SplitFrame { frame }
    func head(of body: Body) -> ByteBuffer? { nil }

    /// The ready bytes of a body, also of one in parts.
    func sealWhole(_ body: consuming Body) -> ByteBuffer {
        guard !body.rest.isEmpty else { return seal(body) }
        return seal(body.joined)
    }
}

/// What a transport had.
enum Arrival {
    case message(Payload)
    /// Something of its own, which is seen to.
    case control
}

/// What follows the last bytes of a client.
enum AfterLastBytes {
    /// The peer's own farewell, or a deadline.
    case awaitPeer
    /// The end of our half: the peer may still be sending, or may never understand that it should end.
    case endOutput
    /// The end of the connection.
    case closeSocket
}
