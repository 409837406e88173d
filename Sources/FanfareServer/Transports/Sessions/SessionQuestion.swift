import Crypto
import FanfareWire
import NIOCore

/// Which session a request is for.
struct SessionAddress: Sendable, Equatable {
    /// Protocol, path and id. Compared by bytes; the client may have chosen it.
    let name: ExactText
    /// What the request shows to be let in: the digest of its token, or of another secret; empty where the session was opened without.
    let proof: [UInt8]
    /// Where it is, for ids that say so; `nil`: on the node that knows it.
    let node: NodeID?

    init(_ name: ExactText, proof: [UInt8], node: NodeID? = nil) {
        (self.name, self.proof, self.node) = (name, proof, node)
    }

    /// - Parameter secret: `nil`: there is none. It can't be got back out of what nodes send each other.
    init(_ name: ExactText, secret: String?, node: NodeID? = nil) {
        self.init(name, proof: secret.map { Array(SHA256.hash(data: Array($0.utf8))) } ?? [], node: node)
    }
}

/// A receiver asks for what a session says.
struct SessionQuestion: Sendable {
    let session: SessionAddress
    /// Names the receiver: a random number.
    let receiver: UInt64
    /// Microseconds for which it waits for a message.
    var wait: UInt64
    /// Whether it will ask again after an answer.
    let stays: Bool
    /// Messages of one answer that the receiver can take at most; `nil`: it takes any number. For sessions that know them apart.
    var maxMessages: Int?
    /// The node at which the receiver is; `nil`: this one.
    var asker: NodeID?
}

/// What it is told.
enum SessionReply: Sendable, Equatable {
    /// Whole messages as they were kept, each with its terminator.
    case messages(ByteBuffer)
    /// Nothing came in time.
    case nothing
    /// Another receiver is attached.
    case occupied
    /// The session has ended, with this code and reason.
    case ended(code: UInt16, reason: String)
    /// There is no such session, or this request may not know of it.
    case gone
    /// Nobody could say whether there is: other nodes can't be reached, or too much waits for them. The session was not asked.
    case unavailable
    /// The session's node was asked, and its answer is lost or late: with it may be messages. The session ends with that, so that nobody
    /// gets what comes after them as if nothing were missing.
    case unknown
}

/// What becomes of the body of a request for a session.
enum SessionOutcome: Sendable, Equatable {
    /// The client has begun all messages in it, or the session ends and nobody needs them.
    case taken
    /// There is no such session, or this request may not know of it.
    case gone
    /// Too much waits for it already. Nothing was done.
    case full
    /// Other nodes can't be reached, or too much waits for them. Nothing was done.
    case unavailable
    /// The other node did not say in time whether the client has it.
    case unknown
}
