import NIOCore

/// One publication's frames for clients with deltas, each made when a first client takes it.
struct DeltaFrames {
    private struct Delta {
        let previous: Payload
        let frame: ByteBuffer
    }

    private var wholes = PerFormat<ByteBuffer>()
    private var deltas = PerFormat<Delta>()

    /// All of the publication, to whoever hears the next one as a delta.
    mutating func whole(
        _ publication: Publication, _ format: WireFormat, _ formats: FormatTable,
        _ deflated: inout PreparedPublication.DeflatedBytes
    ) -> ByteBuffer {
        if let frame = wholes[format] { return frame }
        let frame: ByteBuffer
        switch formats.definition(format) {
        case .encoded(let encoder):
            assert(encoder.deltas != nil, "a client has deltas whose format has none")
            frame = (encoder.deltas?.whole ?? encoder.publication)(publication)
        case .derived(let base, let derive):
            frame = deflated.derive(whole(publication, base, formats, &deflated), derive)
        case .personal, nil:
            assertionFailure("a client is in the hub whose format nobody uses, or that has a lead and deltas")
            frame = ByteBuffer()
        }
        wholes.add(format, frame)
        return frame
    }

    /// What changed since `previous`, or all of the publication where that is no bigger.
    ///
    /// Whoever asks first has the delta made. All event loops have the same publication before this one, unless one has lost
    /// something: there it is whole.
    mutating func delta(
        _ publication: Publication, after previous: Publication, _ format: WireFormat, _ formats: FormatTable,
        _ deflated: inout PreparedPublication.DeflatedBytes
    ) -> ByteBuffer {
        if let known = deltas[format] {
            guard known.previous == previous.payload else { return whole(publication, format, formats, &deflated) }
            return known.frame
        }
        let frame: ByteBuffer
        switch formats.definition(format) {
        case .encoded(let encoder):
            frame =
                encoder.deltas?.delta(publication, previous) ?? whole(publication, format, formats, &deflated)
        case .derived(let base, let derive):
            frame = deflated.derive(delta(publication, after: previous, base, formats, &deflated), derive)
        case .personal, nil: frame = whole(publication, format, formats, &deflated)
        }
        deltas.add(format, Delta(previous: previous.payload, frame: frame))
        return frame
    }
}
