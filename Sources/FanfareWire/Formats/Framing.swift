import NIOCore

/// How bodies leave on a byte stream, of whichever protocol they are.
public protocol Framing: Sendable {
    /// The bytes that bring `body` to a client. In place where the body has room for a header and nobody else holds it.
    ///
    /// - Parameter position: its place in the channel's stream, for transports that tell clients theirs; `nil`: it has none.
    func seal(_ body: consuming Body, at position: StreamPosition?) -> ByteBuffer
}
