import NIOCore
import Synchronization

/// A publication with its frames, each made once and shared by every event loop and subscriber.
///
/// Frames of the formats in use are made where the publication enters the node, so that event loops find them without a
/// lock. Those of derived formats (compression costs a hundred times as much), of formats with parameters and of formats
/// that appeared a moment ago are made when a first client takes one.
public final class PreparedPublication: Sendable {
    public let publication: Publication
    /// When this node took it from the broker: microseconds since 1970-01-01 UTC.
    public let receivedAt: UInt64
    /// Whether it comes out of the channel's stream after a gap, late and with many others.
    public let isRepaired: Bool
    private let formats: FormatTable
    private let frames: PerFormat<ByteBuffer>
    private let late = Mutex(Late())

    /// What was made when a client took it.
    private struct Late {
        var frames = PerFormat<ByteBuffer>()
        var deflated = DeflatedBytes()
        /// Nearly always none. By hash: a channel has a format for each selection of GraphQL, and every event loop asks for all.
        var personal: [WireFormat: PersonalBody] = [:]
        var deltas = DeltaFrames()
    }

    /// What compression came to: bytes of frames before and after it.
    public struct DeflatedBytes: Sendable, Equatable {
        public var before = 0
        public var after = 0

        /// A frame out of another one, which stays where it is as good.
        mutating func derive(_ plain: ByteBuffer, _ derive: (ByteBuffer) -> ByteBuffer?) -> ByteBuffer {
            guard let derived = derive(plain) else { return plain }
            before += plain.readableBytes
            after += derived.readableBytes
            return derived
        }
    }

    /// - Parameter formats: those of the node.
    public init(_ publication: Publication, formats: FormatTable, receivedAt: UInt64, isRepaired: Bool = false) {
        self.isRepaired = isRepaired
        self.receivedAt = receivedAt
        self.formats = formats
        var frames = PerFormat<ByteBuffer>()
        for eager in formats.eager { frames.add(eager.format, eager.encoder.publication(publication)) }
        self.frames = frames
        // Last, so that it is moved there and not copied.
        self.publication = publication
    }

    /// The ready bytes in `format`, which somebody uses.
    public func frame(_ format: WireFormat) -> ByteBuffer {
        if let frame = frames[format] { return frame }
        // Whoever comes second waits for the first: that is shorter than to do it again.
        return late.withLock { make(format, &$0) }
    }

    private func make(_ format: WireFormat, _ late: inout Late) -> ByteBuffer {
        if let frame = frames[format] ?? late.frames[format] { return frame }
        let frame: ByteBuffer
        switch formats.definition(format) {
        case .encoded(let encoder): frame = encoder.publication(publication)
        case .derived(let base, let derive):
            let plain = make(base, &late)
            frame = late.deflated.derive(plain, derive)
        case .personal, nil:
            assertionFailure("a client is in the hub whose format nobody uses, or that has no lead for its format")
            return ByteBuffer()
        }
        late.frames.add(format, frame)
        return frame
    }

    /// What the clients of `format` share, which somebody uses and whose clients have leads of their own.
    public func personal(_ format: WireFormat) -> PersonalBody? {
        if let known = late.withLock({ $0.personal[format] }) { return known }
        guard case .personal(let encoder) = formats.definition(format) else { return nil }
        // Without the lock: there may be many such formats, others on each event loop, and none of these waits for all of them.
        let made = PersonalBody(body: encoder.body(publication), encoder: encoder)
        return late.withLock { late in
            if let known = late.personal[format] { return known }
            late.personal[format] = made
            return made
        }
    }

    /// The ready bytes in `format` for clients with deltas, which somebody is.
    ///
    /// - Parameter previous: the publication before this one, which the client has; `nil`: it may have none.
    public func frame(_ format: WireFormat, after previous: Publication?) -> ByteBuffer {
        late.withLock { late in
            guard let previous else {
                return late.deltas.whole(publication, format, formats, &late.deflated)
            }
            return late.deltas.delta(publication, after: previous, format, formats, &late.deflated)
        }
    }

    /// What compression came to since the last call; `nil` where none is in use. For one counter among all event loops.
    public func takeDeflatedBytes() -> DeflatedBytes? {
        guard formats.compressionThreshold < .max else { return nil }
        return late.withLock { late in
            defer { late.deflated = DeflatedBytes() }
            return late.deflated
        }
    }
}
