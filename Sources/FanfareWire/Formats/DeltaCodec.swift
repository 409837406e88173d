import NIOCore

/// A codec whose clients can be told what changed since a channel's last publication, instead of all of the next one.
///
/// A client has to have the publication before: the first one that it hears is whole.
public protocol DeltaCodec: Codec {
    /// The message that brings all of a publication to a client with deltas.
    func wholeBody(_ publication: Publication) -> Body

    /// The message that brings what changed since `previous`; `nil` where the whole one is no bigger.
    func deltaBody(_ publication: Publication, after previous: Publication) -> Body?
}

/// Makes the ready bytes for the clients of one wire format that have deltas. Any thread.
public struct DeltaEncoder: Sendable {
    let whole: @Sendable (Publication) -> ByteBuffer
    let delta: @Sendable (_ publication: Publication, _ previous: Publication) -> ByteBuffer?

    init(_ codec: some DeltaCodec, in framing: some Framing) {
        whole = { framing.seal(codec.wholeBody($0), at: $0.position) }
        delta = { publication, previous in
            guard let body = codec.deltaBody(publication, after: previous) else { return nil }
            return framing.seal(consume body, at: publication.position)
        }
    }
}
