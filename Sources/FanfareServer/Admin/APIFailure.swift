import FanfareCore
import NIOCore

/// An answer of the server API.
struct APIAnswer: Sendable {
    /// HTTP status.
    var status: Int
    /// JSON.
    var body: ByteBuffer
    /// Whether the body tells of an error, be it for one channel of many.
    var hasError = false
    /// What the body takes of what may be under way, until it is taken.
    var place: APIReads.Place?
}

/// Why the server API can't do what it is asked; ``ServerAPI`` says which status goes with what.
struct APIFailure: Error, Sendable, Equatable {
    /// HTTP status, where this is the whole answer.
    let status: Int
    /// Centrifugo's error code: 100 internal, 101 unauthorized, 102 unknown channel, 106 limit, 107 bad
    /// request, 108 not available, 112 unrecoverable position.
    let code: Int
    /// For the person who reads the backend's log.
    let message: String
    /// Whether it may have happened all the same; `nil`: the message says all, or nothing was asked of the broker or of other nodes.
    var outcome: Outcome?

    /// What became of something that was answered with an error.
    enum Outcome: String {
        /// Nothing was published.
        case notPublished = "not_published"
        /// Nothing was done with any client.
        case notDone = "not_done"
        /// It may have been done, or a part of it.
        case unknown

        init(_ outcome: PublishOutcome) {
            switch outcome {
            case .notPublished: self = .notPublished
            case .unknown: self = .unknown
            }
        }
    }

    /// No key of the server API, or a wrong one.
    static let unauthorized = APIFailure(
        status: 401, code: 101,
        message: "a key of admin-api-keys is needed, as 'Authorization: apikey KEY' or X-API-Key")

    /// The request is wrong: 400, or another status that says in which way.
    static func badRequest(_ message: String, status: Int = 400) -> APIFailure {
        APIFailure(status: status, code: 107, message: message)
    }

    /// Something in the request has more bytes than it may.
    static func tooLarge(_ what: String, limit: Int) -> APIFailure {
        APIFailure(status: 413, code: 106, message: "\(what) is above the limit of \(limit) bytes")
    }

    /// More channels in one broadcast than there may be.
    static func tooManyChannels(_ count: Int, limit: Int) -> APIFailure {
        APIFailure(status: 400, code: 106, message: "at most \(limit) channels in one broadcast, got \(count)")
    }

    /// An option that this node has not, or not for that channel.
    static func notAvailable(_ message: String) -> APIFailure { APIFailure(status: 400, code: 108, message: message) }

    /// The broker did not do what it was asked.
    static func broker(_ error: BrokerError) -> APIFailure {
        switch error {
        case .noHistory, .noPresence: .notAvailable("\(error)")
        default: APIFailure(status: 503, code: 100, message: "\(error)")
        }
    }

    /// The broker did not take a publication, or did not say that it has it.
    ///
    /// - Parameter hasKey: whether the publish can be sent again and happens once.
    static func publish(_ error: BrokerError, hasKey: Bool) -> APIFailure {
        let failure = broker(error)
        guard failure.status == 503 else { return failure }
        let message =
            switch (error.outcome, hasKey) {
            case (.notPublished, _): "nothing was published: \(error)"
            case (.unknown, true): "it may have been published: \(error); try again with the same idempotency_key"
            case (.unknown, false):
                "it may have been published: \(error); only with an idempotency_key is trying again safe"
            }
        return APIFailure(status: failure.status, code: failure.code, message: message, outcome: Outcome(error.outcome))
    }

    /// As JSON.
    var body: ByteBuffer {
        var members: [(String, JSONText)] = [("code", .number(code)), ("message", .string(message))]
        if let outcome { members.append(("outcome", .string(outcome.rawValue))) }
        return JSONText.object([("error", .object(members))])
    }
}
