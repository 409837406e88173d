/// How publications read in one protocol. Knows nothing of what carries its bodies.
public protocol Codec: Sendable {
    /// The message that brings a publication.
    func body(_ publication: Publication) -> Body

    /// The message that brings a join or leave; `nil` in a protocol whose clients don't hear of others.
    func body(_ event: PresenceEvent) -> Body?
}

extension Codec {
    public func body(_ event: PresenceEvent) -> Body? { nil }
}
