import FanfareCore
import HTTPTypes
import NIOCore

/// What carries a request and its answer: a connection of HTTP/1.1, or a stream of HTTP/2.
///
/// Adds what its version of HTTP asks for (lengths, `Connection`) and the node's name to every answer.
protocol ExchangeCarrier: AnyObject {
    /// Answers the current request with a whole body.
    ///
    /// - Parameter isLast: whether nothing may follow on the connection.
    func answer(_ response: HTTPResponse, _ body: ByteBuffer, isLast: Bool)

    /// Answers with a head, behind which the connection, or the stream, belongs to `handler`.
    ///
    /// - Returns: whether it has it; where not, the connection is closed.
    func handOver(_ response: HTTPResponse, to handler: any ChannelHandler) -> Bool

    /// Answers with a head whose body follows in parts.
    ///
    /// - Returns: whether somebody takes a body.
    func beginBody(_ response: HTTPResponse) -> Bool

    /// Sends a part of the body.
    func send(_ part: ByteBuffer)

    /// The body is complete, and with it the answer.
    func endBody()

    /// Whether the client takes what is sent: what waits is below the high-water mark of its socket.
    var isWritable: Bool { get }

    /// Bytes that were sent and are not with the kernel.
    var waitingBytes: Int { get }

    /// Gives up the deadline of the current request and its place among the sockets without a session.
    func holdOpen()

    /// Ends the answer at once, whatever of it waits: closes the socket, or resets the stream. The exchange's ``Exchange/onGone`` is
    /// called.
    func abort()
}
