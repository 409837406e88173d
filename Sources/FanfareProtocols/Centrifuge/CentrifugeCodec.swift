import FanfareWire

/// The Centrifuge client protocol in one of its encodings.
struct CentrifugeCodec<Encoder: CentrifugeEncoder>: Codec {
    func body(_ publication: Publication) -> Body { Encoder.publicationPush(publication) }

    func body(_ event: PresenceEvent) -> Body? { Encoder.presencePush(event) }
}
