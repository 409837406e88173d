import FanfareWire

/// The raw protocol: a payload in, a payload out.
struct RawCodec: Codec {
    func body(_ publication: Publication) -> Body { Body(publication.payload) }
}
