import FanfareCore
import HTTPTypes
import NIOCore

/// What carries a request and its answer: a connection of HTTP/1.1. A stream of another version would be another one.
///
/// Adds what its version of HTTP asks for (lengths, `Connection`) and the node's name to every answer.
protocol ExchangeCarrier: AnyObject {
    /// Answers the current request with a whole body.
    ///
    /// - Parameter isLast: whether nothing may follow on the connection.
    func answer(_ response: HTTPResponse, _ body: ByteBuffer, isLast: Bool)

    /// Answers with a head, behind which the connection belongs to `handler`.
    ///
    /// - Returns: whether it has it; where not, the connection is closed.
    func handOver(_ response: HTTPResponse, to handler: any ChannelHandler) -> Bool
}
