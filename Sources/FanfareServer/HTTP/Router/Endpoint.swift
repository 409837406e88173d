import FanfareCore
import HTTPTypes
import NIOCore

/// What answers the requests for a route: decides about the body when the head has come, and answers when all of it has.
protocol Endpoint {
    /// Whether its answers are for every page; else those that come from other origins than the node's policy allows get 403.
    var isForAllPages: Bool { get }

    /// Whether a request belongs to a session that is there and outlives it: a node on its way out answers those until the session has
    /// been told.
    func isOfSession(_ exchange: Exchange) -> Bool

    /// What becomes of the request's body, of which nothing has come yet.
    ///
    /// - Returns: `nil`: the request was refused.
    func body(of exchange: Exchange) -> BodyUse?

    /// Answers, now or later. For a client that holds a body back of which nothing is kept, before that comes.
    ///
    /// - Parameter body: empty where it is not kept.
    func respond(to exchange: Exchange, _ body: ByteBuffer)
}

extension Endpoint {
    var isForAllPages: Bool { false }
    func isOfSession(_ exchange: Exchange) -> Bool { false }
    func body(of exchange: Exchange) -> BodyUse? { .ignored }
}

/// What becomes of the body of a request.
enum BodyUse {
    /// The answer does not depend on it: it is thrown away, up to the limit of a message.
    case ignored
    /// There must be none: where it ends, another protocol would begin.
    case forbidden
    /// Collected, up to so many bytes, uncompressed.
    case kept(limit: Int)
}

/// An error instead of an answer, given when the request is complete.
struct RefusingEndpoint: Endpoint {
    let reason: RefusalReason
    let status: HTTPResponse.Status
    let message: String
    var fields: HTTPFields = [:]

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        exchange.refuse(reason, status, message, fields: fields)
    }
}
