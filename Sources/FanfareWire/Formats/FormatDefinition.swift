import NIOCore

/// What stands behind a wire format. Its functions are specialised for one codec and one framing, and run once for each
/// publication, format and node; never for a delivery.
public enum FormatDefinition: Sendable {
    /// Publications, joins and leaves are encoded.
    case encoded(FormatEncoder)
    /// Frames are made out of those of another format, when a first client takes one: too dear to be made for nobody. The
    /// function answers `nil` where the other format's frame does as well.
    case derived(from: WireFormat, @Sendable (ByteBuffer) -> ByteBuffer?)
    /// Publications are encoded when a first client takes one, but for a few bytes that each client has for itself. Its clients
    /// don't hear of joins and leaves.
    case personal(PersonalEncoder)

    /// Everything in one codec and one framing; clients of a ``DeltaCodec`` may have deltas.
    public static func encoded(_ codec: some Codec, in framing: some Framing) -> FormatDefinition {
        .encoded(FormatEncoder(codec, in: framing))
    }

    /// Messages of a codec, each behind a lead of its client, in one framing.
    public static func personal(_ codec: some Codec, in framing: some PersonalFraming) -> FormatDefinition {
        .personal(
            PersonalEncoder(
                body: { codec.body($0) }, writeHeader: { framing.writeHeader(of: $0, behind: $1, into: &$2) }))
    }

    var isPersonal: Bool { if case .personal = self { true } else { false } }

    /// The format out of whose frames this one's are made.
    var base: WireFormat? {
        if case .derived(let base, _) = self { base } else { nil }
    }
}

/// Makes the ready bytes of one wire format. Any thread.
public struct FormatEncoder: Sendable {
    /// The frame of a publication.
    public let publication: @Sendable (Publication) -> ByteBuffer
    /// The frame of a join or leave; `nil`: clients of that format don't hear of others.
    public let presence: @Sendable (PresenceEvent) -> ByteBuffer?
    /// The frames of those with deltas; `nil`: there are none.
    private(set) var deltas: DeltaEncoder?

    public init(
        publication: @escaping @Sendable (Publication) -> ByteBuffer,
        presence: @escaping @Sendable (PresenceEvent) -> ByteBuffer? = { _ in nil }
    ) {
        self.publication = publication
        self.presence = presence
    }

    init(_ codec: some Codec, in framing: some Framing) {
        self.init(
            publication: { framing.seal(codec.body($0), at: $0.position) },
            presence: { event in
                guard let body = codec.body(event) else { return nil }
                return framing.seal(consume body, at: nil)
            })
        // Asked here, and not told by the caller's type: whoever makes formats of any codec knows it only as a codec.
        if let codec = codec as? any DeltaCodec { deltas = DeltaEncoder(codec, in: framing) }
    }
}

/// A format whose frames are encoded, and how.
public struct PlainFormat: Sendable {
    public let format: WireFormat
    public let encoder: FormatEncoder
}
