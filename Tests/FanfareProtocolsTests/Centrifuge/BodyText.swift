import FanfareWire

extension Body {
    /// What a client reads.
    var text: String { String(buffer: joined.bytes) }
}

extension [Body] {
    /// What a client reads, one message behind the other.
    var text: String { map(\.text).joined() }
}
