/// What became of a publication that was answered with an error: whether sending it again may publish it twice.
public enum PublishOutcome: String, Sendable, CaseIterable {
    /// Nothing was published: sending it again is safe.
    case notPublished = "not_published"
    /// It may have been published: only with the same idempotency key is sending it again safe.
    case unknown
}

extension BrokerError {
    /// What became of the publication.
    public var outcome: PublishOutcome {
        switch self {
        case .unavailable, .overloaded, .noHistory, .noPresence, .tooManyFilters,
            .tooManyFormats:
            .notPublished
        case .unknownOutcome: .unknown
        // A script may have done a part of its work before Redis refused a command of it, and an answer that can't be read
        // says nothing.
        case .refused(let words): Self.beforeAnything.contains { words.hasPrefix($0) } ? .notPublished : .unknown
        }
    }

    /// Errors with which Redis refuses a write before anything was done: memory is full, a replica, not loaded yet, a disk
    /// that takes nothing, a slot without a master, too few replicas, no log-in.
    private static let beforeAnything = [
        "OOM", "READONLY", "LOADING", "MISCONF", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS", "NOAUTH", "BUSY",
    ]
}
