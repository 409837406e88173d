import FanfareWire

// What a message of the Centrifuge protocol may have at most, where no setting says it.

extension CentrifugeJSONDecoder {
    /// Most bytes of a filter as JSON: what reading it costs is linear in them, for each level.
    static let maximumFilterBytes = 4 * TagFilter.maximumBytes
}

extension CentrifugeProtobufDecoder {
    /// Most fields of a message, beside the channels of a `connect`; as with JSON.
    static let maximumFields = 64
    /// Most bytes of a filter; half of them may be what stands around its texts.
    static let maximumFilterBytes = 2 * TagFilter.maximumBytes
}
